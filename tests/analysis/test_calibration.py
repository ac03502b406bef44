import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.analysis.calibration import VoicePrints, doubts, encoder_record, equal_error_rate, floors_and_ceilings
from evalkit.analysis.concordance import concordance
from evalkit.analysis.findings import contest
from evalkit.record import Comparison, FloorAndCeiling, Summary, TrialSummary, VoiceCalibration


def unit(*degrees):
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def cos(degrees):
    return np.cos(np.radians(degrees))


def test_floors_and_ceilings_by_hand():
    """Two voices in the plane: ann at 0 and 10 degrees (held out) and 20 (prompt), ben at 90."""
    found = floors_and_ceilings({"ann": VoicePrints(unit(0, 10), unit(20)), "ben": VoicePrints(unit(), unit(90))})
    assert found["ann"].ceiling == pytest.approx((cos(20) + cos(10)) / 2)
    assert found["ann"].floor == pytest.approx((cos(90) + cos(80)) / 2)
    assert found["ben"].ceiling is None  # no held-out clip
    assert found["ben"].floor == pytest.approx((cos(90) + cos(80) + cos(70)) / 3)
    assert floors_and_ceilings({"ann": VoicePrints(unit(0), unit(20))})["ann"].floor is None  # nobody else


@pytest.mark.parametrize(
    ("same", "different", "rate"),
    [
        ([0.9, 0.8], [0.1, 0.2], 0.0),
        ([0.1, 0.2], [0.8, 0.9], 1.0),
        ([0.9, 0.3], [0.4, 0.1], 0.5),  # at 0.4 one of two is refused, and one of two accepted
        ([0.9, 0.8, 0.7, 0.3], [0.5, 0.2, 0.1, 0.0], 0.25),
        ([0.5], [0.5], 0.5),
    ],
)
def test_equal_error_rates_by_hand(same, different, rate):
    assert equal_error_rate(np.array(same), np.array(different)) == pytest.approx(rate)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_an_equal_error_rate_is_a_share_and_changes_sides_with_the_scores(same, different):
    """What is wrongly refused of the one side is rightly refused of the other: the two rates add up to one."""
    rate = equal_error_rate(np.array(same), np.array(different))
    assert 0 <= rate <= 1
    assert equal_error_rate(np.array(different), np.array(same)) == pytest.approx(1 - rate)


def test_two_normal_distributions_two_deviations_apart_have_the_rate_of_theory():
    chance = np.random.default_rng(0)
    rate = equal_error_rate(chance.normal(2, 1, 200_000), chance.normal(0, 1, 200_000))
    assert rate == pytest.approx(0.1587, abs=0.002)  # the normal's tail beyond one deviation


def test_an_encoder_that_parts_the_voices_makes_no_error():
    prints = {
        name: VoicePrints(unit(angle, angle + 2), unit(angle + 4)) for name, angle in (("a", 0), ("b", 60), ("c", 120))
    }
    record = encoder_record(prints)
    assert (record.eer, record.n_same, record.n_different) == (0.0, 9, 27)
    assert (record.low, record.high) == (None, None)  # no spread is no certainty
    assert encoder_record({"a": prints["a"]}) is None


def test_an_interval_over_voices_holds_the_rate():
    chance = np.random.default_rng(0)
    prints = {}
    for index in range(8):
        centre = chance.normal(size=16)
        rows = centre + chance.normal(size=(6, 16)) * 1.2
        rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        prints[str(index)] = VoicePrints(rows[:2], rows[2:])
    record = encoder_record(prints)
    assert 0 < record.low < record.eer < record.high < 0.5


def test_voices_that_cannot_be_judged_are_named():
    bad = VoiceCalibration({"ecapa": FloorAndCeiling(0.4, 0.3)}, 0.5, 100)
    first, second = doubts("ann", bad)
    assert "by ecapa its ceiling 0.300 is not above its floor 0.400" in first
    assert "voices.exclude=[ann]" in first
    assert "cannot read its recordings (WER 0.50, expected 0.3 or less)" in second
    assert doubts("ben", VoiceCalibration({"ecapa": FloorAndCeiling(None, 0.3)}, None, 0)) == []


