"""How sure a pooled mean is whose voices and texts were both drawn: crossed random effects, in closed form.

An utterance's part in a mean, or in a difference of two, is the effect of its voice, that of its text, and a rest: x =
a(voice) + b(probe) + c(voice, probe), each drawn by itself. The sums of squares of the parts by voice, by probe and by
cell have expected values that are linear in the three variances (Henderson's first method, Searle 1971, chapter 10,
here for shares of any size), so three equations give them, and they give the mean's variance. Its degrees of freedom
are Satterthwaite's (1946).

A variance that is not there costs much where it is estimated all the same: with four voices and four texts an interval
becomes twice as wide as need be. So a factor whose mean square is no larger than chance makes it in two cases of three
(a preliminary F test, as Bancroft 1964 pools by) is taken to be none, and goes into the rest. Trials of one sweep ask
the same voices to say the same texts: that is decided for all of them together. What this covers is measured by
simulation in tests/analysis/test_crossed.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtri

from evalkit.analysis.scores import Floats

POOLED_BELOW = 0.65  # quantile of F up to which a factor is taken to be none
SHARED = 0.25  # correlation of the variances of two differences from one baseline: 0.5 ** 2
ROUNDING = 1e-9  # of a sum of squares
LEAST_FREEDOM = 0.5  # of the rest: with less, voices and texts cannot be told apart


@dataclass(frozen=True, eq=False)
class Table:
    """A mean, or a difference of two, in its parts.

    Attributes:
        parts: What each cell adds, less its share of the mean: they sum to 0. Shape (voices, probes).
        shares: How much of the mean each cell is: they sum to 1. Shape (voices, probes).
    """

    parts: Floats
    shares: Floats


@dataclass(frozen=True, eq=False)
class Spread:
    """How sure a mean is: its variance, and the degrees of freedom of that."""

    variance: float
    freedom: float


@dataclass(frozen=True)
class Variances:
    """What one utterance's value varies by: with its voice, with its text, and beyond both; never below 0."""

    voice: float
    probe: float
    rest: float


@dataclass(frozen=True, eq=False)
class _Squares:
    """Sums of squares by voice, probe and cell, what is expected of each, and the factors' weights in the variance.

    Attributes:
        found: Shape (3,).
        expected: Coefficients of the three variances in each, shape (3, 3).
        weights: Of the three variances in that of the mean, shape (3,).
        freedom: Degrees of freedom by voice, by probe, and of all cells, shape (3,).
    """

    found: Floats
    expected: Floats
    weights: Floats
    freedom: Floats

    @property
    def tells_apart(self) -> bool:
        """Whether voices and texts can be told apart: not one of either, nor voices that each have their own text."""
        return bool(self.freedom[:2].min() > 0 and self.rest_freedom >= LEAST_FREEDOM)

    @property
    def rest_freedom(self) -> float:
        """Degrees of freedom of the rest."""
        return float(self.freedom[2] - self.freedom[:2].sum())

    def variances(self, kept: Sequence[int]) -> Floats:
        """Returns the variance of each kept factor (0 voices, 1 probes), and last the rest's."""
        index = [*kept, 2]
        return np.asarray(np.linalg.solve(self.expected[np.ix_(index, index)], self.found[index]), np.float64)

    def terms(self, kept: Sequence[int]) -> Floats:
        """Returns what each of them adds to the variance of the mean."""
        return self.variances(kept) * self.weights[[*kept, 2]]


def spreads(tables: Sequence[Table]) -> list[Spread]:
    """Returns how sure each of some means is that were taken over the same voices and texts."""
    squares = [_squares(table) for table in tables]
    kept = _kept([one for one in squares if one.tells_apart])
    return [_spread(one, kept) if one.tells_apart else _one_way(one) for one in squares]


def variances(table: Table) -> Variances | None:
    """Returns what an utterance's value varies by; None where voices and texts cannot be told apart."""
    squares = _squares(table)
    if not squares.tells_apart:
        return None
    return Variances(*(max(0.0, float(one)) for one in squares.variances([0, 1])))


