"""The metrics of a report, in the order it shows them."""

from evalkit.metrics.base import Evidence, Metric, Score
from evalkit.metrics.intelligibility import (
    CER,
    INTENDED_WER,
    SPOKEN_WER,
    WER,
    WER_UTT_MEAN,
    Edits,
    align_characters,
    align_words,
)
from evalkit.metrics.similarity import SIM, SIM_O, cosine
from evalkit.metrics.speed import AUDIO_SECONDS, RTF

METRICS: tuple[Metric, ...] = (SIM, SIM_O, WER, CER, WER_UTT_MEAN, INTENDED_WER, SPOKEN_WER, RTF, AUDIO_SECONDS)

__all__ = [
    "METRICS",
    "Edits",
    "Evidence",
    "Metric",
    "Score",
    "align_characters",
    "align_words",
    "cosine",
]
