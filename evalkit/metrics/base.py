"""The seam of a metric: a named function of one utterance's evidence, giving a value and the weight it pools with.

Every summary in a report is a weighted mean, sum(value * weight) / sum(weight). With the reference's length as weight
that is the pooled error rate; with audio seconds, the pooled real-time factor; with 1, the plain mean.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known of one synthesised utterance.

    Attributes:
        reference: The probe's text, normalised.
        hypothesis: The transcript of the synthesis, normalised alike.
        intended: The text the engine meant to say, normalised alike; None where it speaks what it is given.
        embedding: Speaker embedding of the synthesis, shape (d,), unit length.
        reference_embeddings: Those of the voice's reference clips, shape (n, d), unit length each.
        prompt_embedding: That of the prompt the engine heard, shape (d,), unit length.
        audio_seconds: Length of the synthesis.
        synth_seconds: Time the engine took, weights already loaded; None if that was on another machine or device.
    """

    reference: str
    hypothesis: str
    intended: str | None
    embedding: NDArray[np.float32]
    reference_embeddings: NDArray[np.float32]
    prompt_embedding: NDArray[np.float32]
    audio_seconds: float
    synth_seconds: float | None


@dataclass(frozen=True)
class Score:
    """A metric's value for one utterance, and its weight in a pooled mean."""

    value: float
    weight: float = 1.0


@dataclass(frozen=True)
class Metric:
    """A named measure of an utterance.

    Attributes:
        name: Key in reports.
        unit: Unit of the value.
        higher_is_better: Direction; None where neither is.
        judge: Which judge it rests on: `speaker`, `asr` or None.
        bounds: Least and greatest value there can be.
        measure: The function; it returns None where the metric is undefined for this utterance.
    """

    name: str
    unit: str
    higher_is_better: bool | None
    judge: str | None
    bounds: tuple[float, float]
    measure: Callable[[Evidence], Score | None]
