"""Words in time: what a transcriber heard, where the words of a given text must then lie, which of them a cut parts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

Normalise = Callable[[str], str]
Parted = Callable[
    [str], list[str]
]  # a text's words as they are written; `Language.parted` of where no space parts them


@dataclass(frozen=True)
class Word:
    """A word and when it is spoken, in seconds from the start of the audio."""

    text: str
    start: float
    end: float


def words_in_time(
    text: str, heard: Sequence[Word], normalise: Normalise, parted: Parted = str.split, *, whole: bool = True
) -> list[Word]:
    """Returns the words of `text`, verbatim, with the times at which they were heard.

    Given and heard words are matched by minimal edits after normalisation; words that were heard otherwise share the
    time of what was heard instead of them, words that were not heard get the moment where they are missing. What was
    heard as one word, and are several by `parted`, has its time shared among them.

    Args:
        text: The given words.
        heard: The transcriber's, in order.
        normalise: Maps a text to what counts as the same.
        parted: Parts a text into words.
        whole: False if the audio may end before the text does: what follows the words that fit best is left out.
    """
    words, heard = parted(text), [part for word in heard for part in _shares(word, parted)]
    given, owners = _flatten(words, normalise, parted)
    sounds, sources = _flatten([word.text for word in heard], normalise, parted)
    if not whole:
        given = given[: _best_prefix(given, sounds)]
        owners = owners[: len(given)]
    spans = _spans(given, sounds, [heard[index] for index in sources])
    return _joined(words, owners, spans, normalise)


def _shares(word: Word, parted: Parted) -> Iterator[Word]:
    """Gives the parts of what was heard as one word, each with as much of its time."""
    parts = parted(word.text) or [word.text]
    each = (word.end - word.start) / len(parts)
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        yield Word(part, word.start + index * each, word.end if last else word.start + (index + 1) * each)


def error_rate(
    text: str, heard: str, normalise: Normalise, parted: Parted = str.split, *, whole: bool = True
) -> float | None:
    """Returns the share of edits between given and heard words; None if there are no given words."""
    (given, _), (sounds, _) = (_flatten(parted(said), normalise, parted) for said in (text, heard))
    if not whole:
        given = given[: _best_prefix(given, sounds)]
    return Levenshtein.distance(given, sounds) / len(given) if given else None


@dataclass(frozen=True)
class BothSides:
    """What was heard on both sides of a cut through speech whose words are given.

    Attributes:
        before: What precedes the cut.
        after: What follows it.
        from_start: Whether `before` was heard from the first given word on.
        to_end: Whether `after` was heard to the last given word.
    """

    before: str
    after: str
    from_start: bool = True
    to_end: bool = True


def words_before(
    text: str, heard: BothSides, expected: int, normalise: Normalise, parted: Parted = str.split
) -> int | None:
    """Returns how many words of `text` lie before a cut, by what was heard on both sides of it; None if it parts none.

    The stretches of the given words that fit both sides best must meet there, and the last word before and the first
    one after must have been heard as they are given. Where a text that repeats itself has several such places, the one
    nearest to the expected counts.

    Args:
        text: The given words.
        heard: The transcriber's, on both sides.
        expected: How many words are likely to lie before the cut.
        normalise: Maps a text to what counts as the same.
        parted: Parts a text into words.
    """
    given, owners = _flatten(parted(text), normalise, parted)
    (before, _), (after, _) = (_flatten(parted(side), normalise, parted) for side in (heard.before, heard.after))
    if not before or not after:
        return None
    ends = _misfits(given, before, anchored=heard.from_start)
    starts = _misfits(given[::-1], after[::-1], anchored=heard.to_end)[::-1]
    places = [
        owners[place]
        for place in range(1, len(given))
        if (ends[place], starts[place]) == (min(ends), min(starts))
        and (given[place - 1], given[place]) == (before[-1], after[0])
        and owners[place - 1] != owners[place]
    ]
    return min(places, key=lambda place: abs(place - expected), default=None)


def _flatten(words: Sequence[str], normalise: Normalise, parted: Parted) -> tuple[list[str], list[int]]:
    """Returns normalised words, and for each the index of the word it came from ("forty-two" gives two)."""
    pairs = [(part.strip(), index) for index, word in enumerate(words) for part in parted(normalise(word))]
    return [part for part, _ in pairs], [index for _, index in pairs]


def _best_prefix(given: Sequence[str], sounds: Sequence[str]) -> int:
    """Returns how many given words fit the heard ones best; the fewest of equals."""
    longest = min(len(given), 2 * len(sounds) + 5)
    distances = [Levenshtein.distance(given[:length], sounds) for length in range(longest + 1)]
    return distances.index(min(distances))


def _misfits(given: Sequence[str], heard: Sequence[str], *, anchored: bool) -> list[int]:
    """Returns the least edits between heard words and a stretch of the given ones, for each place where it may end.

    Place n is behind n given words. An anchored stretch begins at the first given word, another one anywhere.
    """
    row = list(range(len(given) + 1)) if anchored else [0] * (len(given) + 1)
    for word in heard:
        above, row = row, [row[0] + 1]
        for place, other in enumerate(given, start=1):
            row.append(min(above[place] + 1, row[-1] + 1, above[place - 1] + (word != other)))
    return row


def _spans(given: Sequence[str], sounds: Sequence[str], heard: Sequence[Word]) -> list[tuple[float, float]]:
    """Returns start and end of each given word."""
    spans: list[tuple[float, float]] = [(0.0, 0.0)] * len(given)
    for step in Levenshtein.opcodes(given, sounds):
        count = step.src_end - step.src_start
        if step.tag == "delete":
            moment = heard[step.dest_start - 1].end if step.dest_start else 0.0
            spans[step.src_start : step.src_end] = [(moment, moment)] * count
        elif step.tag != "insert":
            start, end = heard[step.dest_start].start, heard[step.dest_end - 1].end
            if step.tag == "equal":
                matched = heard[step.dest_start : step.dest_end]
                spans[step.src_start : step.src_end] = [(word.start, word.end) for word in matched]
            else:
                each = (end - start) / count
                spans[step.src_start : step.src_end] = [
                    (start + index * each, start + (index + 1) * each) for index in range(count)
                ]
    return spans


def _joined(
    words: Sequence[str], owners: Sequence[int], spans: Sequence[tuple[float, float]], normalise: Normalise
) -> list[Word]:
    """Returns the words that have a time; one without a sound (a dash) goes with the word before it."""
    placed: list[Word] = []
    for index, word in enumerate(words):
        own = [span for owner, span in zip(owners, spans, strict=True) if owner == index]
        if own:
            placed.append(Word(word, own[0][0], own[-1][1]))
        elif normalise(word):  # the audio ended before it
            break
        else:
            moment = placed[-1].end if placed else 0.0
            placed.append(Word(word, moment, moment))
    return placed
