"""What votes say, against tables that a reader can count."""

import numpy as np
import pytest

from evalkit.analysis.ears import of_opinions, of_preferences
from evalkit.analysis.listeners import Cast, attention
from evalkit.analysis.votes import heard
from tests.listening import ballot, opinion, other, other_opinion, preference, run_with, same

FLAT = [[0.5] * 4] * 3  # voices x probes


def cells():
    return [(f"v{voice}", f"p{probe}") for voice in range(3) for probe in range(4)]


def always(first, second, answer):
    return [preference(first, second, answer, *cell) for cell in cells()]


def told(*ballots, **tables):
    return heard(ballots, run_with(**(tables or {"x": FLAT, "y": FLAT})))


@pytest.mark.parametrize(
    ("votes", "right", "passes"),
    [
        ([], ((0, 0), (0, 0)), True),
        ([same(), other("a")], ((1, 1), (1, 1)), True),
        ([same("a"), other("a")], ((0, 1), (1, 1)), True),  # one difference may be heard where there is none
        ([same("a"), same("b"), other("a")], ((0, 2), (1, 1)), False),
        ([same("a"), same("none"), same("b"), same("none")], ((2, 4), (0, 0)), True),
        ([same(), other("b")], ((1, 1), (0, 1)), False),
        ([same(), other("none")], ((1, 1), (0, 1)), False),
        ([other("a")] * 3 + [other("b")], ((0, 0), (3, 4)), True),  # one in four
        ([other("a")] * 2 + [other("b")], ((0, 0), (2, 3)), False),
        ([other_opinion(2)], ((0, 0), (1, 1)), True),
        ([other_opinion(3)], ((0, 0), (0, 1)), False),
    ],
)
def test_who_listened(votes, right, passes):
    (found,) = attention([ballot(votes)])
    assert ((found.same, found.other), found.passes) == (right, passes)


def test_how_often_a_guesser_would_pass():
    """Two others must both be right, (1/3)^2; of two pairs of the same clip one: 1 - (2/3)^2; of opinions 2/5."""
    (found,) = attention([ballot([other(), other(), same(), same()])])
    assert found.by_guessing == pytest.approx((1 / 9) * (5 / 9))
    (found,) = attention([ballot([other_opinion(1), other_opinion(1)])])
    assert found.by_guessing == pytest.approx(4 / 25)


def test_catch_trials_of_all_sessions_of_a_listener_count_together():
    ones, others = ballot([other()] * 3), ballot([other("b")], session="another-one")
    (found,) = attention([ones, others])
    assert (found.other, found.passes) == ((3, 4), True)


def test_a_preference_is_told_in_the_order_of_the_report_whichever_was_shown_first():
    """Ann: x of x, y in 12; Ben: a of y, x, which is y, in 6, and neither in 6: (12 + 0 + 3) / 24."""
    ben = always("y", "x", "a")[:6] + always("y", "x", "none")[6:]
    (found,) = told(ballot(always("x", "y", "a")), ballot(ben, "ben")).preferences
    assert (found.a, found.b, found.value, found.n, found.none) == ("x", "y", 15 / 24, 24, 6)
    assert found.low < 15 / 24 < found.high


def test_catch_trials_are_no_votes_and_who_fails_them_is_left_out():
    good, bad = ballot([*always("x", "y", "a"), same(), other()]), ballot([*always("x", "y", "b"), other("b")], "ben")
    found = told(good, bad)
    assert [(one.listener, one.votes, one.passes) for one in found.listeners] == [("ann", 12, True), ("ben", 12, False)]
    (share,) = found.preferences
    assert (share.value, share.n) == (1.0, 12)


def test_intervals_of_several_pairs_hold_together_and_so_are_wider():
    votes = [vote for at in range(12) for vote in always("x", "y", "ab"[at % 5 == 0])[at : at + 1]]
    more = [*always("x", "z", "a"), *always("y", "z", "b")]
    (alone,) = told(ballot(votes), ballot(votes, "ben")).preferences
    flat = {"x": FLAT, "y": FLAT, "z": FLAT}
    among, *others = told(ballot(votes + more), ballot(votes + more, "ben"), **flat).preferences
    assert [(one.a, one.b, one.value) for one in others] == [("x", "z", 1.0), ("y", "z", 0.0)]
    assert among.low < alone.low
    assert among.high > alone.high


def test_mean_opinions_of_each_kind():
    votes = [opinion("x", 4, *cell) for cell in cells()] + [opinion("y", 1 + at % 2, *cell) for at, cell in
             enumerate(cells())] + [opinion("x", 5, kind="naturalness")]  # fmt: skip
    found = told(ballot(votes)).opinions
    assert [(one.trial, one.kind, one.value, one.n) for one in found] == [
        ("x", "similarity", 4.0, 12),
        ("y", "similarity", 1.5, 12),
        ("x", "naturalness", 5.0, 1),
    ]
    assert found[0].low < 4 < found[0].high
    assert found[2].low is None


