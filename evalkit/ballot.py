"""A listening test: what one listener said in one session, and what all sessions together say. Plain, frozen, checked.

The page writes a `Ballot`, from a stranger's browser: nothing in it is believed before it is held against these types,
and against the rows that it speaks of (`reports/ballots.py`).
"""

from collections.abc import Sequence
from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass as validated

from evalkit.row import EXACT, Amount, Count, Number

BALLOT_VERSION: Literal[1] = 1
MOST_VOTES = 2_000  # of a session: a working day
LOWEST, HIGHEST = 1, 5  # of an opinion, as ITU-T P.800 has them

Kind = Literal["preference", "similarity", "naturalness"]
What = Literal["real", "catch_same", "catch_other"]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Address = Annotated[str, Field(pattern="^[0-9a-f]{16,64}$")]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$")]
Mark = Annotated[int, Field(strict=True, ge=LOWEST, le=HIGHEST)]


@validated(frozen=True, config=EXACT)
class Played:
    """A sound that was judged: an utterance of the run, or a recording, which has no trial, probe and seed.

    Attributes:
        voice: Who is cloned in it, or who recorded it.
        plays: How often it was started.
        address: Of the sound in the store, or the beginning of it; None where the page does not know it.
    """

    voice: Name
    plays: Count
    trial: Name | None = None
    probe: Name | None = None
    seed: Count | None = None
    address: Address | None = None

    def __post_init__(self) -> None:
        """Checks that it is one or the other.

        Raises:
            ValueError: It is half an utterance.
        """
        if len({part is None for part in (self.trial, self.probe, self.seed)}) > 1:
            raise ValueError("expected trial, probe and seed of an utterance, or none of them for a recording")

    @property
    def utterance(self) -> tuple[str, str, str, int] | None:
        """Trial, voice, probe and seed; None for a recording."""
        if self.trial is None or self.probe is None or self.seed is None:
            return None
        return self.trial, self.voice, self.probe, self.seed


@validated(frozen=True, config=EXACT)
class Vote:
    """An answer.

    Attributes:
        kind: `preference`: which of two is closer to the voice; the others are opinions of one sound.
        what: `real`, or a catch trial, whose answer is known: `catch_same` is the same clip twice, `catch_other` has a
            recording of another speaker (in a preference beside one of the voice's own).
        voice: The one that the sounds are held against.
        sounds: In the order in which they were shown: the first was called A.
        answer: `a`, `b` or `none` (no difference) of a preference; of an opinion 1 (bad) to 5 (excellent).
        seconds: From when it was shown to when it was answered.
    """

    kind: Kind
    what: What
    voice: Name
    sounds: Annotated[Sequence[Played], Field(min_length=1, max_length=2)]
    answer: Literal["a", "b", "none"] | Mark
    seconds: Amount

    def __post_init__(self) -> None:
        """Checks that sounds and answer are those of its kind.

        Raises:
            ValueError: They are not.
        """
        is_preference = self.kind == "preference"
        if len(self.sounds) != (2 if is_preference else 1):
            raise ValueError(f"expected {'two sounds' if is_preference else 'one sound'} of a vote of {self.kind}")
        if isinstance(self.answer, str) != is_preference:
            allowed = "a, b or none" if is_preference else f"{LOWEST} to {HIGHEST}"
            raise ValueError(f"expected {allowed} as the answer of a vote of {self.kind}")
        if fault := self._fault():
            raise ValueError(f"expected {fault} in a vote that is {self.what}")

    def _fault(self) -> str | None:
        first, last = self.sounds[0], self.sounds[-1]
        match self.what:
            case "real" if any(one.trial is None or one.voice != self.voice for one in self.sounds):
                return "utterances in the voice"
            case "real" if first is not last and (first.trial == last.trial or first.probe != last.probe):
                return "two trials and one probe"
            case "catch_same" if self.kind != "preference" or first.utterance != last.utterance:
                return "one utterance twice"
            case "catch_other" if not any(one.trial is None and one.voice != self.voice for one in self.sounds):
                return "a recording of another speaker"
        return None


@validated(frozen=True, config=EXACT)
class Ballot:
    """What one listener said in one session with the page of one run.

    Attributes:
        run_id: Of the report.
        plan: Of the report.
        session: A random name; the same session exported twice is one session.
        listener: The name that was typed, else a random one: votes of one name are one person's.
        seed: Of the shuffle.
        started: When, UTC.
        finished: When the last vote was in; None for a session that was stopped.
        loudness_matched: Whether the sounds of a question were as loud as each other.
    """

    run_id: str
    plan: str
    session: Annotated[str, Field(pattern="^[0-9a-zA-Z-]{8,64}$")]
    listener: Name
    seed: Count
    started: Moment
    votes: Annotated[Sequence[Vote], Field(max_length=MOST_VOTES)]
    finished: Moment | None = None
    loudness_matched: bool = True
    schema_version: Literal[1] = BALLOT_VERSION


@validated(frozen=True, config=EXACT)
class Attention:
    """How a listener did in catch trials.

    Attributes:
        listener: As typed.
        votes: That count if the listener does.
        same: Of the same clip twice: how often no difference was heard, and how often there was none.
        other: Of another speaker's recording: how often that was heard, and how often it was there.
        by_guessing: How probable it is that somebody who guesses passes so many trials.
        passes: Whether the votes are taken.
    """

    listener: str
    votes: Count
    same: tuple[Count, Count]
    other: tuple[Count, Count]
    by_guessing: Number
    passes: bool


@validated(frozen=True, config=EXACT)
class Share:
    """How often trial `a` was preferred to `b`, a vote for neither being half of one for each.

    Attributes:
        value: Share of `a`.
        low: Lower end of the interval; those of all pairs hold at once. None where none can be told.
        high: Its upper end.
        n: Votes.
        none: Votes for neither.
    """

    a: str
    b: str
    value: Number
    low: Number | None
    high: Number | None
    n: Count
    none: Count


@validated(frozen=True, config=EXACT)
class Opinion:
    """A trial's mean opinion score, 1 to 5, with an interval of its own."""

    trial: str
    kind: Literal["similarity", "naturalness"]
    value: Number
    low: Number | None
    high: Number | None
    n: Count


@validated(frozen=True, config=EXACT)
class Agreement:
    """How far a metric agrees with ears; `metric` is None for how far ears agree with each other.

    Attributes:
        kind: Of votes. Of preferences `value` is the share in which the metric prefers the same, 1/2 being chance; of
            opinions Kendall's tau-b, 0 being chance; both with the metric turned so that more is better.
        n: Votes that say something.
    """

    metric: str | None
    kind: Kind
    value: Number
    low: Number | None
    high: Number | None
    n: Count


@validated(frozen=True, config=EXACT)
class Heard:
    """What ears said of a run: `votes.json` beside its report.

    Attributes:
        listeners: Each, with those who are left out.
        notes: What the numbers hold for, in sentences.
        ballots: What all of it was made of.
    """

    run_id: str
    plan: str
    listeners: Sequence[Attention]
    preferences: Sequence[Share]
    opinions: Sequence[Opinion]
    agreement: Sequence[Agreement]
    notes: Sequence[str]
    ballots: Sequence[Ballot] = field(default_factory=list)
    schema_version: Literal[1] = BALLOT_VERSION
