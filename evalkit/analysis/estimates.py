"""How sure a value is: a pooled mean or a difference of two, its parts by unit, and the error that they tell.

Of a `population`, whose voices and texts were drawn: both leave something open, told by `crossed` from the parts that
utterances have in a pooled mean (of a ratio, those of its linearised form: Cochran 1977, 6.3). Of a `panel`, just these
voices and texts: only chance and seeds vary, told by what differs between seeds of one voice and text, or where each
was said once, by what neither voices nor texts explain. One voice or one text is a panel.

Few clusters can also agree by luck, two voices to the fourth digit, and a spread of nothing is then taken for
certainty. So no standard error is believed below the larger of two: that which the same utterances would have if each
were drawn for itself, and that which chance in single utterances leaves (the metric's `repeatability`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evalkit.analysis.crossed import Spread, Table, of_panel, spreads
from evalkit.analysis.scores import Floats, Layout, Scores, Weighted

Scope = Literal["population", "panel"]

_NOISE_FLOOR = 1e-12  # below it a spread is rounding


@dataclass(frozen=True)
class Chance:
    """What is known beforehand of a metric's chance.

    Attributes:
        repeatability: Standard deviation of one utterance's value by chance alone; 0: not known.
        counts: Whether value times weight is a number of events, as of errors or failures: then a spread of nothing
            still leaves one event more or less that was not seen (Agresti and Min 2005 add half a pair to each side).
        is_gated: Whether that is so of a population too: a verdict needs an interval where a finding does without.
    """

    repeatability: float = 0.0
    counts: bool = False
    is_gated: bool = False


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
        means: The pooled means of which it is the last, or the last less the first.
    """

    value: float
    table: Table
    parts: Floats
    layout: Layout
    least: float
    scope: Scope
    unseen: float | None = None
    common: float = 0.0
    means: tuple[float, ...] = ()

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


def errors(estimates: Sequence[Estimate]) -> list[Sure | None]:
    """Returns how sure each value is; None where it cannot be told: no spread at all is no evidence of certainty."""
    population = iter(spreads([one.table for one in estimates if one.scope == "population"]))
    found = [next(population) if one.scope == "population" else _by_chance(one) for one in estimates]
    return [_sure(one, spread) for one, spread in zip(estimates, found, strict=True)]


def _sure(estimate: Estimate, spread: Spread) -> Sure | None:
    if spread.variance**0.5 <= _NOISE_FLOOR or not spread.freedom:
        if estimate.unseen is None or estimate.n_units < 2:
            return None
        drawn = estimate.n_units if estimate.scope == "panel" else min(_present(estimate.table))
        return Sure((estimate.unseen + estimate.common) ** 0.5, drawn - 1)
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
    counted = chance.counts and (scope == "panel" or chance.is_gated)
    unseen = (2 + min(side.total for side in sides)) ** -2.0 if counted else None
    means = tuple(side.mean for side in sides)
    return Estimate(value, table, parts, layout, max(repeated, units), scope, unseen, means=means)


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
    return _off_cells(estimate) * np.sqrt(counts / np.maximum(counts - 1, 1))[cells]


def _off_cells(estimate: Estimate) -> Floats:
    """Returns how far each unit's part is from the mean of its cell's."""
    cells = estimate.layout.cells
    means = np.bincount(cells, estimate.parts) / np.maximum(np.bincount(cells), 1)
    return np.asarray(estimate.parts - means[cells], np.float64)


def chance_variance(estimate: Estimate) -> float | None:
    """Returns the variance of one unit's value between seeds of a voice and text; None where each was said once."""
    cells = estimate.layout.cells
    counts = np.bincount(cells)
    freedom = int((counts[counts > 1] - 1).sum())
    if not freedom:
        return None
    shares = estimate.table.shares.ravel()[cells] / counts[cells]  # of each unit, on average over its cell
    values = _off_cells(estimate) / np.where(shares > 0, shares, 1)
    return float((values**2).sum() / freedom)
