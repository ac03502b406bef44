"""Statistics of paired trials: pooled means, and differences whose intervals respect voices and texts.

Utterances of one voice, and of one text, resemble each other, and both are drawn: what that leaves open is told by
`crossed`, from the parts that utterances have in a pooled mean (of a ratio, those of its linearised form: Cochran
1977, 6.3). Intervals are Student's. Those of one sweep hold simultaneously: their level is the one at which the
largest of normal deviates, correlated as the trials are, stays within (as Hothorn, Bretz and Westfall 2008 do with one
variance for all); a bigger grid finds no more false winners. A correlation that was estimated from few voices and
texts is drawn towards 1/2, which differences from one baseline have if nothing else ties them. Coverage is simulated
in tests/analysis/test_crossed.py.

Few clusters can also agree by luck, two voices to the fourth digit, and a spread of nothing is then taken for
certainty. So no standard error is believed below the larger of two: that which the same utterances would have if each
were drawn for itself, and that which chance in single utterances leaves (the metric's `repeatability`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from evalkit.analysis.crossed import Floats, Table, spreads

Unit = tuple[str, str, int]  # voice, probe, seed: what two trials are paired by
Weighted = tuple[float, float]  # value, weight

LEVEL = 0.95
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
    """

    value: float
    low: float | None
    high: float | None
    adjusted_p: float | None
    n_pairs: int

    @property
    def is_told(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def pooled_mean(scores: Sequence[Weighted]) -> float | None:
    """Returns sum(value * weight) / sum(weight), or None for no weight at all."""
    total = sum(weight for _, weight in scores)
    return sum(value * weight for value, weight in scores) / total if total else None


def interval(
    scores: Mapping[Unit, Weighted], bounds: tuple[float, float], *, repeatability: float = 0.0
) -> tuple[float, float] | None:
    """Returns the interval of a pooled mean over voices and probes, within the metric's `bounds`.

    `repeatability` is the metric's: the standard deviation of one utterance's value by chance alone. None if there is
    but one voice and one probe, or no spread to tell it from.
    """
    axes = _Axes.of(scores)
    if not scores or (side := _Side.of(scores, axes)).mean is None:
        return None
    (sure,) = _sure([_Told.of(side.mean, [side], axes, repeatability)])
    if sure is None:  # as with no error in 16 utterances: no spread is no certainty
        return None
    reach = sure.error * float(stdtrit(sure.freedom, (1 + LEVEL) / 2))
    return max(side.mean - reach, bounds[0]), min(side.mean + reach, bounds[1])


def compare(
    baseline: Mapping[Unit, Weighted], trials: Sequence[Mapping[Unit, Weighted]], *, repeatability: float = 0.0
) -> list[Difference | None]:
    """Compares each trial with the baseline on the units both have.

    Args:
        baseline: Score and weight by unit.
        trials: The same of each trial.
        repeatability: Standard deviation of one utterance's score by chance alone; 0: not known.

    Returns:
        A difference per trial, None where trial and baseline share no unit.
    """
    if not baseline:
        return [None for _ in trials]
    axes = _Axes.of(baseline)
    whole = _Side.of(baseline, axes)
    pairs = [_paired(baseline, trial) for trial in trials]
    sides = [(whole if base is baseline else _Side.of(base, axes), _Side.of(own, axes)) for base, own in pairs]
    told = [_difference(base, own, axes, repeatability) for base, own in sides]
    known = [one for one in told if one is not None]
    sure = iter(_sure(known))
    reliable = [None if one is None else next(sure) for one in told]
    largest = _largest([(one.table, each) for one, each in zip(told, reliable, strict=True) if one and each])
    return [
        None if one is None else _placed(one.value, each, len(pair[0]), largest)
        for one, each, pair in zip(told, reliable, pairs, strict=True)
    ]


class _Axes(NamedTuple):
    """The voices and probes of a table, each with its place."""

    voices: Mapping[str, int]
    probes: Mapping[str, int]

    @classmethod
    def of(cls, units: Mapping[Unit, Weighted]) -> "_Axes":
        voices, probes = sorted({unit[0] for unit in units}), sorted({unit[1] for unit in units})
        return cls({name: at for at, name in enumerate(voices)}, {name: at for at, name in enumerate(probes)})


@dataclass(frozen=True, eq=False)
class _Side:
    """The scores of one trial: their pooled mean, and what each unit adds to it, with its share and its cell."""

    mean: float | None
    parts: Floats
    shares: Floats
    cells: NDArray[np.intp]

    @classmethod
    def of(cls, scores: Mapping[Unit, Weighted], axes: _Axes) -> "_Side":
        """Returns the side that scores are; its mean is None where nothing weighs."""
        width = len(axes.probes)
        cells = np.array([axes.voices[voice] * width + axes.probes[probe] for voice, probe, _ in scores], np.intp)
        values, weights = np.array(list(scores.values()), np.float64).reshape(-1, 2).T
        total = weights.sum()
        if not total:
            return cls(None, weights, weights, cells)
        shares = weights / total
        mean = float(shares @ values)
        return cls(mean, shares * (values - mean), shares, cells)


class _Told(NamedTuple):
    """A value with its parts, and the least variance that is believed of it."""

    value: float
    table: Table
    least: float

    @classmethod
    def of(cls, value: float, sides: Sequence[_Side], axes: _Axes, repeatability: float) -> "_Told":
        """Returns what is told of the mean of one side, or of the second's less the first's.

        Chance leaves in it what `repeatability` does in each score, and no less than if each unit, seeds too, were
        drawn for itself: with r their parts, n / (n - 1) * sum(r ** 2).
        """
        parts = sides[-1].parts - sides[0].parts if len(sides) > 1 else sides[0].parts
        shares = np.mean([side.shares for side in sides], axis=0)
        shape = len(axes.voices), len(axes.probes)
        sums = [np.bincount(sides[0].cells, each, shape[0] * shape[1]).reshape(shape) for each in (parts, shares)]
        table = Table(*(np.asarray(one, np.float64) for one in sums))
        repeated = repeatability**2 * sum(float(side.shares @ side.shares) for side in sides)
        units = len(parts) / max(1, len(parts) - 1) * float(parts @ parts)
        return cls(value, table, max(repeated, units))


class _Sure(NamedTuple):
    """A standard error, and its degrees of freedom."""

    error: float
    freedom: float


def _paired(
    baseline: Mapping[Unit, Weighted], trial: Mapping[Unit, Weighted]
) -> tuple[Mapping[Unit, Weighted], Mapping[Unit, Weighted]]:
    """Returns the scores of the units that both have, in the same order."""
    if baseline.keys() == trial.keys():
        return baseline, {unit: trial[unit] for unit in baseline}
    shared = [unit for unit in baseline if unit in trial]
    return {unit: baseline[unit] for unit in shared}, {unit: trial[unit] for unit in shared}


def _difference(base: _Side, own: _Side, axes: _Axes, repeatability: float) -> _Told | None:
    """Returns the difference of two sides; None where one has nothing that weighs."""
    if base.mean is None or own.mean is None:
        return None
    return _Told.of(own.mean - base.mean, [base, own], axes, repeatability)


def _sure(told: Sequence[_Told]) -> list[_Sure | None]:
    """Returns how sure each value is; None where it cannot be told: no spread at all is no evidence of certainty."""
    found: list[_Sure | None] = []
    for one, spread in zip(told, spreads([one.table for one in told]), strict=True):
        if spread.variance**0.5 <= _NOISE_FLOOR or not spread.freedom:
            found.append(None)
        else:
            found.append(_Sure(max(spread.variance, one.least) ** 0.5, spread.freedom))
    return found


def _placed(value: float, sure: _Sure | None, n_pairs: int, largest: Floats) -> Difference:
    if sure is None:
        return Difference(value, None, None, None, n_pairs)
    tail = float(stdtr(sure.freedom, -abs(value) / sure.error))  # of one side
    if len(largest):
        reach = -float(stdtrit(sure.freedom, ndtr(-np.quantile(largest, LEVEL)))) * sure.error
        # + 1: the observed sample is itself one of the draws, so p is never 0 (Davison & Hinkley 1997, 4.2.3)
        p = (1 + int((largest >= -ndtri(tail)).sum())) / (1 + len(largest))
    else:
        reach, p = float(stdtrit(sure.freedom, (1 + LEVEL) / 2)) * sure.error, 2 * tail
    return Difference(value, value - reach, value + reach, p, n_pairs)


def _largest(found: Sequence[tuple[Table, _Sure]]) -> Floats:
    """Returns draws of the largest of normal deviates that are correlated as trials are; none for a single trial."""
    if len(found) < 2:
        return np.empty(0)
    voices = np.array([table.parts.sum(axis=1) for table, _ in found])
    probes = np.array([table.parts.sum(axis=0) for table, _ in found])
    scale = np.sqrt((voices**2).sum(axis=1) + (probes**2).sum(axis=1))
    freedom = float(np.mean([sure.freedom for _, sure in found]))
    trusted = freedom / (freedom + TRUSTED_AT)
    by_voice, by_probe, shared, own = _normal(voices.shape[1], probes.shape[1], len(found))
    tied = np.sqrt(0.5) * (shared + own)
    as_found = (by_voice @ voices.T + by_probe @ probes.T) / np.where(scale > 0, scale, 1)
    deviates = np.where(scale > 0, np.sqrt(trusted) * as_found + np.sqrt(1 - trusted) * tied, tied)
    largest: Floats = np.abs(deviates).max(axis=1)
    return largest


@lru_cache(4)
def _normal(voices: int, probes: int, trials: int) -> tuple[NDArray[np.float64], ...]:
    """Returns normal deviates by voice, by probe, for all trials and by trial; the same ones for the same rows."""
    random = np.random.default_rng(0)
    return tuple(random.normal(size=(DRAWS, count)) for count in (voices, probes, 1, trials))
