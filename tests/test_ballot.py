"""Which votes can be: whatever else a file holds is refused, with what was expected."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from evalkit.ballot import MOST_VOTES, Ballot, Vote
from tests.listening import ballot, opinion, other, played, preference, same


def test_votes_of_each_kind_can_be():
    votes = [preference("x", "y", "none"), opinion("x", 5), opinion("x", 1, kind="naturalness"), same(), other()]
    assert ballot(votes).votes == votes
    assert (votes[0].sounds[0].utterance, votes[4].sounds[0].utterance) == (("x", "v0", "p0", 0), None)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"answer": 3}, "expected a, b or none as the answer"),
        ({"answer": "x"}, "expected a, b or none|Input should be 'a', 'b' or 'none'"),
        ({"kind": "opinion"}, "kind"),
        ({"sounds": [played("x")]}, "expected two sounds"),
        ({"sounds": []}, "at least 1"),
        ({"sounds": [played("x")] * 3}, "at most 2"),
        ({"sounds": [played("x"), played("x")]}, "expected two trials and one probe"),
        ({"sounds": [played("x"), played("y", probe="p1")]}, "expected two trials and one probe"),
        ({"sounds": [played("x"), played("y", voice="v1")]}, "expected utterances in the voice"),
        ({"sounds": [played("x"), played(None)]}, "expected utterances in the voice"),
        ({"what": "catch_same"}, "expected one utterance twice"),
        ({"what": "catch_other"}, "expected a recording of another speaker"),
        ({"seconds": -1.0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
    ],
)
def test_a_preference_that_is_none(change, complaint):
    good = {name: getattr(preference("x", "y", "a"), name) for name in Vote.__dataclass_fields__}
    with pytest.raises(ValidationError, match=complaint):
        Vote(**{**good, **change})


@pytest.mark.parametrize("mark", [0, 6, 3.0, "3", True, "a"])
def test_an_opinion_that_is_none(mark):
    with pytest.raises(ValidationError):
        opinion("x", mark)


def test_half_an_utterance_is_none():
    with pytest.raises(ValidationError, match="expected trial, probe and seed of an utterance, or none of them"):
        played("x", probe=None)


@pytest.mark.parametrize(
    "change",
    [
        {"listener": ""},
        {"listener": "x" * 201},
        {"session": "../../x"},
        {"started": "yesterday"},
        {"seed": -1},
        {"schema_version": 2},
        {"votes": [same()] * (MOST_VOTES + 1)},
        {"more": 1},
    ],
)
def test_a_ballot_that_is_none(change):
    good = {name: getattr(ballot([]), name) for name in Ballot.__dataclass_fields__}
    with pytest.raises(ValidationError):
        Ballot(**{**good, **change})


def test_an_address_is_one_or_the_beginning_of_one():
    assert replace(played("x"), address="0123456789abcdef").address == "0123456789abcdef"
    with pytest.raises(ValidationError):
        played("x", address="../page/audio/x")
