"""Statistics of paired trials: pooled means, and differences whose intervals say what they hold for.

Of a `population`, whose voices and texts were drawn: both leave something open, told by `crossed` from the parts that
utterances have in a pooled mean (of a ratio, those of its linearised form: Cochran 1977, 6.3). Of a `panel`, just these
voices and texts: only chance and seeds vary, told by what differs between seeds of one voice and text, or where each
was said once, by what neither voices nor texts explain. One voice or one text is a panel.

Intervals are Student's. Those of one sweep hold simultaneously: their level is the one at which the largest of normal
deviates, correlated as the trials are, stays within (as Hothorn, Bretz and Westfall 2008 do with one variance for all);
a bigger grid finds no more false winners. A correlation that was estimated from few voices and texts is drawn towards
1/2, which differences from one baseline have if nothing else ties them. `bench statistics` simulates the coverage.

Few clusters can also agree by luck, two voices to the fourth digit, and a spread of nothing is then taken for
certainty. So no standard error is believed below the larger of two: that which the same utterances would have if each
were drawn for itself, and that which chance in single utterances leaves (the metric's `repeatability`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from evalkit.analysis.crossed import Spread, Table, of_panel, spreads
from evalkit.analysis.scores import Floats, Layout, Scores, Weighted

Scope = Literal["population", "panel"]

LEVEL = 0.95
# Of the largest deviate. Few voices and texts tell little of how trials are correlated, which costs about a point of
# coverage (simulated); a panel's many utterances tell enough.
TOGETHER: Mapping[Scope, float] = {"population": 0.97, "panel": LEVEL}
DRAWS = 4000  # of the largest deviate
TRUSTED_AT = 10  # degrees of freedom at which a correlation is taken half as it is found, half as 1/2
_NOISE_FLOOR = 1e-12  # below it a spread is rounding


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


@dataclass(frozen=True)
class Chance:
    """What is known beforehand of a metric's chance.

    Attributes:
        repeatability: Standard deviation of one utterance's value by chance alone; 0: not known.
        counts: Whether value times weight is a number of events, as of errors or failures: then a spread of nothing
            still leaves one event more or less that was not seen (Agresti and Min 2005 add half a pair to each side).
    """

    repeatability: float = 0.0
    counts: bool = False


UNKNOWN = Chance()


@dataclass(frozen=True, eq=False)
class Estimate:
    """A mean, or a difference of two, before it is said how sure it is.

    Attributes:
        value: Of the pooled mean, or their difference.
        table: Its parts by voice and probe.
        parts: Its parts by unit, shape (units,).
        layout: The units.
        least: The least variance that is believed of it.
        scope: What its interval holds for: of one voice or one probe nothing can be said of others.
        unseen: The variance that is taken where there is no spread at all; None: then nothing can be told.
        common: A known variance that comes on top: of what all units have in common, as a machine's load in a run.
    """

    value: float
    table: Table
    parts: Floats
    layout: Layout
    least: float
    scope: Scope
    unseen: float | None = None
    common: float = 0.0

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.parts)


@dataclass(frozen=True)
class Sure:
    """A standard error, and its degrees of freedom."""

    error: float
    freedom: float


def pooled_mean(scores: Sequence[Weighted]) -> float | None:
    """Returns sum(value * weight) / sum(weight), or None for no weight at all."""
    total = sum(weight for _, weight in scores)
    return sum(value * weight for value, weight in scores) / total if total else None


def mean(scores: Scores, trial: int, chance: Chance = UNKNOWN, scope: Scope = "population") -> Estimate | None:
    """Returns a trial's pooled mean; None where nothing weighs."""
    known = scores.known(trial)
    side = _Side.of(scores.values[trial][known], scores.weighing(trial)[known])
    return None if side is None else _estimate(side.mean, side.parts, [side], scores.layout.only(known), chance, scope)


def difference(
    scores: Scores, baseline: int, trial: int, chance: Chance = UNKNOWN, scope: Scope = "population"
) -> Estimate | None:
    """Returns a trial's pooled mean less the baseline's, over the units that both have; None where none weighs."""
    known = scores.known(baseline) & scores.known(trial)
    sides = [_Side.of(scores.values[at][known], scores.weighing(at)[known]) for at in (baseline, trial)]
    base, own = sides
    if base is None or own is None:
        return None
    return _estimate(
        own.mean - base.mean, own.parts - base.parts, [base, own], scores.layout.only(known), chance, scope
    )


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


def errors(estimates: Sequence[Estimate]) -> list[Sure | None]:
    """Returns how sure each value is; None where it cannot be told: no spread at all is no evidence of certainty."""
    population = iter(spreads([one.table for one in estimates if one.scope == "population"]))
    found = [next(population) if one.scope == "population" else _by_chance(one) for one in estimates]
    return [_sure(one, spread) for one, spread in zip(estimates, found, strict=True)]


