"""SIM and its kin: does it sound like the speaker, by cosines of speaker embeddings."""

import math
from collections.abc import Callable

from evalkit.metrics.base import Evidence, Metric, Score, known

COSINE = (-1.0, 1.0)


def similarity_metrics(speakers: tuple[str, ...]) -> tuple[Metric, ...]:
    """Returns SIM, SIM-o and normalised SIM by the first encoder, and `sim_NAME` by each further one."""
    first, *others = speakers
    return (
        Metric("sim", "cosine", True, first, COSINE, _sim(first), needs=first),
        Metric("sim_o", "cosine", True, first, COSINE, _sim_o(first), needs=first),
        Metric("sim_norm", "ratio", True, first, (-math.inf, math.inf), _sim_norm(first), needs=first),
        *(Metric(f"sim_{name}", "cosine", True, name, COSINE, _sim(name), needs=name) for name in others),
    )


def _sim(encoder: str) -> Callable[[Evidence], Score]:
    """Mean over the reference clips r of cos(synthesis, r), as in verification against an enrolled speaker.

    The reference clips are the voice's held-out ones, the same for every trial, so that the yardstick does not move
    with the length of the prompt.
    """
    return lambda evidence: Score(evidence.likeness[encoder].sim)


def _sim_o(encoder: str) -> Callable[[Evidence], Score]:
    """cos(synthesis, prompt): what most papers print as SIM-o (e.g. Le et al. 2023, Voicebox)."""
    return lambda evidence: Score(evidence.likeness[encoder].sim_o)


def _sim_norm(encoder: str) -> Callable[[Evidence], Score | None]:
    """(sim - floor) / (ceiling - floor): 0 is another speaker, 1 the speaker's own recordings; undefined without both.

    Encoders and voices differ in their floors and ceilings, so that a raw cosine says little by itself.
    """
    return lambda evidence: known(evidence.likeness[encoder].sim_norm)
