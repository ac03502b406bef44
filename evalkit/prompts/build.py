"""Building a prompt: clips made alike, joined, and ended where both audio and words can end."""

import random
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from evalkit.audio import Audio
from evalkit.digest import digest
from evalkit.errors import DataError
from evalkit.prompt import Prompt, TextSource
from evalkit.prompts.cut import cut_at, cuts
from evalkit.prompts.pieces import Piece, joined, matched, ordered, read_piece, trimmed
from evalkit.prompts.settings import CLIP_SECONDS, PromptSettings
from evalkit.text import normalizer
from evalkit.voices import Clip, Voice
from evalkit.words import Word, error_rate, words_in_time

REVISION = 2  # to be raised by whoever changes how prompts are built: stored ones are then made again
MIN_SECONDS = 0.5  # shorter prompts make engines fail or guess
MOST_WORDS_PER_SECOND = 8.0  # no speech has more
FOREIGN_WER = 0.8  # above it, a transcript belongs to another recording
WRONG_WORDS = ("window", "candle", "river", "purple", "hammer", "pencil", "garden", "rocket", "button", "marble",
               "mirror", "basket", "thunder", "copper", "island", "tiger", "velvet", "ladder", "orange")  # fmt: skip


@dataclass(frozen=True)
class ReferenceText:
    """A clip's words, and who says so; `majority` is that of automatic passes, e.g. `2/3`."""

    text: str
    source: TextSource
    majority: str | None = None


class Hearing(Protocol):
    """What building a prompt needs to hear; answers are kept, so that nothing is heard twice."""

    def words(self, audio: Audio, language: str) -> Sequence[Word]:
        """Returns the words heard, with their times."""

    def speech(self, audio: Audio) -> list[tuple[float, float]]:
        """Returns the spans of speech, in seconds."""


TextOf = Callable[[Clip], ReferenceText]


@dataclass(frozen=True, eq=False)
class _Part:
    """A piece with its words; `placed` are the words in time."""

    piece: Piece
    text: ReferenceText
    placed: list[Word]
    error_rate: float | None


def build_prompt(voice: Voice, settings: PromptSettings, sample_rate: int, text_of: TextOf, hearing: Hearing) -> Prompt:
    """Returns the prompt of a voice.

    Args:
        voice: Whose prompt clips are used.
        settings: How.
        sample_rate: Hz, the engine's.
        text_of: Gives the words of a clip.
        hearing: Hears words and speech.

    Raises:
        DataError: A clip cannot be used, has no words, has those of another clip, or all of them are too short.
    """
    pieces = _pieces(voice, settings, sample_rate, hearing)
    parts = [_part(voice, piece, text_of, hearing) for piece in pieces]
    audios, words = _ended(voice, parts, settings)
    audio = joined(audios, settings.gap_seconds, settings.crossfade_seconds)
    if audio.seconds < MIN_SECONDS:
        raise DataError(
            f"voice {voice.name!r}: its prompt has only {audio.seconds:.2f} s, engines need {MIN_SECONDS:g} s or more"
        )
    text = " ".join(words)
    used = parts[: len(audios)]
    sources = [part.text.source for part in used]
    return Prompt(
        audio=audio,
        text=corrupted(text, settings.corrupt) if settings.corrupt else text,
        text_source=next((source for source in sources if source != "user"), "user"),
        clips=tuple(part.piece.clip.path.name for part in used),
        text_wer=_pooled_error_rate(used),
    )


def _pieces(voice: Voice, settings: PromptSettings, sample_rate: int, hearing: Hearing) -> list[Piece]:
    """Returns the pieces that the target needs, prepared; the last may still be too long."""
    prepared: Iterable[Piece] = _ordered_pieces(voice, settings, sample_rate)
    if settings.trim:
        prepared = (trimmed(piece, hearing.speech) for piece in prepared)
    if settings.match_loudness:
        prepared = matched(list(prepared))
    needed, total = [], 0.0
    for piece in prepared:
        needed.append(piece)
        total += piece.audio.seconds + _between(settings)
        if total >= (settings.seconds or settings.max_seconds) or not piece.whole:
            break  # one that is not whole ends inside a word, so the prompt ends within it
    return needed


def _ordered_pieces(voice: Voice, settings: PromptSettings, sample_rate: int) -> Iterator[Piece]:
    """Gives the pieces in order; recordings that are not needed, and need not be compared, are never read."""
    clips, longest = voice.prompt_clips, min(settings.max_seconds, CLIP_SECONDS)
    if settings.order == "sorted":
        clips = tuple(sorted(clips, key=lambda clip: clip.path.name))
    if settings.order in {"given", "sorted"}:
        return (read_piece(clip, sample_rate, longest) for clip in clips[: settings.clips])
    pieces = ordered([read_piece(clip, sample_rate, longest) for clip in clips], settings.order)
    return iter(pieces[: settings.clips])


