"""How like a speaker an utterance sounds: cosines of speaker embeddings."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

CLEAR = 2.0  # spreads between two means: with normal cosines, half-way between them one in six is on the wrong side
RESOLUTION = 1e-3  # of a cosine: judges may give embeddings that differ by 1e-4 from batch to batch


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Returns the cosine of two unit vectors of shape (d,), in [-1, 1]."""
    product = float(np.dot(one.astype(np.float64), other.astype(np.float64)))
    return min(max(product, -1.0), 1.0)  # in this order NaN stays NaN


def is_clearly_above(mean: float, other: float, spread: float | None) -> bool:
    """Whether a mean cosine lies `CLEAR` spreads or more above another one; unknown spread is no clarity.

    That is the sensitivity index d_a = (mean - other) / spread of detection theory (Simpson and Fitter 1973) held
    against 2: a scale between the two would else be so short that one recording's chance covers half of it.
    """
    return spread is not None and mean - other > max(CLEAR * spread, RESOLUTION)


def spread_of(*kinds: NDArray[np.float64]) -> float | None:
    """Returns the root of the mean variance of several kinds of cosines; None where no kind has two of them."""
    variances = [float(np.var(kind, ddof=1)) for kind in kinds if len(kind) > 1]
    return float(np.sqrt(np.mean(variances))) if variances else None


@dataclass(frozen=True, eq=False)
class Likeness:
    """What one speaker encoder makes of an utterance; all vectors have unit length.

    Attributes:
        embedding: Of the synthesis, shape (d,).
        references: Of the voice's reference clips, shape (n, d).
        prompt: Of the prompt that the engine heard, shape (d,).
        floor: Cosine of the voice's reference clips with other voices; None without others.
        ceiling: Cosine of the voice's reference clips with its prompt clips; None where it has but one clip.
        spread: Root of the mean variance of the cosines that both are means of; None where neither has two.
    """

    embedding: NDArray[np.float32]
    references: NDArray[np.float32]
    prompt: NDArray[np.float32]
    floor: float | None = None
    ceiling: float | None = None
    spread: float | None = None

    @cached_property
    def sim(self) -> float:
        """Mean over the reference clips r of cos(synthesis, r)."""
        return sum(cosine(self.embedding, clip) for clip in self.references) / len(self.references)

    @property
    def sim_o(self) -> float:
        """cos(synthesis, prompt)."""
        return cosine(self.embedding, self.prompt)

    @property
    def sim_norm(self) -> float | None:
        """(sim - floor) / (ceiling - floor); undefined where the ceiling is not `is_clearly_above` the floor."""
        if self.floor is None or self.ceiling is None:
            return None
        if not is_clearly_above(self.ceiling, self.floor, self.spread):
            return None
        return (self.sim - self.floor) / (self.ceiling - self.floor)
