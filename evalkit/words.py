"""Words in time: what a transcriber heard and when, and where the words of a given text must then lie."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

Normalise = Callable[[str], str]


@dataclass(frozen=True)
class Word:
    """A word and when it is spoken, in seconds from the start of the audio."""

    text: str
    start: float
    end: float


def words_in_time(text: str, heard: Sequence[Word], normalise: Normalise, *, whole: bool = True) -> list[Word]:
    """Returns the words of `text`, verbatim, with the times at which they were heard.

    Given and heard words are matched by minimal edits after normalisation; words that were heard otherwise share the
    time of what was heard instead of them, words that were not heard get the moment where they are missing.

    Args:
        text: The given words.
        heard: The transcriber's, in order.
        normalise: Maps a text to what counts as the same.
        whole: False if the audio may end before the text does: what follows the words that fit best is left out.
    """
    given, owners = _flatten(text.split(), normalise)
    sounds, sources = _flatten([word.text for word in heard], normalise)
    if not whole:
        given = given[: _best_prefix(given, sounds)]
        owners = owners[: len(given)]
    spans = _spans(given, sounds, [heard[index] for index in sources])
    return _joined(text.split(), owners, spans, normalise)


def error_rate(text: str, heard: Sequence[Word], normalise: Normalise, *, whole: bool = True) -> float | None:
    """Returns the share of edits between given and heard words; None if there are no given words."""
    given, _ = _flatten(text.split(), normalise)
    sounds, _ = _flatten([word.text for word in heard], normalise)
    if not whole:
        given = given[: _best_prefix(given, sounds)]
    return Levenshtein.distance(given, sounds) / len(given) if given else None


def _flatten(words: Sequence[str], normalise: Normalise) -> tuple[list[str], list[int]]:
    """Returns normalised words, and for each the index of the word it came from ("forty-two" gives two)."""
    pairs = [(part, index) for index, word in enumerate(words) for part in normalise(word).split()]
    return [part for part, _ in pairs], [index for _, index in pairs]


def _best_prefix(given: Sequence[str], sounds: Sequence[str]) -> int:
    """Returns how many given words fit the heard ones best; the fewest of equals."""
    longest = min(len(given), 2 * len(sounds) + 5)
    distances = [Levenshtein.distance(given[:length], sounds) for length in range(longest + 1)]
    return distances.index(min(distances))


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
