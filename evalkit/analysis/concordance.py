"""Whether two speaker encoders say the same of a sweep: ranks of trials, and a winner that only one of them sees."""

from collections.abc import Mapping, Sequence

from scipy.stats import kendalltau

from evalkit.record import Comparison, Concordance, RankChange, TrialSummary


def concordance(
    trials: Sequence[TrialSummary], comparisons: Sequence[Comparison], others: Sequence[str], best: str | None
) -> list[Concordance]:
    """Returns, for each encoder beside the primary one, how its ranking of the trials differs.

    Args:
        trials: With `sim` and `sim_NAME` in their summaries.
        comparisons: With the first trial.
        others: Names of the encoders beside the primary one.
        best: The winner by the primary one, if there is one.
    """
    primary = _values(trials, "sim")
    found = []
    for name in others:
        theirs = _values(trials, f"sim_{name}")
        shared = [id for id in primary if id in theirs]
        rank, other_rank = (_ranks({id: values[id] for id in shared}) for values in (primary, theirs))
        moved = [RankChange(id, rank[id], other_rank[id]) for id in shared if rank[id] != other_rank[id]]
        tau = _tau([primary[id] for id in shared], [theirs[id] for id in shared])
        found.append(Concordance(name, tau, moved, _contests(comparisons, best, f"sim_{name}")))
    return found


def _tau(ones: Sequence[float], others: Sequence[float]) -> float | None:
    """Returns Kendall's tau-b, which counts ties; None for fewer than two values, or where all are equal."""
    if len(ones) < 2 or len(set(ones)) == 1 or len(set(others)) == 1:
        return None
    return float(kendalltau(ones, others).statistic)


def _values(trials: Sequence[TrialSummary], metric: str) -> dict[str, float]:
    summaries = {trial.id: trial.summary.get(metric) for trial in trials}
    return {id: summary.value for id, summary in summaries.items() if summary and summary.value is not None}


def _ranks(values: Mapping[str, float]) -> dict[str, int]:
    """Returns ranks from 1, the highest value first; equal values share the best rank."""
    return {id: 1 + sum(other > value for other in values.values()) for id, value in values.items()}


def _contests(comparisons: Sequence[Comparison], best: str | None, metric: str) -> bool | None:
    """Whether that metric does not tell the winner to be better; None without a winner, or a score of it to compare."""
    told = [one for one in comparisons if one.trial == best and one.metric == metric]
    return all((one.low or 0) <= 0 for one in told) if told else None
