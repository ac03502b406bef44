"""Speaker encoder `campplus`: CAM++ trained on 200,000 Chinese and English speakers (3D-Speaker)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from evalkit.judges.base import SpeakerEncoder
from evalkit.weights.assets import library
from evalkit.weights.loading import explained, refuse_missing

if TYPE_CHECKING:
    import torch

    from evalkit.networks.campplus import CAMPlusPlus

RATE = 16_000
BANDS = 80


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class CamPlusPlus(SpeakerEncoder):
    """CAM++: 16 kHz, 80 Kaldi log filter banks minus their mean over time, 192 dimensions."""

    name: ClassVar[str] = "campplus"
    revision: ClassVar[int] = 2
    assets: ClassVar[tuple[str, ...]] = ("campplus",)
    packages: ClassVar[tuple[str, ...]] = ("torch", "torchaudio")

    def vectors(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """See `SpeakerEncoder.vectors`; one by one, since the network pools over padding too."""
        import torch

        network = _network()
        with torch.inference_mode(), _one_thread():
            return np.stack([network(_features(samples).unsqueeze(0))[0].numpy() for samples in batch])

    def load(self) -> None:
        """See `Judge.load`; hears half a second, so that whatever a call needs is imported."""
        self.vectors([np.zeros(RATE // 2, np.float32)])

    def close(self) -> None:
        """See `Judge.close`."""
        _network.cache_clear()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keeps torch to one thread: a second saves little of so small a network, and waiting for it costs threefold."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _features(samples: NDArray[np.float32]) -> "torch.Tensor":
    import torch
    from torchaudio.compliance import kaldi

    waveform = torch.tensor(samples).unsqueeze(0)
    banks = cast("torch.Tensor", kaldi.fbank(waveform, num_mel_bins=BANDS, sample_frequency=RATE, dither=0.0))
    return banks - banks.mean(dim=0, keepdim=True)


@cache
def _network() -> "CAMPlusPlus":
    import torch

    from evalkit.networks.campplus import CAMPlusPlus

    network = CAMPlusPlus(BANDS)
    path = library().file("campplus", "campplus_cn_en_common.pt")
    with explained(path.parent, "the encoder"):
        found = network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=False)
    refuse_missing(path.parent, found.missing_keys, found.unexpected_keys, ())
    return network.eval()
