"""From rows to a report's numbers: what each trial's utterances come to, and how trials differ from the baseline."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalkit.analysis.stats import Unit, Weighted, compare, interval, pooled_mean
from evalkit.record import Comparison, MetricRecord, Row, Summary, TrialSummary
from evalkit.trial import Trial

Metrics = Mapping[str, MetricRecord]


@dataclass(frozen=True)
class Numbers:
    """A report's numbers.

    Attributes:
        trials: In the order of the grid.
        baseline: Id of the trial that the others are compared with; None where no trial has a score.
        comparisons: Of all other trials with it, for each metric that has a direction.
    """

    trials: list[TrialSummary]
    baseline: str | None
    comparisons: list[Comparison]


def numbers(trials: Sequence[Trial], rows: Sequence[Row], metrics: Metrics, baseline: str) -> Numbers:
    """Returns the numbers of rows.

    Args:
        trials: In the order of the grid.
        rows: So far.
        metrics: What each metric is.
        baseline: Id of the trial to compare with; where it has no scored row, the next in the grid that has one takes
            its place.
    """
    by_trial: dict[str, list[Row]] = {trial.id: [] for trial in trials}
    for row in rows:
        by_trial[row.trial].append(row)
    against = _baseline(by_trial, baseline)
    summaries: dict[str, dict[str, Summary]] = {trial.id: {} for trial in trials}
    comparisons: list[Comparison] = []
    for name, metric in metrics.items():  # metric by metric: all of their values at once would fill the memory
        scored = {id: _by_unit(own, name) for id, own in by_trial.items()}
        for id, values in scored.items():
            summaries[id][name] = _summary(values, metric)
        if metric.higher_is_better is not None and against is not None:
            comparisons += _compared(name, scored, against)
    found = [_trial_summary(trial, by_trial[trial.id], summaries[trial.id]) for trial in trials]
    return Numbers(found, against, comparisons)


def not_told_apart(best: str, others: Sequence[str], rows: Sequence[Row], metric: str) -> list[str]:
    """Returns those of `others` whose difference from the trial `best` cannot be told."""
    rest = [other for other in others if other != best]
    by_trial = {id: _by_unit([row for row in rows if row.trial == id], metric) for id in [best, *rest]}
    told = compare(by_trial[best], [by_trial[other] for other in rest])
    return [other for other, difference in zip(rest, told, strict=True) if difference is None or not difference.is_told]


def _baseline(by_trial: Mapping[str, Sequence[Row]], wanted: str) -> str | None:
    """Returns the first trial that has a scored row, from the wanted one on, and after the last from the first."""
    ids = list(by_trial)
    start = ids.index(wanted)
    in_turn = [*ids[start:], *ids[:start]]
    return next((id for id in in_turn if any(row.state == "scored" for row in by_trial[id])), None)


def _compared(metric: str, scored: Mapping[str, Mapping[Unit, Weighted]], baseline: str) -> list[Comparison]:
    others = [id for id in scored if id != baseline]
    differences = compare(scored[baseline], [scored[other] for other in others])
    return [
        Comparison(other, baseline, metric, told.value, told.low, told.high, told.adjusted_p, told.n_pairs)
        for other, told in zip(others, differences, strict=True)
        if told is not None
    ]


def _trial_summary(trial: Trial, rows: Sequence[Row], summary: Mapping[str, Summary]) -> TrialSummary:
    failed, not_run = (sum(row.state == state for row in rows) for state in ("failed", "not_run"))
    return TrialSummary(trial.id, trial.engine, trial.settings, len(rows), failed, summary, not_run)


def _by_unit(rows: Sequence[Row], metric: str) -> dict[Unit, Weighted]:
    return {
        (row.voice, row.probe, row.seed): (row.scores[metric], row.weights.get(metric, 1.0))
        for row in rows
        if metric in row.scores
    }


def _summary(scored: Mapping[Unit, Weighted], metric: MetricRecord) -> Summary:
    low, high = metric.bounds
    ends = interval(scored, (-math.inf if low is None else low, math.inf if high is None else high))
    lower, upper = ends or (None, None)
    return Summary(pooled_mean(list(scored.values())), lower, upper, len(scored))
