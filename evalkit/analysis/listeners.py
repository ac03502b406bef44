"""The votes that count, and who listened: catch trials, whose answers are known, and the rule that they are for.

The same clip twice sounds the same, but careful ears often hear a difference all the same: half of these answers may be
wrong, and one in any case. Another speaker's recording is plain to hear: one answer in four may be wrong, so none of
three. How often somebody who guesses passes is told with each listener: with few catch trials that is often.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.analysis.multiway import Factors, codes
from evalkit.ballot import Attention, Ballot, Vote

BY_CHANCE = 1 / 3  # of the three answers of a preference
LOW_OPINION, LOW_BY_CHANCE = 2, 2 / 5  # another speaker is at most this similar: two of the five answers
TESTED = 0.2  # a listener whose trials let more guessers pass than this has not been tested


@dataclass(frozen=True)
class Cast:
    """A vote that counts, and who cast it."""

    listener: str
    vote: Vote

    @property
    def probe(self) -> str | None:
        """The text that was judged."""
        return self.vote.sounds[0].probe


def cast_by(ballots: Sequence[Ballot], listeners: Sequence[Attention]) -> list[Cast]:
    """Returns the votes that count: those of listeners who pass, without catch trials."""
    taken = {one.listener for one in listeners if one.passes}
    return [
        Cast(ballot.listener, vote)
        for ballot in ballots
        for vote in ballot.votes
        if ballot.listener in taken and vote.what == "real"
    ]


def factors_of(cast: Sequence[Cast]) -> Factors:
    """Returns by what votes are clustered."""
    return {
        "listener": codes([one.listener for one in cast]),
        "voice": codes([one.vote.voice for one in cast]),
        "probe": codes([one.probe for one in cast]),
    }


def attention(ballots: Sequence[Ballot]) -> list[Attention]:
    """Returns how each listener did, over all of their sessions, in the order of names."""
    votes: dict[str, list[Vote]] = {}
    for ballot in ballots:
        votes.setdefault(ballot.listener, []).extend(ballot.votes)
    return [_attention(listener, votes[listener]) for listener in sorted(votes)]


def _attention(listener: str, votes: Sequence[Vote]) -> Attention:
    same = [vote for vote in votes if vote.what == "catch_same"]
    other = [vote for vote in votes if vote.what == "catch_other" and vote.kind != "naturalness"]
    right = [sum(map(_is_right, some)) for some in (same, other)]
    wanted = len(same) - max(1, len(same) // 2), len(other) - len(other) // 4
    by_guessing = _at_least(wanted[0], [BY_CHANCE] * len(same)) * _at_least(wanted[1], list(map(_chance, other)))
    return Attention(
        listener=listener,
        votes=sum(vote.what == "real" for vote in votes),
        same=(right[0], len(same)),
        other=(right[1], len(other)),
        by_guessing=by_guessing,
        passes=right[0] >= wanted[0] and right[1] >= wanted[1],
    )


def _is_right(vote: Vote) -> bool:
    """Whether a catch trial was answered as it must be."""
    if vote.what == "catch_same":
        return vote.answer == "none"
    if isinstance(vote.answer, int):
        return vote.answer <= LOW_OPINION
    return vote.answer == ("a" if vote.sounds[0].voice == vote.voice else "b")


def _chance(vote: Vote) -> float:
    return BY_CHANCE if vote.kind == "preference" else LOW_BY_CHANCE


def _at_least(wanted: int, chances: Sequence[float]) -> float:
    """Returns how probable it is that at least so many of independent events happen."""
    counts = np.ones(1)
    for chance in chances:
        counts = np.convolve(counts, [1 - chance, chance])
    return float(counts[max(0, wanted) :].sum())
