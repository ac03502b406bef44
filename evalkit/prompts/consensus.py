"""Choosing among what several passes heard: a majority wins, else the one that is nearest to the others."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from evalkit.languages import Language, english
from evalkit.text import basic


@dataclass(frozen=True)
class Consensus:
    """The chosen text, which candidate it was, how many of how many agree, and how far apart they are.

    `spread` is the mean, over pairs of candidates, of character edits / length of the longer one, in [0, 1].
    """

    text: str
    index: int
    agreeing: int
    of: int
    spread: float

    @property
    def majority(self) -> str:
        """As people write it, e.g. `2/3`."""
        return f"{self.agreeing}/{self.of}"


def consensus(candidates: Sequence[str], language: Language | None = None) -> Consensus:
    """Returns what most agree on; without a majority, the candidate with the least total edit distance to the others.

    Candidates agree if they are equal but for white space, case and punctuation, and Chinese ones but for their script.
    Of equals, the first wins. No language is English.

    Raises:
        ValueError: No candidates.
    """
    if not candidates:
        raise ValueError("no candidates to choose from")
    alike = [_alike(candidate, language or english()) for candidate in candidates]
    common, count = Counter(alike).most_common(1)[0]
    if 2 * count > len(candidates):
        index = alike.index(common)
    else:
        totals = [sum(Levenshtein.distance(one, other) for other in alike) for one in alike]
        index = totals.index(min(totals))
        count = alike.count(alike[index])
    return Consensus(" ".join(candidates[index].split()), index, count, len(candidates), _spread(alike))


def same_text(text: str) -> str:
    """Returns the text with white space folded and punctuation at its end left out."""
    return re.sub(r"[\s.,!?;:…。！？；：，、]+$", "", " ".join(text.split()))


def _alike(text: str, language: Language) -> str:
    return spoken(text) if language.entry.spaces else "".join(language.characters(basic(language)(text)))


def spoken(text: str) -> str:
    """Returns what can be heard of a text: its words, without case and punctuation but apostrophes inside them."""
    apart = re.sub(r"[-\u2010-\u2015/]", " ", text.replace("\u2019", "'").casefold())
    kept = "".join(sign for sign in apart if sign == "'" or not unicodedata.category(sign).startswith("P"))
    return " ".join(word for part in kept.split() if (word := part.strip("'")))


def _spread(texts: Sequence[str]) -> float:
    pairs = [(one, other) for index, one in enumerate(texts) for other in texts[:index]]
    apart = [Levenshtein.normalized_distance(one, other) for one, other in pairs]
    return sum(apart) / len(apart) if apart else 0.0
