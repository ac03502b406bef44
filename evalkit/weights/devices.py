"""Computing on torch: where and how precisely, seeds that stay their own, memory given back."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from evalkit.errors import DeviceError, told

if TYPE_CHECKING:
    import torch

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
CHUNKS_PER_SEED = 1000
ADVICE = "type device=auto or device=cpu"
ACCELERATORS = ("nvidia[0-9]*", "nvhost*", "nvmap", "dxg", "kfd")  # names in /dev


def device_of(wanted: str) -> str:
    """Returns a torch device for `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.

    Raises:
        DeviceError: This machine has none such.
    """
    require_device(wanted)
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    return wanted


def refuse_absent(wanted: str) -> None:
    """Does nothing unless it can be seen at once, without torch, that this machine has no such device.

    Raises:
        DeviceError: It has none such.
    """
    kind = wanted.partition(":")[0]
    if (kind == "cuda" and not has_accelerator()) or (kind == "mps" and sys.platform != "darwin"):
        raise DeviceError(f"device={wanted}: this machine has none; {ADVICE}")


def require_device(wanted: str) -> None:
    """Does nothing if torch, whose import takes seconds, can compute on a device; asks it only if need be.

    Raises:
        DeviceError: It cannot.
    """
    refuse_absent(wanted)
    kind, _, index = wanted.partition(":")
    if kind in ("cuda", "mps"):
        import torch

        number = torch.cuda.device_count() if kind == "cuda" else int(torch.backends.mps.is_available())
        if int(index or 0) >= number:
            raise DeviceError(f"device={wanted}: this machine has none that torch {torch.__version__} knows; {ADVICE}")


def cores() -> int:
    """Returns how many of the machine's cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def has_accelerator() -> bool:
    """Whether there may be a device that torch calls `cuda`: NVIDIA's (in WSL and on Jetson too) or AMD's."""
    return any(path for pattern in ACCELERATORS for path in Path("/dev").glob(pattern))


def dtype_of(wanted: Dtype, device: str) -> "torch.dtype":
    """Returns the precision of weights; `auto` is what the field's large models are run in: half on an accelerator."""
    import torch

    if wanted != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[wanted]
    return {"cuda": torch.bfloat16, "mps": torch.float16}.get(device.partition(":")[0], torch.float32)


@contextmanager
def seeded(seed: int, chunk: int, device: str) -> Iterator[None]:
    """Seeds torch for one call and gives its state back: an utterance depends on its seed, never on its turn."""
    import torch

    kind, _, index = device.partition(":")
    forked = [int(index or 0)] if kind in ("cuda", "mps") else []
    with torch.random.fork_rng(devices=forked, device_type=kind if forked else "cuda"):
        torch.manual_seed(seed * CHUNKS_PER_SEED + chunk)
        yield


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or the machine had no memory left."""
    if type(error).__name__ in ("MemoryError", "OutOfMemoryError"):
        return True
    return any(said in told(error) for said in ("out of memory", "can't allocate memory"))  # the latter on a CPU


def release() -> None:
    """Gives memory back once nothing refers to a model any more, so that the next engine finds the device empty."""
    gc.collect()
    if (torch := sys.modules.get("torch")) is not None:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        elif torch.backends.mps.is_available():
            torch.mps.empty_cache()
