"""Building a prompt: clips made alike, joined, and ended where both audio and words can end."""

import random
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from evalkit.audio import Audio
from evalkit.digest import digest
from evalkit.errors import DataError
from evalkit.languages import Language, shipped
from evalkit.prompt import Ending, Prompt, TextSource
from evalkit.prompts.cut import cut_at
from evalkit.prompts.ending import End, Hear, LastClip, Room, find_end
from evalkit.prompts.pieces import Piece, joined, matched, ordered, read_piece, trimmed
from evalkit.prompts.settings import CLIP_SECONDS, PromptSettings
from evalkit.text import basic
from evalkit.voices import Clip, Voice
from evalkit.words import Word, error_rate, words_in_time

REVISION = 3  # to be raised by whoever changes how prompts are built: stored ones are then made again
MIN_SECONDS = 0.5  # shorter prompts make engines fail or guess
FOREIGN_WER = 0.8  # above it, a transcript belongs to another recording


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

    def texts(self, audios: Sequence[Audio], language: str) -> Sequence[str]:
        """Returns what is heard in each, quickly."""

    def speech(self, audio: Audio) -> list[tuple[float, float]]:
        """Returns the spans of speech, in seconds."""


TextOf = Callable[[Clip], ReferenceText]


@dataclass(frozen=True, eq=False)
class _Part:
    """A piece with its text; `words` are those of it, `placed` the words in time."""

    piece: Piece
    text: ReferenceText
    words: list[str]
    placed: list[Word]
    error_rate: float | None


@dataclass(frozen=True)
class _Speaking:
    """Who speaks, and the language: how its words are written and parted."""

    voice: Voice
    language: Language


def build_prompt(
    voice: Voice,
    settings: PromptSettings,
    sample_rate: int,
    text_of: TextOf,
    hearing: Hearing,
    language: Language | None = None,
) -> Prompt:
    """Returns the prompt of a voice.

    Args:
        voice: Whose prompt clips are used.
        settings: How.
        sample_rate: Hz, the engine's.
        text_of: Gives the words of a clip.
        hearing: Hears words and speech.
        language: The voice's; None: as evalkit's own table has it.

    Raises:
        DataError: A clip cannot be used, has no words, has those of another clip, or all of them are too short.
    """
    speaking = _Speaking(voice, language or shipped()[voice.language])
    pieces = _pieces(voice, settings, sample_rate, hearing)
    parts = [_part(speaking, piece, text_of, hearing) for piece in pieces]
    audios, words, ending = _ended(speaking, parts, settings, partial(hearing.texts, language=voice.language))
    audio = joined(audios, settings.gap_seconds, settings.crossfade_seconds)
    if audio.seconds < MIN_SECONDS:
        raise DataError(
            f"voice {voice.name!r}: its prompt has only {audio.seconds:.2f} s, engines need {MIN_SECONDS:g} s or more"
        )
    text = speaking.language.joined(words)
    used = parts[: len(audios)]
    sources = [part.text.source for part in used]
    return Prompt(
        audio=audio,
        text=corrupted(text, settings.corrupt, speaking.language) if settings.corrupt else text,
        text_source=next((source for source in sources if source != "user"), "user"),
        clips=tuple(part.piece.clip.path.name for part in used),
        text_wer=_pooled_error_rate(used),
        ending=ending,
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


def _part(speaking: _Speaking, piece: Piece, text_of: TextOf, hearing: Hearing) -> _Part:
    voice, language = speaking.voice, speaking.language
    text = text_of(piece.clip)
    heard = hearing.words(piece.audio, voice.language)
    normalise, parted, words = basic(language), language.parted, language.parted(text.text)
    wrong = error_rate(text.text, " ".join(word.text for word in heard), normalise, parted, whole=piece.whole)
    # A word or two in less than half a second may well be misheard; a sentence cannot be there.
    seconds = piece.audio.seconds
    sure = seconds >= MIN_SECONDS or len(words) > max(language.entry.two_words, language.entry.possible[1] * seconds)
    if wrong is not None and wrong > FOREIGN_WER and sure:
        raise DataError(
            f"voice {voice.name!r}: the words given for {piece.clip.path.name} are not those spoken (WER {wrong:.2f}, "
            f"{FOREIGN_WER:g} is allowed): mend them, or delete them to have them heard; look at them with: "
            f"python -m evalkit transcript show {shlex.quote(voice.name)} voices.path=DIR"
        )
    placed = words_in_time(text.text, heard, normalise, parted, whole=piece.whole)
    return _Part(piece, text, words, placed, wrong)


def _pooled_error_rate(parts: Sequence[_Part]) -> float | None:
    counted = [(part.error_rate, len(part.words)) for part in parts if part.error_rate is not None]
    total = sum(words for _, words in counted)
    return sum(rate * words for rate, words in counted) / total if total else None


def _ended(
    speaking: _Speaking, parts: Sequence[_Part], settings: PromptSettings, hear: Hear
) -> tuple[list[Audio], list[str], Ending]:
    """Returns the audio of each part used, the last one cut, the words, and where it ends."""
    goal = settings.seconds or settings.max_seconds
    *first, last = parts
    start = sum(part.piece.audio.seconds + _between(settings) for part in first)
    before = [part.piece.audio for part in first]
    words = [word for part in first for word in part.words]
    audio, own = last.piece.audio, last.words
    if audio.seconds <= goal - start and last.piece.whole:
        return [*before, audio], [*words, *own], Ending("clip")
    if settings.cut == "hard":
        spoken = own if last.piece.whole else [word.text for word in last.placed]
        return [*before, cut_at(audio, goal - start)], [*words, *spoken], Ending("hard")
    room = Room(
        wanted=goal - start,
        most=settings.max_seconds - start,
        tolerance=settings.tolerance * goal,
        without=-_between(settings) if before else None,
    )
    end = _end(speaking, last, room, settings, hear)
    if end.words == 0:
        return before, words, end.ending
    kept = audio if end.ending.at == "clip" else cut_at(audio, end.seconds)
    return [*before, kept], [*words, *own[: end.words]], end.ending


def _end(speaking: _Speaking, last: _Part, room: Room, settings: PromptSettings, hear: Hear) -> End:
    cut: Literal["word", "silence"] = "silence" if settings.cut == "silence" else "word"
    clip = LastClip(last.piece.audio, last.text.text, last.placed, last.piece.whole, speaking.language)
    end = find_end(clip, room, cut, hear)
    if end is None:
        raise DataError(
            f"voice {speaking.voice.name!r}: {last.piece.clip.path.name} has no {cut} to end at within "
            f"{room.most:.1f} s where what is heard before and after are its words; they may not be those spoken, or "
            "try "
            f"{'prompt.cut=word' if cut == 'silence' else 'another prompt.seconds or prompt.max_seconds'}"
        )
    return end


def corrupted(text: str, share: float, language: Language) -> str:
    """Returns the text with `share` of its words, at least one, replaced by wrong ones: always the same ones."""
    words = language.parted(text)
    chance = random.Random(digest({"text": text, "share": share}))
    wrong = chance.sample(range(len(words)), min(len(words), max(1, round(share * len(words)))))
    for index in wrong:
        right = words[index].lower().strip().strip(".,?!")
        words[index] = chance.choice([word for word in language.entry.wrong_words if word != right])
    return language.joined(words)
