"""Where a prompt ends: with a clip, or at a cut that was heard before it was believed.

A transcriber's word times are off by a tenth of a second and more, and the quietest moment is often a stop's closure
inside a word. So a cut is only a proposal; what is heard on both sides of it decides, and says which words they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from evalkit.audio import Audio
from evalkit.languages import Language, english
from evalkit.prompt import Ending
from evalkit.prompts.cut import after_silence, between, cut_at, pauses, rest_after
from evalkit.text import basic
from evalkit.words import BothSides, Word, words_before

# Each side of a cut is heard twice, for so many seconds at the most, after so many of silence. The shorter one leaves a
# transcriber less to guess from: "the children practice", its d cut off, is "practiced" to it over 6 s and not over 2.
HEARINGS = ((6.0, 0.0), (2.0, 0.15))
TRIES = 8  # cuts that are heard before a clip's end is taken

Hear = Callable[[Sequence[Audio]], Sequence[str]]


@dataclass(frozen=True, eq=False)
class LastClip:
    """The clip that a prompt ends in.

    Attributes:
        audio: Its sound.
        text: Its words.
        placed: The same in time, as far as they are in the sound.
        whole: Whether the sound is all of the recording.
        language: That is spoken.
    """

    audio: Audio
    text: str
    placed: Sequence[Word]
    whole: bool
    language: Language = field(default_factory=english)


@dataclass(frozen=True)
class Room:
    """How much of the last clip the prompt may take, in seconds from the clip's start.

    Attributes:
        wanted: With so much it has the wanted length.
        most: With more it is too long.
        tolerance: So far from `wanted`, a pause or a clip's end is better than another place that is nearer.
        without: Where the clip before ends; None for the first one.
    """

    wanted: float
    most: float
    tolerance: float
    without: float | None


@dataclass(frozen=True)
class End:
    """Where to end: seconds from the last clip's start, how many of its words lie before, and how it was found.

    With 0 words the prompt ends with the clip before.
    """

    seconds: float
    words: int
    ending: Ending


@dataclass(frozen=True)
class _Place:
    """A moment that is proposed; `at` a clip's end it is sure, and `words` are known."""

    seconds: float
    at: Literal["clip", "pause", "word"]
    words: int = 0


def find_end(clip: LastClip, room: Room, cut: Literal["word", "silence"], hear: Hear) -> End | None:
    """Returns the first place that can be believed, the best ones first; None if there is none.

    Pauses and ends of clips within the tolerance come before other places, and of each kind the nearest to the wanted
    length. Whoever has heard `TRIES` cuts in vain takes the nearest end of a clip, if there is one.
    """
    ends = _ends_of_clips(clip, room)
    tried = 0
    for place in _in_order([*ends, *_cuts(clip, room, cut)], room):
        if place.at == "clip":
            return End(place.seconds, place.words, Ending("clip", tried))
        if tried >= TRIES and ends:
            break
        tried += 1
        if parted := _parted(clip, place.seconds, hear):
            words, heard = parted
            return End(place.seconds, words, Ending(place.at, tried, heard.before, heard.after))
    if not ends:
        return None
    nearest = min(ends, key=lambda end: abs(end.seconds - room.wanted))
    return End(nearest.seconds, nearest.words, Ending("clip", tried))


def _ends_of_clips(clip: LastClip, room: Room) -> list[_Place]:
    ends = []
    if clip.whole and clip.audio.seconds <= room.most:
        ends.append(_Place(clip.audio.seconds, "clip", len(clip.language.parted(clip.text))))
    if room.without is not None:
        ends.append(_Place(room.without, "clip", 0))
    return ends


def _cuts(clip: LastClip, room: Room, cut: Literal["word", "silence"]) -> list[_Place]:
    found = [_Place(moment, "pause") for moment in pauses(clip.audio)]
    if cut == "word":
        found += [_Place(moment, "word") for moment in between(clip.placed)]
    return [place for place in found if 0 < place.seconds < min(clip.audio.seconds, room.most)]


def _in_order(places: Sequence[_Place], room: Room) -> list[_Place]:
    def rank(place: _Place) -> tuple[bool, float]:
        miss = abs(place.seconds - room.wanted)
        return place.at == "word" or miss > room.tolerance, miss

    return sorted(places, key=rank)


def _expected(clip: LastClip, seconds: float) -> int:
    return sum((word.start + word.end) / 2 < seconds for word in clip.placed)


def _parted(clip: LastClip, seconds: float, hear: Hear) -> tuple[int, BothSides] | None:
    """Returns how many words lie before a cut, and what was first heard; None unless all hearings agree."""
    found: list[tuple[int, BothSides]] = []
    normalise, parted = basic(clip.language), clip.language.parted
    for context, silence in HEARINGS:
        heard = _both_sides(clip, seconds, context, silence, hear)
        words = words_before(clip.text, heard, _expected(clip, seconds), normalise, parted)
        if words is None or (found and words != found[0][0]):
            return None
        found.append((words, heard))
    return found[0]


def _both_sides(clip: LastClip, seconds: float, context: float, silence: float, hear: Hear) -> BothSides:
    """Returns what is heard in the last seconds before a cut and in the first ones after it."""
    first, last = seconds - context, seconds + context
    before, after = cut_at(clip.audio, seconds), rest_after(clip.audio, seconds)
    from_start, to_end = first <= 0, last >= clip.audio.seconds
    sides = [before if from_start else rest_after(before, first), after if to_end else cut_at(after, context)]
    heard = hear([after_silence(side, silence) for side in sides])
    return BothSides(heard[0], heard[1], from_start, to_end and clip.whole)
