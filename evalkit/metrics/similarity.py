"""SIM and its kin: does it sound like the speaker, by cosines of speaker embeddings."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.base import Evidence, Likeness, Metric, Score

COSINE = (-1.0, 1.0)


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Returns the cosine of two unit vectors of shape (d,), in [-1, 1]."""
    return float(np.clip(np.dot(one.astype(np.float64), other.astype(np.float64)), -1.0, 1.0))


def sim(likeness: Likeness) -> float:
    """Mean over the reference clips r of cos(synthesis, r).

    The reference clips are the voice's held-out ones, the same for every trial, so that the yardstick does not move
    with the length of the prompt.
    """
    return float(np.mean([cosine(likeness.embedding, clip) for clip in likeness.references]))


def sim_norm(likeness: Likeness) -> float | None:
    """(sim - floor) / (ceiling - floor): 0 is another speaker, 1 the speaker's own recordings; undefined without both.

    Encoders and voices differ in their floors and ceilings, so that a raw cosine says little by itself.
    """
    floor, ceiling = likeness.floor, likeness.ceiling
    if floor is None or ceiling is None or ceiling <= floor:
        return None
    return (sim(likeness) - floor) / (ceiling - floor)


def similarity_metrics(speakers: tuple[str, ...]) -> tuple[Metric, ...]:
    """Returns SIM, SIM-o and normalised SIM by the first encoder, and `sim_NAME` by each further one."""
    first, *others = speakers
    return (
        Metric("sim", "cosine", True, first, COSINE, lambda evidence: Score(sim(evidence.primary))),
        # What most papers print as SIM-o (e.g. Le et al. 2023, Voicebox): cos(synthesis, prompt).
        Metric("sim_o", "cosine", True, first, COSINE, _sim_o),
        Metric("sim_norm", "ratio", True, first, (-math.inf, math.inf), _sim_norm),
        *(Metric(f"sim_{name}", "cosine", True, name, COSINE, _sim_by(name)) for name in others),
    )


def _sim_o(evidence: Evidence) -> Score:
    return Score(cosine(evidence.primary.embedding, evidence.primary.prompt))


def _sim_norm(evidence: Evidence) -> Score | None:
    value = sim_norm(evidence.primary)
    return None if value is None else Score(value)


def _sim_by(name: str) -> Callable[[Evidence], Score]:
    return lambda evidence: Score(sim(evidence.likeness[name]))
