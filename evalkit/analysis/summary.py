"""From rows to a report's numbers: what each trial's utterances come to, and how trials differ from the baseline."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from evalkit.analysis.mishaps import bar, flags_of
from evalkit.analysis.stats import Unit, Weighted, compare, interval, pooled_mean
from evalkit.metrics.speed import TIMINGS
from evalkit.record import Comparison, MetricRecord, Summary, TrialSummary
from evalkit.row import Row
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
    against, heard = _baseline(by_trial, baseline), voices_heard(rows)
    summaries: dict[str, dict[str, Summary]] = {trial.id: {} for trial in trials}
    comparisons: list[Comparison] = []
    for name, metric in metrics.items():  # metric by metric: all of their values at once would fill the memory
        scored = {id: _by_unit(_timed(own) if name in TIMINGS else own, name) for id, own in by_trial.items()}
        for id, values in scored.items():
            summaries[id][name] = _summary(values, metric)
        if metric.higher_is_better is not None and against is not None:
            if metric.compares_with == "references" and heard:
                scored = {id: _without(heard, values) for id, values in scored.items()}
            comparisons += _compared(name, scored, against, metric.repeatability)
    bars = {} if against is None else {id: bar(own, by_trial[against]) for id, own in by_trial.items() if id != against}
    found = [_trial_summary(trial, by_trial[trial.id], summaries[trial.id], bars.get(trial.id)) for trial in trials]
    return Numbers(found, against, comparisons)


def _timed(rows: Sequence[Row]) -> list[Row]:
    """Returns the rows that were timed in this run: what an earlier one took, under another load, is no comparison."""
    return [row for row in rows if not row.cached]


def not_told_apart(
    best: str,
    others: Sequence[str],
    rows: Sequence[Row],
    metric: str,
    *,
    repeatability: float = 0.0,
    left_out: Collection[str] = (),
) -> list[str]:
    """Returns those of `others` whose difference from the trial `best` cannot be told, some voices left out."""
    rest, fair = [other for other in others if other != best], [row for row in rows if row.voice not in left_out]
    by_trial = {id: _by_unit([row for row in fair if row.trial == id], metric) for id in [best, *rest]}
    told = compare(by_trial[best], [by_trial[other] for other in rest], repeatability=repeatability)
    return [other for other, difference in zip(rest, told, strict=True) if difference is None or not difference.is_told]


def voices_heard(rows: Sequence[Row]) -> set[str]:
    """Returns the voices whose `sim` is against clips that an engine may have heard, since they have no others."""
    return {row.voice for row in rows if row.sim_reference == "prompt"}


def _without(voices: Collection[str], values: Mapping[Unit, Weighted]) -> dict[Unit, Weighted]:
    return {unit: value for unit, value in values.items() if unit[0] not in voices}


def _baseline(by_trial: Mapping[str, Sequence[Row]], wanted: str) -> str | None:
    """Returns the first trial that has a scored row, from the wanted one on, and after the last from the first."""
    ids = list(by_trial)
    start = ids.index(wanted)
    in_turn = [*ids[start:], *ids[:start]]
    return next((id for id in in_turn if any(row.state == "scored" for row in by_trial[id])), None)


def _compared(
    metric: str, scored: Mapping[str, Mapping[Unit, Weighted]], baseline: str, repeatability: float
) -> list[Comparison]:
    others = [id for id in scored if id != baseline]
    differences = compare(scored[baseline], [scored[other] for other in others], repeatability=repeatability)
    return [
        Comparison(other, baseline, metric, told.value, told.low, told.high, told.adjusted_p, told.n_pairs)
        for other, told in zip(others, differences, strict=True)
        if told is not None
    ]


def _trial_summary(
    trial: Trial, rows: Sequence[Row], summary: Mapping[str, Summary], barred: str | None
) -> TrialSummary:
    failed, not_run = (sum(row.state == state for row in rows) for state in ("failed", "not_run"))
    return TrialSummary(
        *(trial.id, trial.engine, trial.settings, len(rows), failed, summary, not_run),
        n_flagged=sum(bool(row.flags) for row in rows),
        flags=flags_of(rows),
        version=trial.version,
        barred=barred,
    )


def _by_unit(rows: Sequence[Row], metric: str) -> dict[Unit, Weighted]:
    return {
        (row.voice, row.probe, row.seed): (row.scores[metric], row.weights.get(metric, 1.0))
        for row in rows
        if metric in row.scores
    }


def _summary(scored: Mapping[Unit, Weighted], metric: MetricRecord) -> Summary:
    low, high = metric.bounds
    bounds = (-math.inf if low is None else low, math.inf if high is None else high)
    ends = interval(scored, bounds, repeatability=metric.repeatability)
    lower, upper = ends or (None, None)
    return Summary(pooled_mean(list(scored.values())), lower, upper, len(scored))