def trial(id, **values):
    return TrialSummary(id, "e", {}, 1, 0, {name: Summary(value) for name, value in values.items()})


@pytest.mark.parametrize(
    ("sim", "sim_x", "moved", "tau"),
    [  # moved: the trial, its rank by `sim`, its rank by `sim_x`; tau: (pairs that agree - pairs that do not) / pairs
        ({"a": 0.1, "b": 0.2, "c": 0.3}, {"a": 0.5, "b": 0.6, "c": 0.7}, [], 1.0),
        ({"a": 0.1, "b": 0.2, "c": 0.3}, {"a": 0.1, "b": 0.3, "c": 0.2}, [("b", 2, 1), ("c", 1, 2)], 1 / 3),
        ({"a": 0.1, "b": 0.2, "c": 0.3}, {"a": 0.3, "b": 0.2, "c": 0.1}, [("a", 3, 1), ("c", 1, 3)], -1.0),
        # c last instead of first: it passes three trials, each of which moves up one
        (
            {"a": 0.4, "b": 0.3, "c": 0.5, "d": 0.2},
            {"a": 0.4, "b": 0.3, "c": 0.1, "d": 0.2},
            [("a", 2, 1), ("b", 3, 2), ("c", 1, 4), ("d", 4, 3)],
            0.0,
        ),
        # equals share the best rank; tau-b: 2 of 3 pairs agree, the third is a tie of one side: 2 / sqrt(3 * 2)
        ({"a": 0.1, "b": 0.2, "c": 0.3}, {"a": 0.1, "b": 0.4, "c": 0.4}, [("b", 2, 1)], 2 / 6**0.5),
        # d has no `sim_x`, so that it has no rank on either side
        ({"a": 0.1, "b": 0.2, "d": 0.9}, {"a": 0.2, "b": 0.1}, [("a", 2, 1), ("b", 1, 2)], -1.0),
    ],
)
def test_concordance_of_two_encoders_by_hand(sim, sim_x, moved, tau):
    trials = [trial(id, sim=value, **({"sim_x": sim_x[id]} if id in sim_x else {})) for id, value in sim.items()]
    (found,) = concordance(trials, [], ["x"], None)
    assert [(one.trial, one.rank, one.other_rank) for one in found.moved] == moved
    assert found.tau == pytest.approx(tau)
    assert found.contested is None
    assert contest([found]) == ""


@pytest.mark.parametrize(("low", "contested"), [(0.05, False), (-0.01, True), (None, True)])
def test_a_winner_that_only_one_encoder_sees_is_contested(low, contested):
    trials = [trial("a", sim=0.1, sim_x=0.1), trial("b", sim=0.3, sim_x=0.2)]
    comparisons = [
        Comparison("b", "a", "sim", 0.2, 0.1, 0.3, 0.01, 9),
        Comparison("b", "a", "sim_x", 0.1, low, 0.3, 0.2, 9),
    ]
    (found,) = concordance(trials, comparisons, ["x"], "b")
    assert found.contested is contested
    assert ("Contested: x does not see that winner." in contest([found])) is contested


def test_an_encoder_that_has_nothing_to_compare_contests_nothing():
    trials = [trial("a", sim=0.1, sim_x=0.1), trial("b", sim=0.3)]
    comparisons = [Comparison("b", "a", "sim", 0.2, 0.1, 0.3, 0.01, 9)]
    (found,) = concordance(trials, comparisons, ["x"], "b")
    assert found.contested is None
    assert contest([found]) == ""


def test_one_trial_has_no_ranks_to_compare():
    assert concordance([trial("a", sim=0.1, sim_x=0.2)], [], ["x"], None)[0].tau is None
