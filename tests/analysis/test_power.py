"""How small a difference a size can tell: by hand, and by simulation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit

from evalkit.analysis.power import Size, curve, needs, smallest, spreads_in
from evalkit.analysis.scores import Scores
from evalkit.analysis.stats import compare
from evalkit.record import Comparison, Provenance, Report, Spreads

VOICES = Spreads(voice=0.1, probe=0.0, rest=0.0)


def test_by_hand():
    """Nine voices that differ by 0.3, nothing else: a standard error of 0.1, 8 degrees of freedom, 2.306 + 0.889."""
    assert smallest(Spreads(0.3, 0.0, 0.0), Size(9, 4)) == pytest.approx(0.1 * (2.306 + 0.889), rel=1e-3)


def test_only_the_rest_falls_with_utterances_and_its_chance_with_seeds():
    """16 utterances of a rest of 0.4: 0.1, with 1 / (1 / 3 + 1 / 3 + 1 / 9) = 9 / 7 degrees of freedom, nothing pooled.

    Four seeds halve it where all is chance.
    """
    told = smallest(Spreads(0.0, 0.0, 0.4), Size(4, 4))
    assert told == pytest.approx(0.1 * float(stdtrit(9 / 7, 0.975) + stdtrit(9 / 7, 0.8)))
    assert smallest(Spreads(0.0, 0.0, 0.4, chance=0.4), Size(4, 4, 4)) == pytest.approx(told / 2)
    assert smallest(Spreads(0.0, 0.0, 0.4), Size(4, 4, 4)) == pytest.approx(told)  # nobody knows what seeds change


@pytest.mark.parametrize("size", [Size(1, 9), Size(9, 1)])
def test_one_voice_or_one_text_tells_nothing_of_others(size):
    assert smallest(VOICES, size) is None
    assert curve(VOICES, [size]) == []


def test_more_comparisons_need_more():
    assert smallest(VOICES, Size(8, 8), 10) > smallest(VOICES, Size(8, 8), 1)


@given(st.floats(0.001, 0.5), st.floats(0.0, 0.5), st.floats(0.01, 0.5), st.floats(0.01, 0.3))
def test_what_is_needed_is_enough_and_one_text_less_is_not(voice, probe, rest, wanted):
    spreads = Spreads(voice, probe, rest)
    for need in needs(spreads, wanted):
        assert need.smallest <= wanted
        if need.size.probes > 2:
            assert smallest(spreads, Size(need.size.voices, need.size.probes - 1)) > wanted


@pytest.mark.parametrize("spread", [(0.1, 0.02, 0.05), (0.05, 0.05, 0.2), (0.0, 0.0, 0.3)])
def test_four_of_five_sweeps_tell_it(spread):
    """Simulated with `stats.compare`, 400 sweeps of 10 x 8: 0.755, 0.78 and 0.858 of them."""
    random, size = np.random.default_rng(4), Size(10, 8)
    wanted = smallest(Spreads(*spread), size)
    zeros = {(f"v{i}", f"p{j}", 0): (0.0, 1.0) for i in range(10) for j in range(8)}
    told = 0
    for _ in range(400):
        table = (
            wanted
            + spread[0] * random.normal(size=(10, 1))
            + spread[1] * random.normal(size=(1, 8))
            + spread[2] * random.normal(size=(10, 8))
        )
        own = {(f"v{i}", f"p{j}", 0): (float(value), 1.0) for (i, j), value in np.ndenumerate(table)}
        (found,) = compare(Scores.of([zeros, own]))
        told += found.low > 0
    assert told / 400 >= 0.72


def test_no_spread_at_all_tells_nothing():
    nothing = Comparison("b", "a", "wer", 0.0, None, None, None, 4, spreads=Spreads(0.0, 0.0, 0.0))
    some = replace(nothing, metric="sim", spreads=Spreads(0.3, 0.0, 0.4))
    report = Report(
        *("r", "", "s", "", "", "complete"),
        Provenance("", None, None, "", "", "cpu", {}, {}, {}, [0]),
        {},
        {},
        comparisons=[nothing, some, replace(some, spreads=Spreads(0.4, 0.0, 0.3))],
    )
    assert spreads_in(report, "wer") is None
    found = spreads_in(report, "sim")
    assert (found.voice, found.rest) == pytest.approx((0.125**0.5, 0.125**0.5))  # roots of mean squares


def test_a_size_that_tells_no_less_than_a_smaller_one_is_not_told_of():
    told = [need.smallest for need in needs(Spreads(0.14, 0.015, 0.03), 0.1, 5)]
    assert told == sorted(told, reverse=True)


def test_of_a_larger_size_never_more_is_asked():
    """Two voices tell 6.0 with two texts, and by the formula alone 6.3 with 16."""
    spreads = Spreads(0.1384, 0.0147, 0.0307)
    assert smallest(spreads, Size(2, 16), 5) > smallest(spreads, Size(2, 2), 5)
    told = {one.size: one.smallest for one in curve(spreads, [Size(v, p) for v in (2, 4, 96, 128) for p in (2, 16)], 5)}
    assert told[Size(2, 16)] == told[Size(2, 2)]
    assert told[Size(128, 2)] <= told[Size(96, 2)]
    assert next(need.size for need in needs(spreads, 6.1, 5)) == Size(2, 2)
