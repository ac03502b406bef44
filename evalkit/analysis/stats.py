"""Statistics of paired trials: differences with intervals that hold together.

Intervals are Student's. Those of one sweep hold simultaneously: their level is the one at which the largest of normal
deviates, correlated as the trials are, stays within (as Hothorn, Bretz and Westfall 2008 do with one variance for all);
a bigger grid finds no more false winners. A correlation that was estimated from few voices and texts is drawn towards
1/2, which differences from one baseline have if nothing else ties them. `bench statistics` simulates the coverage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from evalkit.analysis.estimates import UNKNOWN, Chance, Estimate, Scope, Sure, difference, errors
from evalkit.analysis.scores import Floats, Scores

LEVEL = 0.95
# Of the largest deviate. Few voices and texts tell little of how trials are correlated, which costs about a point of
# coverage (simulated); a panel's many utterances tell enough.
TOGETHER: Mapping[Scope, float] = {"population": 0.97, "panel": LEVEL}
DRAWS = 4000  # of the largest deviate
TRUSTED_AT = 10  # degrees of freedom at which a correlation is taken half as it is found, half as 1/2


@dataclass(frozen=True)
class Difference:
    """A paired difference, trial minus baseline.

    Attributes:
        value: Of the pooled means, over the pairs only.
        low: Lower end of the simultaneous interval; None where none can be told: one voice and one probe, or the
            same difference in every pair.
        high: Its upper end.
        adjusted_p: Probability of so large a difference anywhere in the sweep if there were none; None likewise.
        n_pairs: Units that both trials have.
        scope: What the interval holds for.
    """

    value: float
    low: float | None
    high: float | None
    adjusted_p: float | None
    n_pairs: int
    scope: Scope = "population"

    @property
    def is_told(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def interval(estimate: Estimate, bounds: tuple[float, float]) -> tuple[float, float] | None:
    """Returns the interval of a pooled mean alone, within the metric's `bounds`; None where it cannot be told."""
    (sure,) = errors([estimate])
    if sure is None:  # as with no error in 16 utterances: no spread is no certainty
        return None
    reach = sure.error * float(stdtrit(sure.freedom, (1 + LEVEL) / 2))
    return max(estimate.value - reach, bounds[0]), min(estimate.value + reach, bounds[1])


def compare(
    scores: Scores, baseline: int = 0, chance: Chance = UNKNOWN, scope: Scope = "population"
) -> list[Difference | None]:
    """Compares each other trial with the baseline on the units both have; None where they share none."""
    found = [
        difference(scores, baseline, trial, chance, scope) for trial in range(len(scores.values)) if trial != baseline
    ]
    placed = iter(together([one for one in found if one is not None]))
    return [None if one is None else next(placed) for one in found]


def together(estimates: Sequence[Estimate]) -> list[Difference]:
    """Returns differences with intervals that all hold at once; they may be of several metrics."""
    sure = errors(estimates)
    known = [(one, each) for one, each in zip(estimates, sure, strict=True) if each]
    largest = _largest([one for one, _ in known], [each.freedom for _, each in known])
    return [_placed(one, each, largest) for one, each in zip(estimates, sure, strict=True)]


def _placed(estimate: Estimate, sure: Sure | None, largest: Floats) -> Difference:
    value, n_units, scope = estimate.value, estimate.n_units, estimate.scope
    if sure is None:
        return Difference(value, None, None, None, n_units, scope)
    tail = float(stdtr(sure.freedom, -abs(value) / sure.error))  # of one side
    if len(largest):
        level = TOGETHER[scope]
        reach = -float(stdtrit(sure.freedom, ndtr(-float(np.quantile(largest, level))))) * sure.error
        # + 1: the observed sample is itself one of the draws, so p is never 0 (Davison & Hinkley 1997, 4.2.3)
        p = min(1.0, (1 - LEVEL) / (1 - level) * (1 + int((largest >= -ndtri(tail)).sum())) / (1 + len(largest)))
    else:
        reach, p = float(stdtrit(sure.freedom, (1 + LEVEL) / 2)) * sure.error, 2 * tail
    return Difference(value, value - reach, value + reach, p, n_units, scope)


def _largest(estimates: Sequence[Estimate], freedom: Sequence[float]) -> Floats:
    """Returns draws of the largest of normal deviates that are correlated as estimates are; none for a single one."""
    if len(estimates) < 2:
        return np.empty(0)
    average = float(np.mean(freedom))
    trusted = average / (average + TRUSTED_AT)
    correlations = trusted * _correlations(estimates) + (1 - trusted) * 0.5
    np.fill_diagonal(correlations, 1.0)
    values, vectors = np.linalg.eigh(correlations)
    root = vectors * np.sqrt(np.maximum(values, 0))
    largest: Floats = np.abs(_normal(len(estimates)) @ root.T).max(axis=1)
    return largest


def _correlations(estimates: Sequence[Estimate]) -> Floats:
    """Returns how the errors of estimates are correlated, 1/2 where that cannot be seen, shape (n, n)."""
    found = np.full((len(estimates), len(estimates)), 0.5)
    for scope in ("population", "panel"):
        own = [at for at, one in enumerate(estimates) if one.scope == scope]
        directions = np.array([_direction(estimates[at]) for at in own])
        seen = np.array([direction.any() for direction in directions], bool)
        own = [at for at, is_seen in zip(own, seen, strict=True) if is_seen]
        if own:
            found[np.ix_(own, own)] = directions[seen] @ directions[seen].T
    return found


def _direction(estimate: Estimate) -> Floats:
    """Returns a unit vector whose products with others' are correlations; of nothing where nothing varies."""
    table = estimate.table
    if estimate.scope == "population":
        found = np.concatenate([table.parts.sum(axis=1), table.parts.sum(axis=0)])
    else:
        voices, probes = table.shares.sum(axis=1, keepdims=True), table.shares.sum(axis=0, keepdims=True)
        by_voice = table.parts.sum(axis=1, keepdims=True) / np.where(voices > 0, voices, 1)
        by_probe = table.parts.sum(axis=0, keepdims=True) / np.where(probes > 0, probes, 1)
        found = (table.parts - table.shares * (by_voice + by_probe)).ravel()
    length = float(np.sqrt(found @ found))
    return found / length if length else found


@lru_cache(8)
def _normal(count: int) -> NDArray[np.float64]:
    """Returns normal deviates, shape (DRAWS, count); the same ones for the same rows."""
    return np.random.default_rng(0).normal(size=(DRAWS, count))
