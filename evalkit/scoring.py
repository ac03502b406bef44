"""From evidence to rows, and from rows to a report's numbers."""

from collections.abc import Mapping, Sequence

from evalkit.metrics import Evidence, Metric, align_words
from evalkit.report import Comparison, EditsRecord, MetricRecord, Row, Summary, TrialSummary
from evalkit.stats import Unit, Weighted, compare, interval, pooled_mean
from evalkit.trial import Trial


def scores(evidence: Evidence, metrics: Sequence[Metric]) -> tuple[dict[str, float], dict[str, float]]:
    """Returns value and weight by metric; one that is undefined here is in neither, and weights of 1 are left out."""
    measured = {metric.name: metric.measure(evidence) for metric in metrics}
    defined = {name: score for name, score in measured.items() if score is not None}
    return (
        {name: score.value for name, score in defined.items()},
        {name: score.weight for name, score in defined.items() if score.weight != 1.0},
    )


def edits(evidence: Evidence) -> EditsRecord:
    """Returns the word edits behind WER."""
    found = align_words(evidence.reference, evidence.hypothesis)
    return EditsRecord(found.hits, found.substitutions, found.deletions, found.insertions)


def metric_records(metrics: Sequence[Metric], asr: str) -> dict[str, MetricRecord]:
    """Returns what each metric is; `asr` is the transcriber's name."""
    return {
        metric.name: MetricRecord(metric.unit, metric.higher_is_better, asr if metric.judge == "asr" else metric.judge)
        for metric in metrics
    }


def summarise(trials: Sequence[Trial], rows: Sequence[Row], metrics: Sequence[Metric]) -> list[TrialSummary]:
    """Returns each trial's pooled means with their intervals."""
    results = []
    for trial in trials:
        own = [row for row in rows if row.trial == trial.id]
        failed = sum(row.error is not None for row in own)
        summary = {metric.name: _summary(_by_unit(own, metric.name), metric.bounds) for metric in metrics}
        results.append(TrialSummary(trial.id, trial.engine, trial.settings, len(own), failed, summary))
    return results


def compare_with_first(trials: Sequence[Trial], rows: Sequence[Row], metrics: Sequence[Metric]) -> list[Comparison]:
    """Returns the paired differences of every other trial to the first, for each metric that has a direction."""
    first, *others = trials
    by_trial = {trial.id: [row for row in rows if row.trial == trial.id] for trial in trials}
    found = []
    for metric in (metric for metric in metrics if metric.higher_is_better is not None):
        baseline = _by_unit(by_trial[first.id], metric.name)
        differences = compare(baseline, [_by_unit(by_trial[other.id], metric.name) for other in others])
        found += [
            Comparison(other.id, first.id, metric.name, told.value, told.low, told.high, told.adjusted_p, told.n_pairs)
            for other, told in zip(others, differences, strict=True)
            if told is not None
        ]
    return found


def not_told_apart(best: str, others: Sequence[str], rows: Sequence[Row], metric: str) -> list[str]:
    """Returns those of `others` whose difference from the trial `best` cannot be told."""
    rest = [other for other in others if other != best]
    by_trial = {id: _by_unit([row for row in rows if row.trial == id], metric) for id in [best, *rest]}
    told = compare(by_trial[best], [by_trial[other] for other in rest])
    return [other for other, difference in zip(rest, told, strict=True) if difference is None or not difference.is_told]


def _at_least(low: float | None, metric: Metric) -> float | None:
    """Returns the lower end of a difference's interval, within what two values of the metric can differ by."""
    return None if low is None else max(low, metric.bounds[0] - metric.bounds[1])


def _at_most(high: float | None, metric: Metric) -> float | None:
    return None if high is None else min(high, metric.bounds[1] - metric.bounds[0])


def _by_unit(rows: Sequence[Row], metric: str) -> dict[Unit, Weighted]:
    return {
        (row.voice, row.probe, row.seed): (row.scores[metric], row.weights.get(metric, 1.0))
        for row in rows
        if metric in row.scores
    }


def _summary(scored: Mapping[Unit, Weighted], bounds: tuple[float, float]) -> Summary:
    ends = interval(scored, bounds)
    return Summary(pooled_mean(list(scored.values())), *(ends or (None, None)))