def _between(settings: PromptSettings) -> float:
    return settings.gap_seconds - settings.crossfade_seconds


def _part(voice: Voice, piece: Piece, text_of: TextOf, hearing: Hearing) -> _Part:
    text = text_of(piece.clip)
    heard = hearing.words(piece.audio, voice.language)
    normalise = normalizer("whisper_basic")
    wrong = error_rate(text.text, heard, normalise, whole=piece.whole)
    # A word or two in less than half a second may well be misheard; a sentence cannot be there.
    seconds = piece.audio.seconds
    sure = seconds >= MIN_SECONDS or len(text.text.split()) > max(2, MOST_WORDS_PER_SECOND * seconds)
    if wrong is not None and wrong > FOREIGN_WER and sure:
        raise DataError(
            f"voice {voice.name!r}: the words given for {piece.clip.path.name} are not those spoken (WER {wrong:.2f}, "
            f"{FOREIGN_WER:g} is allowed); look at them with: "
            f"python -m evalkit transcript show {shlex.quote(voice.name)} voices.path=DIR"
        )
    return _Part(piece, text, words_in_time(text.text, heard, normalise, whole=piece.whole), wrong)


def _pooled_error_rate(parts: Sequence[_Part]) -> float | None:
    counted = [(part.error_rate, len(part.text.text.split())) for part in parts if part.error_rate is not None]
    total = sum(words for _, words in counted)
    return sum(rate * words for rate, words in counted) / total if total else None


def _ended(voice: Voice, parts: Sequence[_Part], settings: PromptSettings) -> tuple[list[Audio], list[str]]:
    """Returns the audio of each part used, the last one cut, and the words."""
    goal = settings.seconds or settings.max_seconds
    starts = [0.0]
    for part in parts:
        starts.append(starts[-1] + part.piece.audio.seconds + _between(settings))
    whole, last = len(parts) - 1, parts[-1]
    before = [part.piece.audio for part in parts[:whole]]
    words = [word for part in parts[:whole] for word in part.text.text.split()]
    remaining = goal - starts[whole]
    if last.piece.audio.seconds <= remaining and last.piece.whole:
        return [*before, last.piece.audio], [*words, *_words(last)]
    if settings.cut == "hard":
        return [*before, cut_at(last.piece.audio, remaining)], [*words, *_words(last)]
    return _cut_last(voice, (before, words), last, remaining, settings, starts[whole])


def _words(part: _Part) -> list[str]:
    return part.text.text.split() if part.piece.whole else [word.text for word in part.placed]


def _cut_last(
    voice: Voice,
    done: tuple[list[Audio], list[str]],
    last: _Part,
    remaining: float,
    settings: PromptSettings,
    start: float,
) -> tuple[list[Audio], list[str]]:
    """Ends the last part where it comes nearest to the target within the cap; before it, if that is nearer still."""
    before, words = done
    room = settings.max_seconds - start
    kind: Literal["word", "silence"] = "silence" if settings.cut == "silence" else "word"
    places = [(cut.seconds, cut.words) for cut in cuts(last.piece.audio, last.placed, kind)]
    if last.piece.whole:
        places.append((last.piece.audio.seconds, len(last.placed)))
    if before:
        places.append((-_between(settings), 0))
    places = [end for end in places if end[0] <= room]
    if not places:
        raise DataError(
            f"voice {voice.name!r}: {last.piece.clip.path.name} has no {kind} to end at within {room:.1f} s; "
            "its words may not be those spoken, or try prompt.cut=word"
        )
    seconds, count = min(places, key=lambda end: abs(end[0] - remaining))
    if count == 0:
        return before, words
    if seconds == last.piece.audio.seconds:
        return [*before, last.piece.audio], [*words, *_words(last)]
    return [*before, cut_at(last.piece.audio, seconds)], [*words, *(word.text for word in last.placed[:count])]


def corrupted(text: str, share: float) -> str:
    """Returns the text with `share` of its words, at least one, replaced by wrong ones: always the same ones."""
    words = text.split()
    chance = random.Random(digest({"text": text, "share": share}))
    wrong = chance.sample(range(len(words)), min(len(words), max(1, round(share * len(words)))))
    for index in wrong:
        words[index] = chance.choice([word for word in WRONG_WORDS if word != words[index].lower().strip(".,?!")])
    return " ".join(words)
