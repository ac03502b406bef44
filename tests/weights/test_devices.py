"""Where and how precisely is computed, and seeds, as far as a machine without an accelerator can show it."""

import pytest
import torch

from evalkit.errors import DeviceError
from evalkit.pipeline.attempts import MEMORY_ADVICE, Failure, attempt
from evalkit.weights.devices import device_of, dtype_of, is_out_of_memory, seeded


@pytest.mark.parametrize(
    ("wanted", "device", "dtype"),
    [
        ("auto", "cpu", torch.float32),
        ("auto", "cuda", torch.bfloat16),
        ("auto", "cuda:1", torch.bfloat16),
        ("auto", "mps", torch.float16),
        ("float32", "cuda", torch.float32),
        ("float16", "cpu", torch.float16),
        ("bfloat16", "mps", torch.bfloat16),
    ],
)
def test_precision_is_as_told_else_half_on_an_accelerator(wanted, device, dtype):
    assert dtype_of(wanted, device) == dtype


def test_the_cpu_is_everywhere_and_a_hundredth_gpu_nowhere():
    assert device_of("cpu") == "cpu"
    assert device_of("auto") in ("cpu", "cuda", "mps")
    with pytest.raises(DeviceError, match="device=cuda:99: this machine has none; type device=auto or device=cpu"):
        device_of("cuda:99")


def drawn(seed, chunk):
    with seeded(seed, chunk, "cpu"):
        return torch.rand(3).tolist()


def test_a_seed_and_a_chunk_say_what_is_drawn_and_nothing_else_does():
    torch.manual_seed(5)
    expected = torch.rand(4).tolist()
    torch.manual_seed(5)
    first = torch.rand(1).tolist()
    found = [drawn(seed, chunk) for seed, chunk in ((0, 0), (0, 1), (1, 0), (0, 0))]
    assert found[0] == found[3]
    assert len({tuple(one) for one in found}) == 3
    assert first + torch.rand(3).tolist() == expected


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [(MemoryError(), True), (RuntimeError("CUDA out of memory. Tried"), True), (RuntimeError("no such file"), False)],
)
def test_no_memory_left_is_told_with_advice(error, is_memory):
    assert is_out_of_memory(error) is is_memory
    assert Failure.of(error).message.endswith(MEMORY_ADVICE) is is_memory


def test_a_machine_that_is_full_is_told_with_advice():
    failure = attempt(lambda: torch.empty(1 << 50, dtype=torch.uint8))
    assert isinstance(failure, Failure)
    assert failure.message.endswith(MEMORY_ADVICE)
