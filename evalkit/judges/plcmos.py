"""Quality model `plcmos`: Microsoft's PLCMOS v2, through the package `speechmos`, which has the weights.

It was trained on calls that lost packets: it hears gaps, clicks and what was put in their place. The network also takes
a rater, 64 normal numbers; the package draws 15 raters anew for each clip, so that its own opinions differ from call to
call. Here the same 15 hear every clip.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.errors import JudgementError
from evalkit.judges.base import QualityModel
from evalkit.networks.frames import samples_at

RATE = 16_000
LEAST_SECONDS = 0.1  # the network's convolutions span 0.081 s
RATERS, TASTES = 15, 64


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Plcmos(QualityModel):
    """PLCMOS: one opinion from 1 to 5 on how whole speech sounds: gaps, clicks, words made up where some were lost.

    Samples beyond full scale are clipped, as a file or a loudspeaker would. Computes on the CPU.
    """

    name: ClassVar[str] = "plcmos"
    scores: ClassVar[tuple[str, ...]] = ("plcmos",)
    packages: ClassVar[tuple[str, ...]] = ("speechmos", "onnxruntime")

    def score(self, audios: Sequence[Audio]) -> Iterator[Mapping[str, float]]:
        """See `QualityModel.score`."""
        for audio in audios:
            if not len(audio.samples):
                raise JudgementError("the audio has no samples")
            yield {"plcmos": _opinion(np.clip(samples_at(audio, RATE, LEAST_SECONDS), -1, 1))}

    def load(self) -> None:
        """See `Judge.load`."""
        _opinion(np.zeros(RATE, np.float32))

    def close(self) -> None:
        """See `Judge.close`."""
        _model.cache_clear()


def _opinion(samples: NDArray[np.float32]) -> float:
    model = _model()
    features = model.stft_transform(samples).astype(np.float32)[None, None]
    raters = np.random.default_rng(0).standard_normal((RATERS, 1, TASTES)).astype(np.float32)
    said = [model.session.run(None, {"degraded_audio": features, "rater_embed": rater})[0] for rater in raters]
    return float(np.mean(said))


@cache
def _model() -> Any:
    from speechmos import plcmos

    return plcmos.PLCMOS()
