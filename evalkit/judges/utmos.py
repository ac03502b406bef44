"""Quality model `utmos`: UTMOS (UTokyo-SaruLab, VoiceMOS Challenge 2022), exported to TorchScript.

The file is called with a waveform of shape (1, n) at 16 kHz, as its publisher's evaluator does: whole 16-bit numbers,
on `cuda:0`, which is the one device that the published file computes on.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.errors import JudgementError
from evalkit.judges.base import QualityModel
from evalkit.judges.snapshots import SnapshotJudge
from evalkit.networks.frames import samples_at
from evalkit.weights.devices import is_out_of_memory, release
from evalkit.weights.loading import explained

RATE = 16_000
FILE = "utmos.jit"
FULL_SCALE = 1 << 15


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Utmos(SnapshotJudge, QualityModel):
    """UTMOS: one opinion from 1 to 5 on how natural speech sounds.

    Attributes:
        weights: The asset `utmos_jit`, or a directory with a file `utmos.jit`.
        samples: What the file takes samples as: whole numbers, or fractions of full scale.
        device: Where to compute.
    """

    name: ClassVar[str] = "utmos"
    scores: ClassVar[tuple[str, ...]] = ("utmos",)
    published: ClassVar[tuple[str, ...]] = ("utmos_jit",)
    layout: ClassVar[tuple[str, ...]] = (FILE,)
    packages: ClassVar[tuple[str, ...]] = ("torch",)

    weights: str = "utmos_jit"
    samples: Literal["int16", "float32"] = "int16"
    device: str = "auto"

    def score(self, audios: Sequence[Audio]) -> Iterator[Mapping[str, float]]:
        """See `QualityModel.score`."""
        for audio in audios:
            yield {"utmos": self._opinion(samples_at(audio, RATE))}

    def load(self) -> None:
        """See `Judge.load`."""
        _module(*self.location)

    def close(self) -> None:
        """See `Judge.close`."""
        _module.cache_clear()
        release()

    def _opinion(self, samples: NDArray[np.float32]) -> float:
        import torch

        folder, device = self.location
        module, jit = _module(folder, device), cast(Any, torch.jit)
        waveform = torch.tensor(self._given(samples)).unsqueeze(0).to(device)
        try:
            # Optimised, TorchScript computes its first calls in another way than the later ones.
            with torch.inference_mode(), jit.optimized_execution(False):
                opinion = module(waveform)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            reason = str(error).strip().splitlines()[-1]
            raise JudgementError(
                f"{FILE} cannot judge {len(samples) / RATE:.2f} s on {device}: {reason} "
                "(the published file computes on cuda:0 only)"
            ) from error
        if opinion.numel() != 1 or not bool(torch.isfinite(opinion).all()):
            raise JudgementError(f"{FILE} gave {opinion.tolist()}, expected one number")
        return float(opinion)

    def _given(self, samples: NDArray[np.float32]) -> NDArray[Any]:
        if self.samples == "float32":
            return np.clip(samples, -1, 1)
        return np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


@cache
def _module(folder: Path, device: str) -> Any:
    import torch

    with explained(folder, FILE):
        return cast(Any, torch.jit).load(str(folder / FILE), map_location=device).eval()