def _sure(estimate: Estimate, spread: Spread) -> Sure | None:
    if spread.variance**0.5 <= _NOISE_FLOOR or not spread.freedom:
        if estimate.unseen is None or estimate.n_units < 2:
            return None
        return Sure((estimate.unseen + estimate.common) ** 0.5, estimate.n_units - 1)
    own = max(spread.variance, estimate.least, estimate.unseen or 0.0)
    return Sure((own + estimate.common) ** 0.5, spread.freedom)


@dataclass(frozen=True, eq=False)
class _Side:
    """The scores of one trial: their pooled mean, and what each unit adds to it, with its share."""

    mean: float
    parts: Floats
    shares: Floats
    total: float

    @classmethod
    def of(cls, values: Floats, weights: Floats) -> "_Side | None":
        """Returns the side that scores are; None where nothing weighs."""
        total = float(weights.sum())
        if not total:
            return None
        shares = weights / total
        mean = float(shares @ values)
        return cls(mean, shares * (values - mean), shares, total)


def _estimate(
    value: float, parts: Floats, sides: Sequence[_Side], layout: Layout, chance: Chance, scope: Scope
) -> Estimate:
    """Returns a value with what is known of its error.

    Chance leaves in it what `repeatability` does in each score, and no less than if each unit, seeds too, were drawn
    for itself: with r their parts, n / (n - 1) * sum(r ** 2). On a panel what voices and texts do is not chance.
    """
    shares = np.mean([side.shares for side in sides], axis=0)
    table = Table(layout.by_cell(parts), layout.by_cell(shares))
    scope = scope if min(_present(table)) > 1 else "panel"
    repeated = chance.repeatability**2 * sum(float(side.shares @ side.shares) for side in sides)
    units = len(parts) / max(1, len(parts) - 1) * float(parts @ parts) if scope == "population" else 0.0
    unseen = (2 + min(side.total for side in sides)) ** -2.0 if chance.counts and scope == "panel" else None
    return Estimate(value, table, parts, layout, max(repeated, units), scope, unseen)


def _present(table: Table) -> tuple[int, int]:
    """Returns how many voices and how many probes take part."""
    return int((table.shares.sum(axis=1) > 0).sum()), int((table.shares.sum(axis=0) > 0).sum())


def _by_chance(estimate: Estimate) -> Spread:
    """Returns how sure a mean is over just these voices and texts.

    Seeds of a cell differ by chance alone: with r the parts of its n, n / (n - 1) * sum((r - mean) ** 2), and a cell
    that has but one counts as the others do. The degrees of freedom are Satterthwaite's, from squares that chance
    makes larger than they are: v ** 2 * nu / (nu + 2) is right on average.
    """
    counts = np.bincount(estimate.layout.cells, minlength=estimate.table.parts.size)
    repeated = counts > 1
    if not repeated.any():
        return of_panel(estimate.table)
    squares = np.bincount(estimate.layout.cells, _seeds_apart(estimate) ** 2, counts.size)[repeated]
    shares = estimate.table.shares.ravel() ** 2 / np.maximum(counts, 1)
    variance, freedom = float(squares.sum()), counts[repeated] - 1
    if variance**0.5 <= _NOISE_FLOOR:  # seeds that change nothing tell nothing of chance
        return of_panel(estimate.table)
    satterthwaite = variance**2 / float((squares**2 / (freedom + 2)).sum()) - 2
    whole = variance * float(shares.sum() / shares[repeated].sum())
    return Spread(whole, float(np.clip(satterthwaite, 1, freedom.sum())))


def _seeds_apart(estimate: Estimate) -> Floats:
    """Returns how far each unit's part is from its cell's mean, as far as their squares add up to the variance."""
    cells = estimate.layout.cells
    counts = np.bincount(cells)
    means = np.bincount(cells, estimate.parts) / np.maximum(counts, 1)
    return (estimate.parts - means[cells]) * np.sqrt(counts / np.maximum(counts - 1, 1))[cells]


def chance_variance(estimate: Estimate) -> float | None:
    """Returns the variance of one unit's value between seeds of a voice and text; None where each was said once."""
    counts = np.bincount(estimate.layout.cells)
    apart = counts[counts > 1] - 1
    if not apart.sum():
        return None
    shares = np.bincount(estimate.layout.cells, minlength=counts.size)
    mean_share = estimate.table.shares.ravel()[: counts.size] / np.maximum(shares, 1)
    units = mean_share[estimate.layout.cells]
    means = np.bincount(estimate.layout.cells, estimate.parts) / np.maximum(counts, 1)
    values = (estimate.parts - means[estimate.layout.cells]) / np.where(units > 0, units, 1)
    return float((values**2).sum() / apart.sum())


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
