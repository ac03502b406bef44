"""How two runs compare: for each trial that both have, each metric's paired difference, candidate minus baseline."""

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.analysis.estimates import Scope, difference
from evalkit.analysis.pairing import OF_THE_MACHINE, Match, Run, side_by_side, timed_elsewhere
from evalkit.analysis.stats import Difference, together
from evalkit.analysis.summary import chance_of, fair, worst
from evalkit.row import FAILED


@dataclass(frozen=True)
class Compared:
    """A metric of a trial in two runs.

    Attributes:
        match: The trial.
        metric: Its name.
        baseline: Pooled mean of the baseline over the pairs.
        candidate: That of the candidate.
        difference: Candidate minus baseline; the intervals of a metric hold for all trials at once.
        worst: See `Comparison.worst`.
    """

    match: Match
    metric: str
    baseline: float
    candidate: float
    difference: Difference
    worst: tuple[float, float] | None


def differences(baseline: Run, candidate: Run, matches: Sequence[Match], scope: Scope = "population") -> list[Compared]:
    """Returns the differences, metric by metric in the candidate's order, for those that both have and that compare."""
    columns, found = side_by_side(baseline, candidate, matches), []
    apart = OF_THE_MACHINE if timed_elsewhere(baseline, candidate) else ()
    pairs = [(2 * at, 2 * at + 1) for at in range(len(matches))]
    for name, record in candidate.report.metrics.items():
        if record.higher_is_better is None or name not in baseline.report.metrics or name in apart:
            continue
        scores = fair(columns.scores(name), record, columns.heard)
        estimates = [difference(scores, *pair, chance_of(record), scope) for pair in pairs]
        placed = iter(together([one for one in estimates if one is not None]))
        for match, pair, estimate in zip(matches, pairs, estimates, strict=True):
            if estimate is not None:
                lost = None if name == FAILED else worst(scores, columns.failed, pair, record)
                base, own = estimate.means
                found.append(Compared(match, name, base, own, next(placed), lost))
    return found
