"""The metrics of a report, in the order it shows them."""

from collections.abc import Sequence

from evalkit.metrics.alignment import Alignment, Edits, align_words
from evalkit.metrics.base import Evidence, Metric, Score, VoiceFacts
from evalkit.metrics.bleed import BLEED, BLEED_CONTROL, bled_at
from evalkit.metrics.delivery import DELIVERY, quality_metrics
from evalkit.metrics.failures import FAILURES, flags
from evalkit.metrics.intelligibility import INTELLIGIBILITY
from evalkit.metrics.likeness import Likeness, cosine
from evalkit.metrics.similarity import similarity_metrics
from evalkit.metrics.speed import SPEED


def metrics_of(speakers: Sequence[str], quality: Sequence[tuple[str, str]]) -> tuple[Metric, ...]:
    """Returns the metrics of a run.

    Args:
        speakers: Names of its speaker encoders, the primary one first.
        quality: Each score of its quality models, with the model's name.
    """
    return (
        *similarity_metrics(tuple(speakers)),
        *INTELLIGIBILITY,
        BLEED,
        BLEED_CONTROL,
        *FAILURES,
        *quality_metrics(quality),
        *DELIVERY,
        *SPEED,
    )


__all__ = [
    "Alignment",
    "Edits",
    "Evidence",
    "Likeness",
    "Metric",
    "Score",
    "VoiceFacts",
    "align_words",
    "bled_at",
    "cosine",
    "flags",
    "metrics_of",
]
