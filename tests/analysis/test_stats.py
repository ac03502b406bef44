"""Statistics against numbers that can be checked by hand, and against simulated truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.analysis import stats
from evalkit.analysis.estimates import Chance, mean, pooled_mean
from evalkit.analysis.scores import Layout, Scores


def compare(baseline: dict, trials: list[dict], repeatability: float = 0.0, **rule) -> list:
    """Compares trials that are told unit by unit."""
    return stats.compare(Scores.of([baseline, *trials]), 0, Chance(repeatability), **rule)


def interval(scores: dict, bounds: tuple[float, float]) -> tuple[float, float] | None:
    estimate = mean(Scores.of([scores]), 0)
    return None if estimate is None else stats.interval(estimate, bounds)


def grid(values: np.ndarray, weight: float = 1.0) -> dict:
    """Turns an array of shape (voices, probes) into scores by unit."""
    return {(f"v{i}", f"p{j}", 0): (float(value), weight) for (i, j), value in np.ndenumerate(values)}


def test_pooled_mean_is_total_over_total():
    # 1 error in 4 words, 4 errors in 10 words: 5 / 14, not the mean of 1/4 and 4/10
    assert pooled_mean([(1 / 4, 4), (4 / 10, 10)]) == pytest.approx(5 / 14)
    assert pooled_mean([]) is None


def test_a_difference_is_taken_over_pairs_only():
    baseline = {("a", "p", 0): (0.5, 1.0), ("a", "q", 0): (0.7, 1.0), ("b", "p", 0): (0.1, 1.0)}
    trial = {("a", "p", 0): (0.6, 1.0), ("a", "q", 0): (1.0, 1.0), ("c", "p", 0): (9.0, 1.0)}
    (told,) = compare(baseline, [trial])
    assert (told.value, told.n_pairs) == (pytest.approx((0.6 + 1.0) / 2 - (0.5 + 0.7) / 2), 2)


@pytest.mark.parametrize("by", [0.0, 0.25])
def test_no_spread_is_no_certainty(by):
    """One voice with one more error in each of two probes is no proof; nor is no error in twelve utterances."""
    scores = grid(np.arange(12.0).reshape(3, 4))
    (told,) = compare(scores, [{unit: (value + by, weight) for unit, (value, weight) in scores.items()}])
    assert (told.value, told.low, told.high, told.adjusted_p) == (pytest.approx(by), None, None, None)
    assert interval(grid(np.zeros((3, 4))), (0.0, 1.0)) is None


def test_a_single_utterance_tells_nothing():
    scores = {("a", "p", 0): (1.0, 1.0)}
    (told,) = compare(dict.fromkeys(scores, (0.0, 1.0)), [scores])
    assert (told.low, told.high, told.adjusted_p, told.is_told) == (None, None, None, False)
    assert interval(scores, (-np.inf, np.inf)) is None


def test_seeds_of_one_voice_and_one_probe_tell_of_these_two_alone():
    """Nine seeds, 0 to 8: mean 4, variance 7.5, so a standard error of sqrt(7.5 / 9) with 8 degrees of freedom."""
    scores = {("a", "p", seed): (float(seed), 1.0) for seed in range(9)}
    (told,) = compare(dict.fromkeys(scores, (0.0, 1.0)), [scores])
    assert (told.value, told.scope) == (4.0, "panel")
    assert told.high - told.value == pytest.approx(2.306 * (7.5 / 9) ** 0.5, rel=1e-3)


def test_no_shared_unit_is_no_comparison():
    assert compare({("a", "p", 0): (1.0, 1.0)}, [{("b", "p", 0): (1.0, 1.0)}, {}]) == [None, None]
    assert compare({}, [{("b", "p", 0): (1.0, 1.0)}, {}]) == [None, None]
    assert interval({}, (0.0, 1.0)) is None


def test_an_interval_stays_within_the_metrics_bounds():
    values = np.array([[0.0, 0.0, 0.9], [0.0, 0.1, 0.0]])
    assert interval(grid(values), (0.0, 1.0))[0] == 0.0
    assert interval(grid(values), (-np.inf, np.inf))[0] < 0.0


def simulate(voices: int, probes: int, spread: tuple[float, float, float], trials: int, runs: int = 200) -> float:
    """Returns the share of runs in which all intervals hold the truth, 0."""
    random = np.random.default_rng(7)
    held = 0
    for _ in range(runs):
        effects = [
            random.normal(0, spread[0], (voices, 1))
            + random.normal(0, spread[1], (1, probes))
            + random.normal(0, spread[2], (voices, probes))
            for _ in range(trials)
        ]
        told = compare(grid(np.zeros((voices, probes))), [grid(effect) for effect in effects])
        held += all(difference.low <= 0 <= difference.high for difference in told)
    return held / runs


@pytest.mark.parametrize(
    ("voices", "probes", "spread", "trials"),
    [
        (4, 4, (1.0, 0.0, 0.3), 1),  # voices differ most: the hard case, four clusters only
        (4, 4, (0.5, 0.5, 1.0), 5),
        (2, 6, (1.0, 1.0, 0.3), 1),
        (10, 10, (1.0, 0.0, 0.3), 1),
        (20, 30, (0.5, 0.5, 1.0), 5),
    ],
)
def test_intervals_hold_the_truth_as_often_as_they_say(voices, probes, spread, trials):
    # 95 % promised; 200 runs put the measured share within 3 standard errors (4.6 points) of it
    assert simulate(voices, probes, spread, trials) >= 0.95 - 0.046


def test_intervals_stay_honest_where_a_trial_lost_voices():
    """Of eight voices only two were scored in the trial: what counts is two."""
    random = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        effect = random.normal(0, 1.0, (2, 1)) + random.normal(0, 0.3, (2, 4))
        (told,) = compare(grid(np.zeros((8, 4))), [grid(effect)])
        held += told.low <= 0 <= told.high
    assert held / 200 >= 0.95 - 0.046


def test_a_real_effect_is_found():
    random = np.random.default_rng(3)
    baseline = random.normal(0.5, 0.05, (6, 8))
    (none, some) = compare(
        grid(baseline),
        [grid(baseline + random.normal(0, 0.02, (6, 8))), grid(baseline + random.normal(0.05, 0.02, (6, 8)))],
    )
    assert not none.is_told
    assert none.adjusted_p > 0.05
    assert some.is_told
    assert some.adjusted_p < 0.05


@given(st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=6, max_size=6), st.floats(-2, 2))
def test_intervals_shift_with_the_data(values, shift):
    table = np.array(values).reshape(2, 3)
    zeros = grid(np.zeros((2, 3)))
    one, other = compare(zeros, [grid(table)])[0], compare(zeros, [grid(table + shift)])[0]
    assert other.value == pytest.approx(one.value + shift, abs=1e-9)
    if np.ptp(table) > 1e-6:
        assert one.low is not None
        assert other.low is not None
    if one.low is not None and other.low is not None:
        assert other.low == pytest.approx(one.low + shift, abs=1e-6)
        assert other.high == pytest.approx(one.high + shift, abs=1e-6)


def twos(random: np.random.Generator, spread: float, runs: int) -> np.ndarray:
    """Differences of two voices in one text without any true difference, shape (runs, 2), the most alike first."""
    drawn = random.normal(0, spread, (runs, 2))
    return drawn[np.argsort(np.abs(drawn[:, 0] - drawn[:, 1]))]


def told_of(pair: np.ndarray, **rule):
    scores = grid(pair.reshape(2, 1))
    (told,) = compare(dict.fromkeys(scores, (0.0, 1.0)), [scores], **rule)
    return told


def test_two_voices_that_agree_by_luck_prove_nothing():
    """Each score varies by 0.035 by chance, a difference of two by sqrt(2) times that; 2000 draws of two voices.

    The luckiest 40 pairs agree to 0.001 or better. Their spread alone tells a difference in most of them.
    """
    lucky = twos(np.random.default_rng(5), 0.035 * 2**0.5, 2000)[:40]
    assert np.abs(lucky[:, 0] - lucky[:, 1]).max() < 0.002
    assert sum(told_of(pair).is_told for pair in lucky) > 30
    assert sum(told_of(pair, repeatability=0.035).is_told for pair in lucky) == 0


def test_a_certain_difference_of_two_that_agree_is_what_repeating_allows():
    """0.05 in one voice and 0.05006 in another: 6e-5 apart, and was told at p = 1 / 2001.

    Repeated, each mean of two varies by 0.035 / sqrt(2), their difference by 0.035; of two voices 95 % lie within 12.7
    times that (Student's t of one degree of freedom).
    """
    pair = np.array([0.05, 0.05006])
    assert told_of(pair).is_told
    told = told_of(pair, repeatability=0.035)
    assert not told.is_told
    assert told.high - told.value == pytest.approx(0.035 * 12.706, rel=1e-3)
    t = 0.05003 / 0.035  # of one degree of freedom: Cauchy's distribution
    assert told.adjusted_p == pytest.approx(1 - 2 * np.arctan(t) / np.pi)  # 0.39


def test_seeds_that_differ_keep_two_voices_from_being_certain():
    """One text, two voices, four seeds each: the voices' means agree, but no seed comes near another.

    Of these two and this text: within a voice the variance is (2 * 0.25 ** 2 + 2 * 0.2 ** 2) / 3 = 0.0683, of the mean
    of eight an eighth of that, with 3 + 3 degrees of freedom.
    """
    seeds = np.array([0.3, -0.2, 0.25, -0.15])  # mean 0.05
    scores = {(voice, "p", at): (value, 1.0) for voice in "ab" for at, value in enumerate(seeds)}
    scores["b", "p", 0] = (0.3001, 1.0)
    (told,) = compare(dict.fromkeys(scores, (0.0, 1.0)), [scores])
    assert not told.is_told
    assert told.scope == "panel"
    assert told.high - told.value == pytest.approx((0.0683 / 8) ** 0.5 * 2.447, rel=1e-3)


def test_a_panel_does_not_count_what_voices_and_texts_do():
    """Voices that differ by 10 and texts by 1, a rest of +-1: mean square of the rest 6 * 1 / 2, of 6 values."""
    table = np.array([[0.0, 1.0], [10.0, 11.0], [20.0, 21.0]]) + np.array([[1, -1], [-1, 1], [0, 0]])
    zeros = grid(np.zeros((3, 2)))
    ((panel,), (population,)) = (compare(zeros, [grid(table)], scope=scope) for scope in ("panel", "population"))
    assert panel.high - panel.value == pytest.approx(4.303 * (4 / 2 / 6) ** 0.5, rel=1e-3)
    assert (panel.scope, population.scope) == ("panel", "population")
    assert population.high - population.value > 10


def test_seeds_that_change_nothing_are_as_one():
    table = np.random.default_rng(1).normal(size=(3, 4))
    once, twice = (
        {
            (f"v{i}", f"p{j}", seed): (float(value), 1.0)
            for (i, j), value in np.ndenumerate(table)
            for seed in range(count)
        }
        for count in (1, 2)
    )
    ends = [
        (told.low, told.high)
        for scores in (once, twice)
        for told in compare(dict.fromkeys(scores, (0.0, 1.0)), [scores], scope="panel")
    ]
    assert ends[0] == pytest.approx(ends[1])


@pytest.mark.parametrize("table", [np.arange(4.0).reshape(1, 4), np.arange(4.0).reshape(4, 1)])
def test_one_voice_or_one_text_is_a_panel_whatever_is_asked(table):
    (told,) = compare(grid(np.zeros(table.shape)), [grid(table)], scope="population")
    assert told.scope == "panel"


def test_no_failure_in_a_panel_leaves_one_that_was_not_seen():
    """Twelve utterances, none failed: a standard error of 1 / 14, of eleven degrees; by words too."""
    none = grid(np.zeros((3, 4)))
    (told,) = stats.compare(Scores.of([none, none]), 0, Chance(counts=True), "panel")
    assert (told.value, told.high) == (0.0, pytest.approx(2.201 / 14, rel=1e-3))
    words = grid(np.zeros((3, 4)), weight=10.0)
    (told,) = stats.compare(Scores.of([words, words]), 0, Chance(counts=True), "panel")
    assert told.high == pytest.approx(2.201 / 122, rel=1e-3)


@pytest.mark.parametrize(("voices", "probes", "trials"), [(2, 1, 1), (2, 7, 1), (4, 4, 5)])
def test_intervals_with_a_known_repeatability_hold_the_truth(voices, probes, trials):
    """Scores that vary by chance alone, as much as the metric is known to."""
    random = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        base = random.normal(0.5, 0.035, (voices, probes))
        others = [random.normal(0.5, 0.035, (voices, probes)) for _ in range(trials)]
        told = compare(grid(base), [grid(other) for other in others], repeatability=0.035)
        held += all(one.low <= 0 <= one.high for one in told)
    assert held / 200 >= 0.95 - 0.046


def test_a_spread_beyond_chance_is_left_as_it_is():
    table = np.random.default_rng(2).normal(0.1, 0.5, (6, 8))
    zeros = grid(np.zeros((6, 8)))
    assert compare(zeros, [grid(table)]) == compare(zeros, [grid(table)], repeatability=0.035)


def test_a_linearised_interval_is_that_of_a_brute_force_bootstrap():
    """Pooled errors of 300 voices in 200 texts of 5 to 20 words, whose voices and texts differ much.

    10,000 times voices and texts are drawn again; between the ends of 95 % of the drawn differences and ours lie less
    than 2 % of the width (0.4 % and 1.0 % here). Of so many, the rest counts for little, which such a bootstrap counts
    three times.
    """
    random, shape = np.random.default_rng(8), (300, 200)
    words = np.broadcast_to(np.linspace(5, 20, shape[1]).round(), shape)
    rates = [
        np.exp(random.normal(-3, 0.5, (shape[0], 1)) + random.normal(0, 0.4, (1, shape[1]))).clip(0, 1)
        for _ in range(2)
    ]
    errors = [random.binomial(words.astype(int), rate).astype(float) for rate in rates]
    units = [(f"v{i:03}", f"p{j:03}", 0) for i in range(shape[0]) for j in range(shape[1])]
    scores = Scores(
        Layout.of(units), np.array([(one / words).ravel() for one in errors]), np.tile(words.ravel(), (2, 1))
    )
    (told,) = stats.compare(scores)
    by_voice = random.multinomial(shape[0], np.full(shape[0], 1 / shape[0]), 10_000).astype(float)
    by_text = random.multinomial(shape[1], np.full(shape[1], 1 / shape[1]), 10_000).astype(float)
    totals = [((by_voice @ table) * by_text).sum(axis=1) for table in (*errors, words)]
    low, high = np.quantile((totals[1] - totals[0]) / totals[2], [0.025, 0.975])
    assert told.low == pytest.approx(low, abs=0.02 * (high - low))
    assert told.high == pytest.approx(high, abs=0.02 * (high - low))
