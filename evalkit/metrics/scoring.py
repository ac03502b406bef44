"""From an utterance's evidence to its values, and what each value is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.metrics.base import Evidence, Metric, Score
from evalkit.record import MetricRecord
from evalkit.row import FAILED, EditsRecord

FAILED_ABOUT = """1 where an utterance failed or was not run, else 0: of every row, whether it was scored or not.

When not to trust it: as the engine's fault by itself. The reason stands in the row: full memory, a voice without usable
words and an engine that gave up all count.
"""
FAILED_RECORD = MetricRecord("share", higher_is_better=False, judge=None, bounds=(0.0, 1.0), counts=True)


@dataclass(frozen=True)
class Scores:
    """What metrics say of an utterance; one that is undefined there is nowhere.

    Attributes:
        values: By metric.
        weights: By metric, where it is not 1.
        missing: Why a metric could not be taken, by metric.
    """

    values: dict[str, float]
    weights: dict[str, float]
    missing: dict[str, str]


def scores(evidence: Evidence, metrics: Sequence[Metric]) -> Scores:
    """Returns what each metric says; none can stop the others."""
    taken = {metric.name: _taken(metric, evidence) for metric in metrics}
    found = {name: one for name, one in taken.items() if isinstance(one, Score)}
    return Scores(
        values={name: score.value for name, score in found.items()},
        weights={name: score.weight for name, score in found.items() if score.weight != 1.0},
        missing={name: one for name, one in taken.items() if isinstance(one, str)},
    )


def _taken(metric: Metric, evidence: Evidence) -> Score | str | None:
    """Returns the score, None where it is undefined, or why it could not be taken."""
    absent = evidence.absent.get(metric.needs) if metric.needs else None
    if absent is not None:
        return absent
    try:
        return metric.measure(evidence)
    except Exception as error:  # noqa: BLE001 - a metric can be anyone's: its fault must not cost the run's other numbers
        return f"{type(error).__name__}: {error}"


def edits(evidence: Evidence) -> EditsRecord:
    """Returns the word edits behind WER."""
    found = evidence.words.edits
    return EditsRecord(found.hits, found.substitutions, found.deletions, found.insertions)


def metric_records(metrics: Sequence[Metric], asr: str) -> dict[str, MetricRecord]:
    """Returns what each metric is; `asr` is the transcriber's name."""
    return {FAILED: FAILED_RECORD, **{metric.name: _record(metric, asr) for metric in metrics}}


def _record(metric: Metric, asr: str) -> MetricRecord:
    low, high = metric.bounds
    return MetricRecord(
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        judge=asr if metric.judge == "asr" else metric.judge,
        bounds=(_end(low), _end(high)),
        pooled_by=metric.pooled_by,
        compares_with=metric.compares_with,
        repeatability=metric.repeatability,
        counts=metric.counts,
    )


def _end(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None
