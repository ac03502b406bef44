"""From rows to a report's numbers: what each trial's utterances come to, and how trials differ from the baseline."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalkit.analysis.crossed import variances
from evalkit.analysis.estimates import Chance, Estimate, chance_variance, difference, mean
from evalkit.analysis.mishaps import bar, flags_of
from evalkit.analysis.scores import Columns, Floats, Scores
from evalkit.analysis.stats import Difference, compare, interval, together
from evalkit.record import Comparison, MetricRecord, Spreads, Summary, TrialSummary
from evalkit.row import FAILED
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


def numbers(trials: Sequence[Trial], columns: Columns, metrics: Metrics, baseline: str) -> Numbers:
    """Returns the numbers of rows.

    Args:
        trials: In the order of the grid.
        columns: The rows so far, of these trials in this order.
        metrics: What each metric is.
        baseline: Id of the trial to compare with; where it has no scored row, the next in the grid that has one takes
            its place.
    """
    ids = [trial.id for trial in trials]
    against = _baseline(columns, ids.index(baseline))
    summaries: list[dict[str, Summary]] = [{} for _ in ids]
    comparisons: list[Comparison] = []
    for name, metric in metrics.items():
        scores = columns.scores(name)
        for at, own in enumerate(summaries):
            own[name] = _summary(scores, at, metric)
        if metric.higher_is_better is not None and against is not None:
            comparisons += _compared(name, metric, fair(scores, metric, columns.heard), columns, against)
    found = [_trial_summary(trial, columns, at, summaries[at], against) for at, trial in enumerate(trials)]
    return Numbers(found, None if against is None else ids[against], comparisons)


def fair(scores: Scores, metric: MetricRecord, heard: Collection[str]) -> Scores:
    """Returns the scores that may be compared: without voices whose references engines may have heard."""
    return scores.without(heard) if heard and metric.compares_with == "references" else scores


def chance_of(metric: MetricRecord) -> Chance:
    """Returns what is known of a metric's chance."""
    return Chance(metric.repeatability, metric.counts)


def not_told_apart(best: str, others: Sequence[str], columns: Columns, name: str, metric: MetricRecord) -> list[str]:
    """Returns those of `others` whose difference from the trial `best` in a metric cannot be told."""
    ids = [best, *(other for other in others if other != best)]
    scores = fair(columns.scores(name), metric, columns.heard).only([columns.trials.index(id) for id in ids])
    told = zip(ids[1:], compare(scores, 0, chance_of(metric)), strict=True)
    return [other for other, difference in told if difference is None or not difference.is_told]


def _baseline(columns: Columns, wanted: int) -> int | None:
    """Returns the first trial that has a scored row, from the wanted one on, and after the last from the first."""
    in_turn = [*range(wanted, len(columns.trials)), *range(wanted)]
    return next((at for at in in_turn if bool((columns.failed[at] == 0).any())), None)


def _compared(name: str, metric: MetricRecord, scores: Scores, columns: Columns, baseline: int) -> list[Comparison]:
    chance, ids = chance_of(metric), columns.trials
    others = [at for at in range(len(ids)) if at != baseline]
    estimates = [difference(scores, baseline, at, chance) for at in others]
    placed = iter(together([one for one in estimates if one is not None]))
    return [
        _comparison(
            (ids[at], ids[baseline], name),
            (estimate, next(placed)),
            None if name == FAILED else worst(scores, columns.failed, (baseline, at), metric),
        )
        for at, estimate in zip(others, estimates, strict=True)
        if estimate is not None
    ]


def _comparison(
    names: tuple[str, str, str], told: tuple[Estimate, Difference], worst: tuple[float, float] | None
) -> Comparison:
    estimate, placed = told
    ends = placed.low, placed.high, placed.adjusted_p
    return Comparison(*names, placed.value, *ends, placed.n_pairs, placed.scope, spreads_of(estimate), worst)


def spreads_of(estimate: Estimate) -> Spreads | None:
    """Returns what a difference varies by, as standard deviations of one utterance's."""
    found = variances(estimate.table)
    if found is None:
        return None
    chance = chance_variance(estimate)
    return Spreads(found.voice**0.5, found.probe**0.5, found.rest**0.5, None if chance is None else chance**0.5)


def worst(scores: Scores, failed: Floats, pair: tuple[int, int], metric: MetricRecord) -> tuple[float, float] | None:
    """Returns a difference with the trial's failures at their worst, and with the baseline's; see `Comparison.worst`.

    Args:
        scores: Of the metric.
        failed: Which utterances failed, shape (trials, units).
        pair: Baseline and trial.
        metric: What it is.

    Returns:
        None where both failed alike often, or nothing was scored.
    """
    counts = [int(np.nansum(failed[at])) for at in pair]
    if counts[0] == counts[1] or not (scores.known(pair[0]).any() or scores.known(pair[1]).any()):
        return None
    two, lost = scores.only(pair), failed[list(pair)]
    ends = [difference(at_worst(two, lost, one, metric), 0, 1) for one in (1, 0)]
    told = [None if one is None else one.value for one in ends]
    return None if told[0] is None or told[1] is None else (told[0], told[1])


def at_worst(scores: Scores, failed: Floats, trial: int, metric: MetricRecord) -> Scores:
    """Returns the scores with the failures of a trial as bad as the worst that any of the trials scored.

    Of a rate of errors that is at least 1: nothing of the text was said. A failure weighs what its text does elsewhere.
    """
    lost = (failed[trial] == 1) & ~scores.known(trial)
    if not lost.any() or np.isnan(scores.values).all():
        return scores
    least, most = float(np.nanmin(scores.values)), float(np.nanmax(scores.values))
    bad = least if metric.higher_is_better else max(most, 1.0) if metric.counts else most
    values = scores.values.copy()
    values[trial, lost] = bad
    if scores.weights is None:
        return replace(scores, values=values)
    weights = scores.weights.copy()
    theirs = np.where(np.isnan(scores.values), np.nan, scores.weights)
    known = ~np.isnan(theirs).all(axis=0)
    weights[trial, lost & known] = np.nanmax(theirs[:, lost & known], axis=0)
    return replace(scores, values=values, weights=weights)


def _trial_summary(
    trial: Trial, columns: Columns, at: int, summary: Mapping[str, Summary], baseline: int | None
) -> TrialSummary:
    tally = columns.tallies[at]
    return TrialSummary(
        *(trial.id, trial.engine, trial.settings, tally.n, tally.failed, summary, tally.not_run),
        n_flagged=tally.flagged,
        flags=flags_of(tally),
        version=trial.version,
        barred=None if baseline is None or baseline == at else bar(columns, at, baseline),
    )


def _summary(scores: Scores, trial: int, metric: MetricRecord) -> Summary:
    low, high = metric.bounds
    bounds = (-math.inf if low is None else low, math.inf if high is None else high)
    estimate = mean(scores, trial, chance_of(metric))
    if estimate is None:
        return Summary(None, None, None, 0)
    lower, upper = interval(estimate, bounds) or (None, None)
    return Summary(estimate.value, lower, upper, estimate.n_units, estimate.scope)
