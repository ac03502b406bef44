"""Speaker encoder `campplus`: CAM++ trained on 200,000 Chinese and English speakers (3D-Speaker)."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from evalkit.assets import library
from evalkit.audio import Audio
from evalkit.judges.base import SpeakerEncoder, unit_rows

if TYPE_CHECKING:
    import torch

    from evalkit.judges.campplus_network import CAMPlusPlus

RATE = 16_000
BANDS = 80
MIN_SECONDS = 0.1  # below it there are too few frames for a deviation over time


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class CamPlusPlus(SpeakerEncoder):
    """CAM++: 16 kHz, 80 Kaldi log filter banks minus their mean over time, 192 dimensions."""

    name: ClassVar[str] = "campplus"
    assets: ClassVar[tuple[str, ...]] = ("campplus",)
    packages: ClassVar[tuple[str, ...]] = ("torch", "torchaudio")

    def embed(self, audios: Sequence[Audio]) -> NDArray[np.float32]:
        """See `SpeakerEncoder.embed`; each audio by itself, so that a result never depends on its neighbours."""
        import torch

        network = _network()
        with torch.inference_mode():
            rows = [network(_features(audio).unsqueeze(0))[0].numpy() for audio in audios]
        return unit_rows(np.stack(rows))

    def load(self) -> None:
        """See `Judge.load`."""
        _network()

    def close(self) -> None:
        """See `Judge.close`."""
        _network.cache_clear()


def _features(audio: Audio) -> "torch.Tensor":
    import torch
    from torchaudio.compliance import kaldi

    samples = audio.resampled(RATE).samples
    samples = np.pad(samples, (0, max(0, round(MIN_SECONDS * RATE) - len(samples))))
    waveform = torch.from_numpy(samples).unsqueeze(0)
    banks = cast("torch.Tensor", kaldi.fbank(waveform, num_mel_bins=BANDS, sample_frequency=RATE, dither=0.0))
    return banks - banks.mean(dim=0, keepdim=True)


@cache
def _network() -> "CAMPlusPlus":
    import torch

    from evalkit.judges.campplus_network import CAMPlusPlus

    network = CAMPlusPlus(BANDS)
    path = library().file("campplus", "campplus_cn_en_common.pt")
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()