def test_notes_say_what_intervals_hold_for():
    alone = told(ballot(always("x", "y", "a"))).notes
    assert "95 % intervals for other voices and texts too" in alone[0]
    assert "one listener: it says nothing of others" in alone
    assert any(note.startswith("of 1 listener too few catch trials tell") for note in alone)
    assert told(ballot([other("b")])).notes == ["no votes are left to say anything"]


def agreed(found):
    return {(one.metric, one.kind): one for one in found.agreement}


def test_a_metric_agrees_with_preferences_as_often_as_it_prefers_the_same():
    """x is 0.1 ahead in SIM with voices 0 and 1, 0.1 behind with voice 2; ears always say x: 8 of 12. WER likewise."""
    better = [[0.6] * 4, [0.6] * 4, [0.4] * 4]
    found = agreed(told(ballot(always("x", "y", "a")), ballot(always("y", "x", "b"), "ben"), x=better, y=FLAT))
    for metric in ("sim", "wer"):
        one = found[metric, "preference"]
        assert (one.value, one.n) == (pytest.approx(8 / 12), 24)
        assert 0 <= one.low < 8 / 12 < one.high <= 1


def test_votes_for_neither_and_sounds_that_a_metric_does_not_tell_apart_say_nothing():
    found = agreed(told(ballot(always("x", "y", "none")), x=[[0.6] * 4] * 3, y=FLAT))
    assert not [one for one in found if one[0] is not None]
    assert not agreed(told(ballot(always("x", "y", "a"))))


def test_opinions_that_rise_with_a_metric_agree_wholly_and_those_of_a_strict_listener_too():
    table = (np.arange(12).reshape(3, 4) / 20).tolist()
    ann = [opinion("x", 1 + at // 4, *cell) for at, cell in enumerate(cells())]
    ben = [opinion("x", 3 + at // 4, *cell) for at, cell in enumerate(cells())]
    found = agreed(told(ballot(ann), ballot(ben, "ben"), x=table, y=FLAT))
    # Of 66 pairs of a listener's, 18 are of equal marks: tau-b = 48 / sqrt(48 * 66).
    assert found["sim", "similarity"].value == pytest.approx(48 / (48 * 66) ** 0.5)
    assert found["wer", "similarity"].value == pytest.approx(48 / (48 * 66) ** 0.5)


def test_a_metric_that_does_not_vary_has_no_correlation():
    assert of_opinions([Cast("ann", opinion("x", mark)) for mark in (1, 2)], "similarity", {}) is None
    assert of_preferences([], {}) is None
    assert not agreed(told(ballot([opinion("x", 3, *cell) for cell in cells()])))


def test_ears_agree_with_each_other_as_often_as_they_say_the_same():
    """Three listeners of 12 pairs of sounds; the third differs in 3 of them: of 36 pairs of votes 30 agree."""
    third = always("x", "y", "b")[:3] + always("x", "y", "a")[3:]
    ballots = [ballot(always("x", "y", "a")), ballot(always("y", "x", "b"), "ben"), ballot(third, "cat")]
    one = agreed(told(*ballots))[None, "preference"]
    assert (one.value, one.n) == (pytest.approx(30 / 36), 36)
    assert one.low < 30 / 36 < one.high


def test_votes_of_sounds_that_one_listener_heard_alone_tell_of_no_agreement():
    """Of the same two sounds both voted once: one pair of votes is told as two votes, however many others there are."""
    alone = always("x", "y", "b")
    ballots = [ballot(always("x", "y", "a")[:1]), ballot(alone, "ben")]
    one = agreed(told(*ballots))[None, "preference"]
    assert (one.value, one.n, one.low, one.high) == (0.0, 2, None, None)


def test_a_test_of_chance_agrees_by_chance():
    """Opinions drawn at random: over 60 tests the mean of tau is near 0, and 95 % intervals hold 0 in most."""
    random, taus, held = np.random.default_rng(0), [], 0
    for _ in range(60):
        values = {("x", *cell, 0): random.normal() for cell in cells()}
        cast = [Cast(name, opinion("x", int(random.integers(1, 6)), *cell)) for name in "abcd" for cell in cells()]
        found = of_opinions(cast, "similarity", values)
        taus.append(found.value)
        held += found.low <= 0 <= found.high
    assert abs(np.mean(taus)) < 0.06
    assert held >= 54
