"""SIM and SIM-o: does it sound like the speaker, by cosines of speaker embeddings."""

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.base import Evidence, Metric, Score


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Returns the cosine of two unit vectors of shape (d,), in [-1, 1]."""
    return float(np.clip(np.dot(one.astype(np.float64), other.astype(np.float64)), -1.0, 1.0))


def _sim(evidence: Evidence) -> Score:
    """Mean over the reference clips r of cos(synthesis, r).

    The reference clips are the voice's held-out ones, the same for every trial, so that the yardstick does not move
    with the length of the prompt.
    """
    return Score(float(np.mean([cosine(evidence.embedding, clip) for clip in evidence.reference_embeddings])))


def _sim_o(evidence: Evidence) -> Score:
    """cos(synthesis, prompt): what most papers print as SIM-o (e.g. Le et al. 2023, Voicebox)."""
    return Score(cosine(evidence.embedding, evidence.prompt_embedding))


SIM = Metric("sim", "cosine", higher_is_better=True, judge="speaker", bounds=(-1.0, 1.0), measure=_sim)
SIM_O = Metric("sim_o", "cosine", higher_is_better=True, judge="speaker", bounds=(-1.0, 1.0), measure=_sim_o)
