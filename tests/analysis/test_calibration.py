import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.analysis.calibration import (
    VoicePrints,
    doubts,
    encoder_doubts,
    encoder_record,
    equal_error_rate,
    floors_and_ceilings,
)
from evalkit.analysis.concordance import concordance
from evalkit.analysis.findings import contest
from evalkit.metrics import Likeness
from evalkit.record import Comparison, EncoderRecord, FloorAndCeiling, Summary, TrialSummary, VoiceCalibration


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
    assert found["ben"].ceiling is None  # one clip, nothing to compare it with
    assert found["ben"].floor == pytest.approx((cos(90) + cos(80) + cos(70)) / 3)
    assert floors_and_ceilings({"ann": VoicePrints(unit(0), unit(20))})["ann"].floor is None  # nobody else
    # the floors of ann are 0 and cos 80, their deviations from the mean half of it each: variance cos(80)^2 / 2
    own = [cos(20), cos(10)]
    assert found["ann"].spread == pytest.approx(((cos(80) ** 2 / 2 + np.var(own, ddof=1)) / 2) ** 0.5)


def test_without_held_out_clips_the_ceiling_is_that_of_the_prompt_clips_among_themselves():
    found = floors_and_ceilings({"ann": VoicePrints(unit(), unit(0, 10, 30)), "ben": VoicePrints(unit(), unit(90))})
    assert found["ann"].ceiling == pytest.approx((cos(10) + cos(30) + cos(20)) / 3)
    assert found["ann"].floor == pytest.approx((cos(90) + cos(80) + cos(60)) / 3)


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
    bad = VoiceCalibration({"ecapa": FloorAndCeiling(0.4, 0.3, 0.1)}, 0.5, 100)
    first, second = doubts("ann", bad)
    assert "by ecapa its ceiling 0.300 is not clearly above its floor 0.400 (their spread is 0.100)" in first
    assert "its sim_norm is left undefined" in first
    assert "voices.exclude=[ann]" in first
    assert "cannot read its recordings (WER 0.50, expected 0.3 or less)" in second
    assert doubts("ben", VoiceCalibration({"ecapa": FloorAndCeiling(None, 0.3)}, None, 0)) == []


@pytest.mark.parametrize(
    ("floor", "ceiling", "spread", "is_clear"),
    [
        (0.2, 0.9, 0.1, True),  # seven spreads
        (0.2, 0.42, 0.1, True),
        (0.2, 0.38, 0.1, False),  # less than two
        (0.008, 0.022, 0.15, False),  # a mixed voice, as it was seen
        (0.9, 0.2, 0.1, False),
        (0.2, 0.9, None, False),  # one pair of clips: who knows?
        (0.5, 0.5005, 0.0, False),  # within what judges give anew
    ],
)
def test_a_scale_needs_ends_that_are_clearly_apart(floor, ceiling, spread, is_clear):
    told = doubts("ann", VoiceCalibration({"x": FloorAndCeiling(floor, ceiling, spread)}, None, 0))
    assert (told == []) is is_clear
    unit_vector = np.array([1.0], np.float32)
    norm = Likeness(unit_vector, unit_vector[None], unit_vector, floor, ceiling, spread).sim_norm
    assert (norm is not None) is is_clear
    if is_clear:
        assert norm == pytest.approx((1 - floor) / (ceiling - floor))


@pytest.mark.parametrize(
    ("eer", "high", "doubted"),
    [(0.0, None, 0), (0.1, 0.3, 0), (0.1, 0.5, 1), (0.5, None, 1), (0.62, 0.9, 1)],
)
def test_an_encoder_no_better_than_a_coin_is_named(eer, high, doubted):
    told = encoder_doubts({"x": EncoderRecord(eer, None if high is None else 0.0, high, 9, 27), "none": None})
    assert len(told) == doubted
    assert all(f"x tells these voices apart no better than chance (equal error rate {eer:.3f}" in one for one in told)


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
