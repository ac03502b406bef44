"""How like a speaker an utterance sounds: cosines of speaker embeddings."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Returns the cosine of two unit vectors of shape (d,), in [-1, 1]."""
    product = float(np.dot(one.astype(np.float64), other.astype(np.float64)))
    return min(max(product, -1.0), 1.0)  # in this order NaN stays NaN


@dataclass(frozen=True, eq=False)
class Likeness:
    """What one speaker encoder makes of an utterance; all vectors have unit length.

    Attributes:
        embedding: Of the synthesis, shape (d,).
        references: Of the voice's reference clips, shape (n, d).
        prompt: Of the prompt that the engine heard, shape (d,).
        floor: Cosine of the voice's reference clips with other voices; None without others.
        ceiling: Cosine of the voice's reference clips with its prompt clips; None without held-out ones.
    """

    embedding: NDArray[np.float32]
    references: NDArray[np.float32]
    prompt: NDArray[np.float32]
    floor: float | None = None
    ceiling: float | None = None

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
        """(sim - floor) / (ceiling - floor); undefined without both, or where they are in the wrong order."""
        if self.floor is None or self.ceiling is None or self.ceiling <= self.floor:
            return None
        return (self.sim - self.floor) / (self.ceiling - self.floor)
