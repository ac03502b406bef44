"""How sure a value is that was made of votes: listeners, voices and texts were drawn, and it is clustered by all three.

Two votes that share a listener, a voice or a text are not independent. The variance is that of Cameron, Gelbach and
Miller (2011): summed by each factor, less what two of them share, plus what three share, each with G / (G - 1) for its
G clusters. Factors may take from each other what is not there, so it is never believed below what one factor alone, or
votes that were each drawn for itself, would give. The interval is Student's, with degrees of freedom by Satterthwaite
(1946) over the factors, never fewer than the smallest has. What this covers is simulated in
tests/analysis/test_multiway.py.

A mean is a sum of what votes add to it; a value of pairs of votes has its variance by the jackknife (`Pairs`).

Votes that all say the same are no certainty either: an interval of a mean is at least that of votes drawn for
themselves with one more at each end of the scale, as Agresti and Coull (1998) have it of a share.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from evalkit.analysis.crossed import Spread
from evalkit.analysis.scores import Floats
from evalkit.analysis.stats import LEVEL

FEWEST = 8  # votes; of fewer no interval is told

Codes = NDArray[np.int64]
Factors = Mapping[str, Codes]  # for each factor the cluster of each vote, counted from 0
OneWay = Callable[[Codes], Spread]  # the variance of a value, clustered by one factor


@dataclass(frozen=True)
class Interval:
    """A value and its interval; None where none can be told."""

    value: float
    low: float | None
    high: float | None
    n: int


def codes(names: Sequence[object]) -> Codes:
    """Returns which cluster each vote is in, counted from 0 in the order in which they come."""
    order: dict[object, int] = {}
    return np.array([order.setdefault(name, len(order)) for name in names], np.int64)


def mean_interval(values: Floats, factors: Factors, ends: tuple[float, float], level: float = LEVEL) -> Interval:
    """Returns the mean of votes and its interval, within the ends of their scale.

    Args:
        values: One a vote, shape (votes,).
        factors: By which they are clustered, shape (votes,) each.
        ends: Least and greatest value of a vote.
        level: Of the interval.
    """
    value, extended = float(np.mean(values)), np.concatenate([values, ends])
    parts = (values - value) / len(values)
    least = float(np.var(extended)) / len(extended)
    return interval(value, partial(_summed, parts), factors, ends, level, least)


def interval(
    value: float,
    one_way: OneWay,
    factors: Factors,
    ends: tuple[float, float],
    level: float = LEVEL,
    least: float = 0.0,
) -> Interval:
    """Returns the interval of any value that is made of votes.

    Args:
        value: The value.
        one_way: Gives its variance, clustered by one factor.
        factors: By which votes are clustered, shape (votes,) each.
        ends: Least and greatest that it can be.
        level: Of the interval.
        least: The least variance that is believed.
    """
    count = len(next(iter(factors.values())))
    spread = spread_of(one_way, factors) if count >= FEWEST else None
    variance = max(spread.variance, least) if spread else 0.0
    if spread is None or not 0 < variance < math.inf:  # no spread is no certainty
        return Interval(value, None, None, count)
    reach = variance**0.5 * float(stdtrit(spread.freedom, (1 + level) / 2))
    return Interval(value, max(ends[0], value - reach), min(ends[1], value + reach), count)


def spread_of(one_way: OneWay, factors: Factors) -> Spread | None:
    """Returns the variance of a value and its degrees of freedom; None where no factor has two clusters.

    Args:
        one_way: Gives the variance, clustered by one factor.
        factors: By which votes are clustered; one that has a single cluster says nothing and is left out.
    """
    varying = [factor for factor in factors.values() if factor.max() > 0]
    if not varying:
        return None
    alone, count = [one_way(factor) for factor in varying], len(varying[0])
    shared = sum(
        (-1) ** (size + 1) * one_way(_joined(some)).variance
        for size in range(2, len(varying) + 1)
        for some in combinations(varying, size)
    )
    by_factor = [one.variance for one in alone]
    variance = max(sum(by_factor) + shared, one_way(np.arange(count)).variance, *by_factor)
    uncertain = sum(one.variance**2 / one.freedom for one in alone)
    fewest = min(one.freedom for one in alone)
    freedom = variance**2 / uncertain if uncertain else fewest
    return Spread(variance, float(np.clip(freedom, fewest, count - 1)))


def _summed(parts: Floats, factor: Codes) -> Spread:
    """Returns the variance of a sum, clustered by a factor; the parts are what votes add to it, 0 on average."""
    sums = np.bincount(factor, parts)
    if len(sums) < 2:
        return Spread(0.0, 1)
    return Spread(float(sums @ sums) * len(sums) / (len(sums) - 1), len(sums) - 1)


@dataclass(frozen=True, eq=False)
class Pairs:
    """What pairs of votes say; each pair once.

    Attributes:
        first: The votes that are the one of each pair, shape (pairs,).
        second: Those that are the other, shape (pairs,).
        sums: What each pair adds to each of some sums, shape (sums, pairs).
        value: The value that such sums give: from shape (sums, clusters) to (clusters,), NaN where it has none.
    """

    first: Codes
    second: Codes
    sums: Floats
    value: Callable[[Floats], Floats]

    @property
    def whole(self) -> float:
        """The value of all pairs."""
        return float(self.value(self.sums.sum(axis=1, keepdims=True))[0])

    def one_way(self, factor: Codes) -> Spread:
        """Returns the variance of the value by the jackknife that leaves out one cluster after the other."""
        ones, others, count = factor[self.first], factor[self.second], int(factor.max()) + 1
        within = ones == others
        left = np.stack(
            [
                row.sum()
                - np.bincount(ones, row, count)
                - np.bincount(others, row, count)
                + np.bincount(ones[within], row[within], count)
                for row in self.sums
            ]
        )
        values = self.value(left)
        if not np.isfinite(values).all():  # without some cluster there is no value: no interval can be told
            return Spread(math.inf, max(1, count - 1))
        off = values - values.mean() if len(values) > 1 else np.zeros(1)
        return Spread(float(off @ off) * (count - 1) / count, max(1, count - 1))


def _joined(factors: Sequence[Codes]) -> Codes:
    """Returns the clusters of votes that share all of some factors."""
    found = factors[0]
    for factor in factors[1:]:
        found = np.unique(found * (factor.max() + 1) + factor, return_inverse=True)[1].astype(np.int64)
    return found
