"""Speaker encoder `ge2e`: the GE2E d-vector, the embedded engine's own ear and a second opinion."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from evalkit.judges.base import SpeakerEncoder
from evalkit.networks import ge2e


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class GE2E(SpeakerEncoder):
    """GE2E d-vector: 16 kHz, 40 mel bands, 3-layer LSTM, 256 dimensions, none negative."""

    name: ClassVar[str] = "ge2e"
    assets: ClassVar[tuple[str, ...]] = (ge2e.ASSET,)
    packages: ClassVar[tuple[str, ...]] = ("torch", "torchaudio")

    def vectors(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """See `SpeakerEncoder.vectors`."""
        return np.stack([ge2e.d_vector(samples) for samples in batch])

    def load(self) -> None:
        """See `Judge.load`; hears half a second, so that whatever a call needs is imported."""
        ge2e.d_vector(np.zeros(8_000, np.float32))

    def close(self) -> None:
        """See `Judge.close`."""
        ge2e.network.cache_clear()
