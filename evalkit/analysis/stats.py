"""Statistics of paired trials: pooled means, and differences whose intervals respect voices and texts.

Utterances of one voice, and of one text, resemble each other, so both are resampled: the two-way ("pigeonhole")
bootstrap of Owen (2007), which errs towards wider intervals. Trials of one sweep are resampled together, and their
intervals hold simultaneously (studentised maximum, Westfall & Young 1993): a bigger grid finds no more false winners.
A bootstrap over a handful of clusters is too sure of itself, so spreads are widened as a t interval would be; the
coverage that this gives is measured in tests/analysis/test_stats.py.

Few clusters can also agree by luck, two voices to the fourth digit, and a spread of nothing is then taken for
certainty. So no standard error is believed below the larger of two: that which the same utterances would have if each
were a cluster of its own, and that which chance in single utterances leaves (the metric's `repeatability`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
Unit = tuple[str, str, int]  # voice, probe, seed: what two trials are paired by
Weighted = tuple[float, float]  # value, weight

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
    scores: Mapping[Unit, Weighted],
    bounds: tuple[float, float],
    *,
    repeatability: float = 0.0,
    level: float = 0.95,
    draws: int = 2000,
) -> tuple[float, float] | None:
    """Returns the interval of a pooled mean, voices and probes resampled, within the metric's `bounds`.

    `repeatability` is the metric's: the standard deviation of one utterance's value by chance alone. None if there is
    but one voice and one probe, or no spread to tell it from.
    """
    mean = pooled_mean(list(scores.values()))
    if mean is None:
        return None
    sampler = _Sampler.over(list(scores), draws)
    if not sampler.is_free:
        return None
    means = sampler.means(scores)
    error = float(np.nanstd(means))
    if error <= _NOISE_FLOOR:  # as with no error in 16 utterances: no spread is no certainty
        return None
    means = _no_surer(means, error, _least_error([scores], repeatability), 0)
    low, high = np.nanquantile(means, [(1 - level) / 2, (1 + level) / 2])
    widening = sampler.widening(level)
    low, high = mean - widening * (mean - low), mean + widening * (high - mean)
    return max(float(low), bounds[0]), min(float(high), bounds[1])


def compare(
    baseline: Mapping[Unit, Weighted],
    trials: Sequence[Mapping[Unit, Weighted]],
    *,
    repeatability: float = 0.0,
    level: float = 0.95,
    draws: int = 2000,
) -> list[Difference | None]:
    """Compares each trial with the baseline on the units both have.

    Args:
        baseline: Score and weight by unit.
        trials: The same of each trial.
        repeatability: Standard deviation of one utterance's score by chance alone; 0: not known.
        level: Probability that all intervals hold at once.
        draws: Bootstrap draws; the seed is fixed, so the same rows give the same intervals.

    Returns:
        A difference per trial, None where trial and baseline share no unit.
    """
    if not baseline:
        return [None for _ in trials]
    sampler = _Sampler.over(list(baseline), draws)
    observed = [_paired(baseline, trial) for trial in trials]
    deviations = [
        sampler.means(part) - sampler.means(base_part) - value if part else np.full(draws, np.nan)
        for base_part, part, value in observed
    ]
    errors = [float(np.nanstd(row)) if np.isfinite(row).any() else 0.0 for row in deviations]
    least = [_least_error([part, base_part], repeatability) for base_part, part, _ in observed]
    deviations = [_no_surer(*each) for each in zip(deviations, errors, least, range(len(trials)), strict=True)]
    errors = [max(error, floor) if error > _NOISE_FLOOR else 0.0 for error, floor in zip(errors, least, strict=True)]
    largest = _largest_studentised(deviations, errors)
    results: list[Difference | None] = []
    for (_, part, value), error in zip(observed, errors, strict=True):
        if not part:
            results.append(None)
        elif not (shared := _Sampler.over(list(part), 1)).is_free:
            results.append(Difference(value, None, None, None, len(part)))
        else:  # the clusters that count are those of the pairs, not all that the baseline has
            results.append(_difference(len(part), value, error * shared.widening(level), largest, level))
    return results


def _paired(
    baseline: Mapping[Unit, Weighted], trial: Mapping[Unit, Weighted]
) -> tuple[Mapping[Unit, Weighted], Mapping[Unit, Weighted], float]:
    base_part, trial_part = baseline, trial
    if baseline.keys() != trial.keys():
        base_part = {unit: score for unit, score in baseline.items() if unit in trial}
        trial_part = {unit: trial[unit] for unit in base_part}
    base_mean, trial_mean = pooled_mean(list(base_part.values())), pooled_mean(list(trial_part.values()))
    if base_mean is None or trial_mean is None:
        return {}, {}, 0.0
    return base_part, trial_part, trial_mean - base_mean


def _least_error(sides: Sequence[Mapping[Unit, Weighted]], repeatability: float) -> float:
    """Returns the standard error below which that of a mean, or of a difference of two, is luck.

    With r the part of each unit in the (linearised) mean or difference, it is sqrt(n / (n - 1) * sum(r ** 2)), as if
    each unit were a cluster of its own, or, if that is larger, what a standard deviation of `repeatability` in each
    score leaves in the pooled means.
    """
    parts, chance = np.zeros(len(sides[0])), 0.0
    for sign, side in zip((1, -1), sides, strict=False):
        values, weights = np.array(list(side.values()), np.float64).reshape(-1, 2).T
        shares = weights / weights.sum() if weights.any() else weights
        parts += sign * shares * (values - shares @ values)
        chance += repeatability**2 * float(shares @ shares)
    units = len(parts) / max(1, len(parts) - 1) * float(parts @ parts)
    return float(max(units, chance) ** 0.5)


def _no_surer(draws: Floats, error: float, least: float, seed: int) -> Floats:
    """Returns draws whose standard deviation `error` is brought up to `least` by noise; those that never vary as is."""
    if error <= _NOISE_FLOOR or error >= least:
        return draws
    noise: Floats = np.random.default_rng([1, seed]).normal(0.0, (least**2 - error**2) ** 0.5, len(draws))
    return draws + noise


def _largest_studentised(deviations: Sequence[Floats], errors: Sequence[float]) -> Floats:
    """Returns, per draw, the largest |deviation| / error over the trials that vary: empty if none does."""
    studentised = [np.abs(row) / error for row, error in zip(deviations, errors, strict=True) if error > _NOISE_FLOOR]
    if not studentised:
        return np.empty(0)
    largest: Floats = np.fmax.reduce(studentised)  # passes over draws in which a trial has no weight
    return largest[np.isfinite(largest)]


def _difference(n_pairs: int, value: float, error: float, largest: Floats, level: float) -> Difference:
    if error <= _NOISE_FLOOR:  # no spread at all is no evidence of certainty: nothing can be told
        return Difference(value, None, None, None, n_pairs)
    reach = float(np.quantile(largest, level)) * error
    # + 1: the observed sample is itself one of the draws, so p is never 0 (Davison & Hinkley 1997, 4.2.3)
    p = (1 + int((largest >= abs(value) / error).sum())) / (1 + len(largest))
    return Difference(value, value - reach, value + reach, p, n_pairs)


@dataclass(frozen=True, eq=False)
class _Sampler:
    """Bootstrap draws of voices and probes: how often each was drawn, shapes (draws, voices) and (draws, probes)."""

    voices: dict[str, int]
    probes: dict[str, int]
    voice_counts: Floats
    probe_counts: Floats

    @classmethod
    def over(cls, units: Sequence[Unit], draws: int) -> "_Sampler":
        voices = {name: index for index, name in enumerate(sorted({unit[0] for unit in units}))}
        probes = {name: index for index, name in enumerate(sorted({unit[1] for unit in units}))}
        return cls(voices, probes, *_draws(len(voices), len(probes), draws))

    @property
    def is_free(self) -> bool:
        """Whether there is anything to resample: more than one voice or more than one probe."""
        return max(len(self.voices), len(self.probes)) > 1

    def widening(self, level: float) -> float:
        """Returns what a spread over few clusters is multiplied by: sqrt(g / (g - 1)) * t(g - 1) / z.

        g is the smaller number of clusters that is not 1: the square root undoes the bootstrap's bias, the quotient
        of Student's and the normal quantile accounts for a spread that was itself estimated from g values.
        """
        clusters = min(n for n in (len(self.voices), len(self.probes)) if n > 1)
        quantile = (1 + level) / 2
        student = float(stdtrit(clusters - 1, quantile) / stdtrit(np.inf, quantile))
        return float(np.sqrt(clusters / (clusters - 1))) * student

    def means(self, scores: Mapping[Unit, Weighted]) -> Floats:
        """Returns the pooled mean of each draw, shape (draws,); NaN where a draw has no weight."""
        width = len(self.probes)
        cells = np.array([self.voices[voice] * width + self.probes[probe] for voice, probe, _ in scores], np.intp)
        values, weights = np.array([*scores.values()]).reshape(-1, 2).T
        drawn_totals, drawn_weights = self._drawn(cells, values * weights), self._drawn(cells, weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            means: Floats = drawn_totals / drawn_weights
        return means

    def _drawn(self, cells: NDArray[np.intp], amounts: Floats) -> Floats:
        """Returns the sum of each draw, given what lies in which cell of voice and probe."""
        shape = len(self.voices), len(self.probes)
        sums = np.bincount(cells, amounts, minlength=shape[0] * shape[1]).reshape(shape)
        if np.ptp(sums) == 0:  # as of weights that are all 1: then all draws are alike
            return np.full(len(self.voice_counts), sums.sum())
        drawn: Floats = np.einsum("dp,dp->d", self.voice_counts @ sums, self.probe_counts)
        return drawn


@lru_cache(4)
def _draws(voices: int, probes: int, draws: int) -> tuple[Floats, Floats]:
    """Returns the counts of draws; with the seed fixed they are the same for all metrics of a report."""
    random = np.random.default_rng(0)
    return _counts(random, voices, draws), _counts(random, probes, draws)


def _counts(random: np.random.Generator, n: int, draws: int) -> Floats:
    return random.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)
