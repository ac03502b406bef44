"""Computing on torch: where and how precisely, seeds that stay their own, memory given back."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from evalkit.errors import DeviceError, told

if TYPE_CHECKING:
    import torch

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
CHUNKS_PER_SEED = 1000


def device_of(wanted: str) -> str:
    """Returns a torch device for `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.

    Raises:
        DeviceError: This machine has none such.
    """
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if wanted == "auto":
        return "cuda" if cuda else "mps" if mps else "cpu"
    kind, _, index = wanted.partition(":")
    there = {"cpu": True, "cuda": cuda and int(index or 0) < torch.cuda.device_count(), "mps": mps}
    if not there.get(kind, False):
        raise DeviceError(f"device={wanted}: this machine has none; type device=auto or device=cpu")
    return wanted


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
    return type(error).__name__ in ("MemoryError", "OutOfMemoryError") or "out of memory" in told(error)


def release() -> None:
    """Gives memory back once nothing refers to a model any more, so that the next engine finds the device empty."""
    gc.collect()
    if (torch := sys.modules.get("torch")) is not None:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        elif torch.backends.mps.is_available():
            torch.mps.empty_cache()
