"""The rule that parts a speaker's takes into prompts and held-out clips: never one session on both sides.

Everything follows from names, by their digests: the same source gives the same voices anywhere, without a seed, and
whatever the order of a listing. Whole sessions are held out, the smallest first, then in the order of their digests;
prompts come from all others, those with words first, then in the order of theirs. A session alone is for prompts.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from evalkit.corpora.base import Take
from evalkit.digest import digest
from evalkit.errors import DataError
from evalkit.voices import Use

Usable = Callable[[Take], bool]
ONE_IN = 4  # takes are held out, at the most, and one at least


@dataclass(frozen=True)
class Wanted:
    """How many clips a voice is to have at the most, and of what length.

    Attributes:
        prompts: Clips to prompt engines with.
        held_out: Clips to score against.
        least: Seconds of the shortest take that is used.
        most: Seconds of the longest.
    """

    prompts: int = 8
    held_out: int = 3
    least: float = 3.0
    most: float = 15.0


@dataclass(frozen=True)
class Split:
    """The takes of a voice; `sessions` is how many there were to choose from."""

    prompts: Sequence[Take]
    held_out: Sequence[Take]
    sessions: int

    @property
    def all(self) -> list[Take]:
        """Those for prompts first."""
        return [*self.prompts, *self.held_out]


@dataclass(frozen=True)
class _Session:
    name: str
    use: Use | None
    takes: Sequence[Take]


def split(takes: Sequence[Take], wanted: Wanted, usable: Usable) -> Split:
    """Returns which takes prompt engines, and which are held out.

    What a source says of a take holds for its whole session. Of what it leaves open, one take in four is held out at
    the most, and one at least, as long as a session is left for prompts.

    Args:
        takes: Of one speaker.
        wanted: How many.
        usable: Whether a take can be a clip; asked of no more takes than are needed.

    Raises:
        DataError: A source wants one session on both sides.
    """
    sessions = _sessions(takes)
    stated = list(islice(filter(usable, _of(sessions, "held_out")), wanted.held_out))
    given = [session for session in sessions if session.use == "prompt"]
    free = [session for session in sessions if session.use is None]
    share = max(1, sum(len(session.takes) for session in free) // ONE_IN)
    most = min(wanted.held_out - len(stated), share)
    held_out: list[Take] = []
    while len(held_out) < most and len(free) > (0 if given else 1):
        held_out += islice(filter(usable, free.pop(0).takes), most - len(held_out))
    prompts = _prompts([*given, *free], wanted, usable)
    if not prompts and held_out:  # all the others are of no use: better a voice without held-out clips than none
        prompts, held_out = _prompts([one for one in sessions if one.use is None], wanted, usable), []
    return Split(prompts, [*stated, *held_out], len(sessions))


def _prompts(sessions: Sequence[_Session], wanted: Wanted, usable: Usable) -> list[Take]:
    takes = sorted((take for session in sessions for take in session.takes), key=_order)
    return list(islice(filter(usable, takes), wanted.prompts))


def by_digest(name: str) -> str:
    """Returns what names are ordered by where no order means anything."""
    return digest(name.encode(errors="backslashreplace").decode())


def _order(take: Take) -> tuple[bool, str, str]:
    return take.text is None, by_digest(take.key), take.where


def _sessions(takes: Sequence[Take]) -> list[_Session]:
    """Returns the sessions, those that are held out first in front; the takes of each in their order."""
    by_name: dict[str, list[Take]] = {}
    for take in takes:
        by_name.setdefault(take.session, []).append(take)
    found = [_Session(name, _use(name, own), sorted(own, key=_order)) for name, own in by_name.items()]
    return sorted(found, key=lambda session: (len(session.takes), by_digest(session.name)))


def _use(name: str, own: Sequence[Take]) -> Use | None:
    """Returns what a session is for, where the source says."""
    uses = {take.use for take in own if take.use is not None}
    if len(uses) > 1:
        raise DataError(
            f"{own[0].where}: {name!r} is both for prompts and held out; similarity would be scored against what the "
            "engine heard: give it one use"
        )
    return next(iter(uses), None)


def _of(sessions: Sequence[_Session], use: Use) -> Iterator[Take]:
    return (take for session in sessions if session.use == use for take in session.takes)
