"""Variances clustered by several factors at once, against tables worked out by hand, and against simulated truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, norm

from evalkit.analysis.ears import _tau, _within
from evalkit.analysis.multiway import FEWEST, Pairs, codes, mean_interval, spread_of


def spread(values, **factors):
    """Of a mean."""
    values = np.array(values, float)
    pairs = {name: codes(names) for name, names in factors.items()}
    parts = (values - values.mean()) / len(values)

    def summed(factor):
        from evalkit.analysis.multiway import _summed

        return _summed(parts, factor)

    return spread_of(summed, pairs)


def test_codes_count_from_nought_in_their_order():
    assert codes(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]


def test_a_cluster_for_every_vote_is_the_plain_error_of_a_mean():
    found = spread([1, 0, 0, 1, 1, 0], listener=range(6))
    assert found.variance == pytest.approx(np.var([1, 0, 0, 1, 1, 0], ddof=1) / 6)
    assert found.freedom == pytest.approx(5)


def test_one_factor_by_hand():
    """Listeners 0, 0 | 2, 2 | 4, 4, mean 2: sums of parts -4/6, 0, 4/6; 2 * (4/6)^2 * 3/2 = 4/3: the variance of three
    values 0, 2, 4 is 4, over three."""
    found = spread([0, 0, 2, 2, 4, 4], listener=[0, 0, 1, 1, 2, 2])
    assert found.variance == pytest.approx(4 / 3)
    assert found.freedom == pytest.approx(2)


def test_two_crossed_factors_by_hand():
    """Two listeners that add -1, 1 and two voices that add -2, 2, each pair once.

    Sums of parts: by listener +-1/2, so 2 * 1/4 * 2 = 1; by voice +-1: 4; by both +-3/4, +-1/4: 5/4 * 4/3 = 5/3.
    """
    found = spread([-3, 1, -1, 3], listener=[0, 0, 1, 1], voice=[0, 1, 0, 1])
    assert found.variance == pytest.approx(max(1 + 4 - 5 / 3, 4))
    assert found.freedom == pytest.approx(16 / (1 / 1 + 16 / 1), abs=1) == 1


def test_what_factors_take_from_each_other_never_leaves_less_than_one_of_them():
    """Listeners and voices that cancel: what both share is more than the two together."""
    values = [1, -1, -1, 1]
    found = spread(values, listener=[0, 0, 1, 1], voice=[0, 1, 0, 1])
    assert found.variance == pytest.approx(np.var(values, ddof=1) / 4)


def test_a_factor_with_one_cluster_is_left_out_and_with_none_nothing_is_told():
    assert spread([1, 0, 1], listener=["a"] * 3, voice=["b"] * 3) is None
    alone = spread([1, 0, 1, 0], listener=["a"] * 4, voice=[0, 1, 2, 3])
    assert alone.variance == pytest.approx(spread([1, 0, 1, 0], voice=[0, 1, 2, 3]).variance)


def test_all_alike_is_no_certainty():
    """Ten of ten for one side: as eleven of twelve, (11/12 * 1/12) / 12, with 9 degrees of freedom: Student's 2.262."""
    found = mean_interval(np.ones(10), {"listener": np.arange(10)}, (0, 1))
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(1 - 2.262157 * (11 / 144 / 12) ** 0.5, abs=1e-4)


def test_few_votes_have_no_interval():
    found = mean_interval(np.array([1.0, 0.0] * 3 + [1.0]), {"listener": np.arange(7)}, (0, 1))
    assert found.n == FEWEST - 1
    assert (found.low, found.high) == (None, None)


@given(st.lists(st.integers(1, 5), min_size=8, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_votes_does_not_matter_and_ends_hold(marks, random):
    listeners, voices = [at % 3 for at in range(len(marks))], [at % 4 for at in range(len(marks))]
    places = list(range(len(marks)))
    random.shuffle(places)

    def found(order):
        factors = {"listener": codes([listeners[at] for at in order]), "voice": codes([voices[at] for at in order])}
        return mean_interval(np.array([float(marks[at]) for at in order]), factors, (1, 5))

    one, other = found(range(len(marks))), found(places)
    assert one.value == pytest.approx(other.value)
    assert (one.low, one.high) == (pytest.approx(other.low), pytest.approx(other.high))
    assert 1 <= one.low <= one.value <= one.high <= 5


def taus(marks, scores, **factors):
    factors = {name: codes(names) for name, names in factors.items()}
    first, second = _within(factors["listener"])
    ears, metric = (np.sign(np.array(one)[first] - np.array(one)[second]) for one in (marks, scores))
    return Pairs(first, second, np.stack([ears * metric, ears**2, metric**2]), _tau)


def test_pairs_of_one_listener_give_kendalls_tau_b():
    random = np.random.default_rng(1)
    marks, scores = random.integers(1, 6, 40).astype(float), random.normal(size=40).round(1)
    assert taus(marks, scores, listener=["a"] * 40).whole == pytest.approx(kendalltau(marks, scores).statistic)


def test_leaving_out_a_cluster_is_reckoned_as_if_it_were_not_there():
    random = np.random.default_rng(2)
    marks, scores, voices = random.integers(1, 6, 30).astype(float), random.normal(size=30), np.arange(30) % 3
    left = [kendalltau(marks[voices != at], scores[voices != at]).statistic for at in range(3)]
    found = taus(marks, scores, listener=["a"] * 30).one_way(voices)
    assert found.variance == pytest.approx(np.sum((left - np.mean(left)) ** 2) * 2 / 3)
    assert found.freedom == 2


SIZES = {"voices": (6, 4, 6), "listeners": (4, 6, 5), "sounds": (8, 3, 7)}


@pytest.mark.parametrize(("name", "spreads"), [
    ("voices", (0.0, 0.7, 0.0, 0.0)), ("listeners", (0.7, 0.0, 0.0, 0.0)), ("sounds", (0.3, 0.3, 0.3, 0.6)),
])  # fmt: skip
def test_intervals_hold_the_truth_as_often_as_they_say(name, spreads):
    """250 tests each of preferences between two trials, 95 % nominal; 0.91 leaves room for the draw."""
    listeners, voices, probes = SIZES[name]
    of_listener, of_voice, of_probe, of_sound = spreads
    random, tie = np.random.default_rng(3), 0.2
    whole = (1 + sum(one**2 for one in spreads)) ** 0.5
    truth = (norm.cdf((0.4 - tie) / whole) + norm.cdf((0.4 + tie) / whole)) / 2
    grid = np.array([(a, b, c) for a in range(listeners) for b in range(voices) for c in range(probes)]).T
    held = 0
    for _ in range(250):
        keeps = random.random(grid.shape[1]) < 0.7
        listener, voice, probe = grid[:, keeps]
        heard = 0.4 + random.normal(size=len(listener))
        heard += of_listener * random.normal(size=listeners)[listener] + of_voice * random.normal(size=voices)[voice]
        heard += of_probe * random.normal(size=probes)[probe]
        heard += of_sound * random.normal(size=(voices, probes))[voice, probe]
        votes = np.where(heard > tie, 1.0, np.where(heard < -tie, 0.0, 0.5))
        found = mean_interval(votes, {"listener": listener, "voice": voice, "probe": probe}, (0, 1))
        held += found.low <= truth <= found.high
    assert held / 250 >= 0.91
