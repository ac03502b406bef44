"""The processor, its memory and the accelerators, and whether the devices that a sweep names are among them."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from evalkit.commands.doctor.check import Check, pip_install, size
from evalkit.commands.doctor.imports import Step, Tried
from evalkit.commands.doctor.models import HERE, Model, python_of
from evalkit.engines.wrapping import innermost
from evalkit.weights.devices import cores

TELL = Step("devices", "torch")


def processor() -> Check:
    """Returns the check of cores and memory."""
    memory = psutil.virtual_memory()
    return Check("cpu", "ok", f"{cores()} cores, {size(memory.total)} of memory, {size(memory.available)} free")


def accelerators(here: Tried) -> Iterator[Check]:
    """Gives a check for each accelerator that torch can compute on in this Python."""
    if here.devices is None:
        yield _untold(here)
        return
    for index, device in enumerate(here.devices["cuda"]):
        message = f"{device['name']}, {size(device['bytes'])} of memory, {size(device['free'])} free"
        yield Check(f"cuda:{index}", "ok", message)
    if here.devices["mps"]:
        yield Check("mps", "ok", "here")
    if not here.devices["cuda"] and not here.devices["mps"]:
        yield _none(here.devices["fault"])


def wanted(models: Iterable[Model], device: str, tried: Mapping[str, Tried]) -> Iterator[Check]:
    """Gives a check for each device that a run and its models name."""
    for python, name in named_devices(models, device):
        here = tried[python].devices
        where = "" if python == HERE else f" in {python}"
        if here and _is_there(name, here):
            yield Check(f"device={name}", "ok", f"here{where}")
        else:
            yield Check(f"device={name}", "wrong", f"there is none{where}", "device=auto or device=cpu, behind `run`")


def named_devices(models: Iterable[Model], device: str) -> list[tuple[str, str]]:
    """Returns the accelerators that a run and its models name, each with the Python that is to compute there."""
    named = [(HERE, device), *((python_of(model), getattr(innermost(model), "device", "auto")) for model in models)]
    return [(python, name) for python, name in dict.fromkeys(named) if name not in ("auto", "cpu")]


def _is_there(name: str, here: Mapping[str, Any]) -> bool:
    kind, _, index = name.partition(":")
    return bool(here["mps"]) if kind == "mps" else int(index or 0) < len(here["cuda"])


def _untold(here: Tried) -> Check:
    fault = here.faults.get(TELL)
    reason = fault.reason if fault else "nothing was said"
    mend = pip_install("torch" if fault and fault.reason.startswith("ModuleNotFound") else "--force-reinstall torch")
    return Check("accelerators", "wrong", f"torch cannot tell: {reason}", mend)


def _none(fault: str | None) -> Check:
    if any(Path("/dev").glob("nvidia[0-9]*")):
        message = f"there is a GPU, and torch cannot use it: {fault}"
        return Check("accelerators", "warning", message, "nvidia-smi   (the driver, and the CUDA that it can do)")
    return Check("accelerators", "ok", "none")