def of_panel(table: Table) -> Spread:
    """Returns how sure a mean is over just these voices and texts, each said once: what neither of both explains.

    What a voice does to a text, again and again, is in it too and cannot be told from chance: it is rather too wide.
    """
    squares = _squares(table)
    rest = float(squares.terms([0, 1])[2]) if squares.tells_apart else -1.0
    if rest < -ROUNDING * float(squares.found[2]):  # in a table with holes: then all that cells differ by is chance
        return _one_way(squares)
    return Spread(max(0.0, rest), squares.rest_freedom)


def _squares(table: Table) -> _Squares:
    shares, parts = table.shares, table.parts
    voices, probes = shares.sum(axis=1), shares.sum(axis=0)
    squared = shares**2
    rows, columns = squared.sum(axis=1), squared.sum(axis=0)
    weights = np.array([voices @ voices, probes @ probes, squared.sum()])
    both = float(((shares - np.outer(voices, probes)) ** 2).sum())
    expected = [
        [
            (voices**2 * (1 - 2 * voices)).sum() + weights[0] ** 2,
            both,
            (rows * (1 - 2 * voices)).sum() + weights[0] * weights[2],
        ],
        [
            both,
            (probes**2 * (1 - 2 * probes)).sum() + weights[1] ** 2,
            (columns * (1 - 2 * probes)).sum() + weights[1] * weights[2],
        ],
        [
            (rows * (1 - 2 * voices)).sum() + weights[0] * weights[2],
            (columns * (1 - 2 * probes)).sum() + weights[1] * weights[2],
            (squared * (1 - 2 * shares)).sum() + weights[2] ** 2,
        ],
    ]
    found = [(parts.sum(axis=1) ** 2).sum(), (parts.sum(axis=0) ** 2).sum(), (parts**2).sum()]
    return _Squares(np.array(found), np.array(expected), weights, 1 / weights - 1)


def _kept(squares: Sequence[_Squares]) -> list[int]:
    """Returns the factors that are more than chance, over all trials; each trial counts by its own scale."""
    varying = [one for one in squares if one.found[2] > 0]
    if not varying:
        return []
    terms = np.array([one.terms([0, 1]) / one.found[2] for one in varying]).mean(axis=0)
    freedom = np.array([[*one.freedom[:2], one.rest_freedom] for one in varying]).mean(axis=0)
    freedom *= len(varying) / (1 + (len(varying) - 1) * SHARED)
    rest = max(float(terms[2]), 0.0)
    return [
        factor
        for factor in (0, 1)
        if terms[factor] + terms[2] > rest * float(fdtri(freedom[factor], freedom[2], POOLED_BELOW))
    ]


def _spread(squares: _Squares, kept: Sequence[int]) -> Spread:
    """Returns the variance of a mean, never below what the rest alone, or one factor and the rest, would give it."""
    *factors, rest = squares.terms(kept)
    rest_freedom = float(squares.freedom[2] - squares.freedom[list(kept)].sum())
    each = [max(0.0, factor + rest) for factor in factors]  # as mean squares of the balanced layout
    variance = max(sum(factors) + rest, rest, *each, 0.0) if each else max(rest, 0.0)
    uncertain = sum(one**2 / squares.freedom[factor] for one, factor in zip(each, kept, strict=True))
    uncertain += max(rest, 0.0) ** 2 / rest_freedom if len(kept) != 1 else 0.0
    least = min([squares.rest_freedom, *squares.freedom[list(kept)]])
    return Spread(variance, max(variance**2 / uncertain, least) if uncertain > 0 else least)


def _one_way(squares: _Squares) -> Spread:
    """Returns the largest variance that voices, probes or cells alone give, where they cannot be told apart."""
    found = [
        Spread(float(total / expected * weight), float(freedom))
        for total, expected, weight, freedom in zip(
            squares.found, np.diag(squares.expected), squares.weights, squares.freedom, strict=True
        )
        if freedom >= LEAST_FREEDOM
    ]
    return max(found, key=lambda one: one.variance, default=Spread(0.0, 0.0))
