"""Crossed random effects against tables worked out by hand, and against simulated truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evalkit.analysis.crossed import Table, of_panel, spreads, variances
from evalkit.commands.bench_statistics import Case, measured


def table(values, shares=None):
    """The parts that cells have in the mean of `values`, each of the same share if none are given."""
    values = np.array(values, np.float64)
    shares = np.full(values.shape, 1 / values.size) if shares is None else np.array(shares) / np.sum(shares)
    return Table(shares * (values - (shares * values).sum()), shares)


def spread(values, shares=None):
    (found,) = spreads([table(values, shares)])
    return found


# Voices 0 and 6, probes 0 and 6 on top of it, and a rest of +-1: the mean squares of 2 x 2 values are by hand.
BOTH = [[0 + 1, 6 - 1], [6 - 1, 12 + 1]]


def test_voices_and_probes_that_count_by_hand():
    """Mean 6. By voice 3 and 9: mean square 2 * 18 = 36; by probe too; the rest 4 * 1 = 4. (36 + 36 - 4) / 4."""
    found = spread(BOTH)
    assert found.variance == pytest.approx((36 + 36 - 4) / 4)
    assert found.freedom == pytest.approx(68**2 / (36**2 + 36**2 + 4**2))


def test_one_factor_that_counts_by_hand():
    """Voices 0, 8 and 16, no probes, a rest of 1, -1: mean square of voices 2 * 128 / 2 = 128, of the others' pool 2.

    Squares beside the voices': 6 values of 1, so 6 over 3 degrees of freedom. Variance 128 / 6, of 2 degrees.
    """
    found = spread([[1, -1], [7, 9], [17, 15]])
    assert found.variance == pytest.approx(128 / 6)
    assert found.freedom == pytest.approx(2)


def test_nothing_but_chance_is_one_pool():
    """A rest of +-1 that neither voices nor probes explain: 4 squares of 1 over 3 degrees of freedom, 4 values."""
    found = spread([[1, -1], [-1, 1]])
    assert (found.variance, found.freedom) == (pytest.approx(4 / 3 / 4), pytest.approx(3))


@pytest.mark.parametrize("values", [[[1, 2, 4, 9]], [[1], [2], [4], [9]]])
def test_one_voice_or_one_probe_is_the_plain_error_of_a_mean(values):
    found = spread(values)
    assert found.variance == pytest.approx(np.var([1, 2, 4, 9], ddof=1) / 4)
    assert found.freedom == pytest.approx(3)


def test_voices_that_each_have_their_own_text_are_as_many_values():
    found = spread(np.diag([1.0, 2, 4, 9]), np.eye(4))
    assert found.variance == pytest.approx(np.var([1, 2, 4, 9], ddof=1) / 4)
    assert found.freedom == pytest.approx(3)


def test_a_single_cell_tells_nothing():
    assert spread([[3.0]]).freedom == 0


def test_a_factor_is_judged_over_all_trials():
    """By itself the second table's voices differ by less than its rest; with fifteen like the first they count."""
    weak = [[0.0, 3.0], [3.5, 0.5]]
    alone, *_ = spreads([table(weak)])
    *_, among = spreads([*[table(BOTH)] * 15, table(weak)])
    assert alone.freedom == pytest.approx(3)
    assert among.freedom < 3


@given(arrays(np.float64, (4, 3), elements=st.floats(-1, 1, width=32)), st.permutations(range(4)), st.floats(0.5, 8))
def test_order_does_not_matter_and_scale_is_squared(values, order, scale):
    one, other, larger = spread(values), spread(values[list(order)]), spread(scale * values)
    assert other.variance == pytest.approx(one.variance, abs=1e-12)
    assert larger.variance == pytest.approx(scale**2 * one.variance, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_any_layout_however_full_of_holes_has_a_variance(seed):
    random = np.random.default_rng(seed)
    for _ in range(200):
        voices, probes = random.integers(1, 7, 2)
        shares = random.random((voices, probes)) * (random.random((voices, probes)) < random.uniform(0.15, 1))
        shares[0, 0] += 0.1
        values = random.normal(size=(voices, probes))
        for found in (spread(values, shares), of_panel(table(values, shares))):
            assert np.isfinite([found.variance, found.freedom]).all()
            assert min(found.variance, found.freedom) >= 0


def test_of_a_panel_only_the_rest_counts():
    """`BOTH` has a rest of +-1: mean square 4, of four values."""
    found = of_panel(table(BOTH))
    assert (found.variance, found.freedom) == (pytest.approx(4 / 4), pytest.approx(1))


def test_variances_by_hand():
    """`BOTH`: mean squares 36 by voice and by probe, 4 of the rest; two of each: (36 - 4) / 2."""
    found = variances(table(BOTH))
    assert (found.voice, found.probe, found.rest) == pytest.approx((16, 16, 4))
    assert variances(table([[1, 2, 4, 9]])) is None


def test_the_variance_is_right_on_average_where_cells_are_missing_and_weigh_differently():
    """Over 4,000 tables with holes: the mean of the variances is that of the means, within 5 %."""
    random = np.random.default_rng(0)
    shares = random.uniform(1, 3, (6, 5)) * (random.random((6, 5)) > 0.3)
    shares /= shares.sum()
    means, variances = [], []
    for _ in range(4000):
        values = 2 * random.normal(size=(6, 1)) + 2 * random.normal(size=(1, 5)) + random.normal(size=(6, 5))
        means.append((shares * values).sum())
        variances.append(spread(values, shares).variance)
    assert np.mean(variances) == pytest.approx(np.var(means), rel=0.05)


@pytest.mark.parametrize(
    "case",
    [
        Case(4, 4, (0.5, 0.5, 1)),
        Case(8, 8, (0.5, 0.5, 0.5), rest="words"),
        Case(6, 8, (0.5, 0.3, 1), missing=0.3),
        Case(4, 4, (1, 0.3, 0.3), trials=5),
        Case(10, 10, (1, 0.3, 0.3), trials=30),
    ],
    ids=lambda case: case.name,
)
def test_intervals_hold_the_truth_as_often_as_they_say(case):
    # 95 % promised; 200 runs put the measured share within 3 standard errors (4.6 points) of it
    assert measured(case, 200).coverage >= 0.95 - 0.046


def test_an_interval_is_narrower_than_the_plain_one_where_voices_and_texts_do_not_count():
    found = measured(Case(4, 4, (0, 0, 1)), 200)
    assert found.width < 0.7 * found.plain_width
