"""Quality model `dnsmos`: Microsoft's DNSMOS P.835 and P.808, through the package `speechmos`, which has the weights.

It looks at windows of 9.01 s, one each second. It doubles shorter speech until that fills one: speech just shorter than
9.01 s, or than a half or a quarter of that, becomes up to nine windows, all of the same sound. One of them says nearly
the same: `windows=one`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.digest import Scalar
from evalkit.errors import JudgementError
from evalkit.judges.base import QualityModel
from evalkit.networks.frames import samples_at

RATE = 16_000
WINDOW = 144_160  # samples: 9.01 s
THEIRS = {"dnsmos_ovrl": "ovrl_mos", "dnsmos_sig": "sig_mos", "dnsmos_bak": "bak_mos", "dnsmos_p808": "p808_mos"}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Dnsmos(QualityModel):
    """DNSMOS: opinions from 1 to 5 about the whole, the speech and the background (P.835), and about the whole (P.808).

    Samples beyond full scale are clipped, as a file or a loudspeaker would. Computes on the CPU.

    Attributes:
        windows: `all`, as published: the mean over windows of 9.01 s, one each second, speech shorter than one doubled
            until it fills one. `one`: the first of them, speech shorter than one repeated until it fills one; several
            times quicker, and a little different.
    """

    name: ClassVar[str] = "dnsmos"
    scores: ClassVar[tuple[str, ...]] = tuple(THEIRS)
    packages: ClassVar[tuple[str, ...]] = ("speechmos", "onnxruntime", "librosa")

    windows: Literal["all", "one"] = "all"

    def settings(self) -> dict[str, Scalar]:
        """See `Judge.settings`; all windows are DNSMOS itself, which needs no name."""
        return {} if self.windows == "all" else {"windows": self.windows}

    def score(self, audios: Sequence[Audio]) -> Iterator[Mapping[str, float]]:
        """See `QualityModel.score`."""
        for audio in audios:
            samples = np.clip(samples_at(audio, RATE), -1, 1)
            if not len(samples):  # the package would double nothing for ever
                raise JudgementError("the audio has no samples")
            found = _package().run(self._heard(samples), sr=RATE)
            yield {ours: float(found[theirs]) for ours, theirs in THEIRS.items()}

    def load(self) -> None:
        """See `Judge.load`; the first call makes the package's sessions, and librosa's compiled code."""
        _package().run(np.zeros(RATE, np.float32), sr=RATE)

    def close(self) -> None:
        """See `Judge.close`; the package keeps its sessions in this variable of its own."""
        _package().dnsmos = None

    def _heard(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns what the package is given; of just one window's length, it makes just one window."""
        return samples if self.windows == "all" else np.resize(samples, WINDOW)


def _package() -> Any:
    from speechmos import dnsmos

    return dnsmos
