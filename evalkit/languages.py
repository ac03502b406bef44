"""Languages: one table of what differs between them: how words are written, how fast they are read, our phrases.

Whoever counts words, guesses durations or makes up texts asks here, so that a language is added in one place. What a
language without spaces has for words are its signs; words in other scripts among them stay whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import pairwise
from typing import Annotated, Any, Literal

import regex
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as validated

from evalkit.digest import Json
from evalkit.distributions import installed
from evalkit.errors import PackageError
from evalkit.manifest import read_manifest
from evalkit.resources import resource

ENGLISH = "en"
CONVERTER = "zhconv"  # the package that writes Chinese in one script

_SIGN = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー]"
_RUN = rf"(?:(?!{_SIGN})[\p{{L}}\p{{N}}\p{{M}}])+"
_UNIT = regex.compile(rf"{_RUN}(?:['’-]{_RUN})*|(?={_SIGN})\X")
_SPOKEN = regex.compile(r"[\p{L}\p{N}]")
_OPENING = regex.compile(r"[\p{Ps}\p{Pi}]*$")
_GRAPHEME = regex.compile(r"\X")
_CLOSED = ConfigDict(extra="forbid", allow_inf_nan=False)

Rate = Annotated[float, Field(gt=0, le=100)]
Texts = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=100)]


@validated(frozen=True, config=_CLOSED)
class Entry:
    """What the table says of a language; the values here are those of one that it does not have.

    Attributes:
        name: In English.
        spaces: Whether words are parted by spaces. Where they are not, signs are counted as words.
        normalizer: Of `whisper`: Whisper's English or its basic normaliser.
        marks: Marks on letters (vowels, tones): `keep`; or `drop`, where writers leave them out at will.
        script: What Chinese is written in before it is compared, in the words of `zhconv`; null: as it is.
        kin: Codes that a transcriber may as well give what is spoken.
        characters_per_second: That a reader speaks, spaces among them.
        read: Words per second of people who read aloud, the slowest and the fastest.
        possible: Words per second beyond which it is no speech.
        two_words: How many of what is counted as words are as much as two.
        phrases: That the closed loop lets engines speak.
        wrong_words: That `prompt.corrupt` puts in the place of right ones; two at least.
    """

    name: str = ""
    spaces: bool = True
    normalizer: Literal["whisper_english", "whisper_basic"] = "whisper_basic"
    marks: Literal["keep", "drop"] = "keep"
    script: Literal["zh-hans", "zh-hant", "zh-cn", "zh-tw", "zh-hk"] | None = None
    kin: Texts = ()
    characters_per_second: Rate = 13.0
    read: tuple[Rate, Rate] = (0.7, 6.5)
    possible: tuple[Rate, Rate] = (0.3, 10.0)
    two_words: Annotated[int, Field(ge=2, le=20)] = 2
    phrases: Texts = ()
    wrong_words: Texts = ()


@dataclass(frozen=True)
class Language:
    """A language by its code, and what the table says of it."""

    code: str
    entry: Entry

    def words(self, text: str) -> list[str]:
        """Returns what is counted as words of a normalised text."""
        return text.split() if self.entry.spaces else list(_units(text))

    def characters(self, text: str) -> Sequence[str]:
        """Returns the characters of a normalised text; without spaces between words, its graphemes and no spaces."""
        return text if self.entry.spaces else list(_graphemes(text))

    def parted(self, text: str) -> list[str]:
        """Returns the words of a text as they are written, punctuation with them; `joined` gives the text again."""
        return text.split() if self.entry.spaces else _pieces(" ".join(text.split()))

    def joined(self, pieces: Iterable[str]) -> str:
        """Returns pieces of `parted` as a text."""
        return (" " if self.entry.spaces else "").join(pieces).strip()

    def is_heard_as(self, code: str) -> bool:
        """Whether a transcriber that hears `code` hears this language."""
        return code == self.code or code in self.entry.kin

    def measures(self) -> dict[str, Json]:
        """Returns all of it that can change a score."""
        told = {key: value for key, value in asdict(self.entry).items() if key not in {"name", "phrases"}}
        told |= {key: list(value) for key, value in told.items() if isinstance(value, tuple)}
        if self.entry.script:
            told["converter"] = dict(installed([CONVERTER]))
        return told


@lru_cache(10_000)
def _units(text: str) -> tuple[str, ...]:
    return tuple(_UNIT.findall(text))


@lru_cache(10_000)
def _graphemes(text: str) -> tuple[str, ...]:
    return tuple(_GRAPHEME.findall("".join(text.split())))


def _pieces(text: str) -> list[str]:
    """Returns a text's units with the punctuation and space around them; an opening bracket goes with what follows."""
    spans = [match.span() for match in _UNIT.finditer(text) if _SPOKEN.search(match.group())]
    if not spans:
        return [text] if text else []
    cuts = [0]
    for (_, end), (start, _) in pairwise(spans):
        cuts.append(end + len(text[end:start]) - len(_OPENING.search(text[end:start]).group()))
    return [text[start:end] for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]


@dataclass(frozen=True)
class Languages:
    """The table: evalkit's own entries, and those that a user wrote over them."""

    entries: Mapping[str, Entry]
    own: frozenset[str] = frozenset()
    _found: dict[str, Language] = field(default_factory=dict, compare=False, repr=False)

    def __getitem__(self, code: str) -> Language:
        """Returns a language; one that the table lacks has the values that `Entry` has."""
        if code not in self._found:
            self._found[code] = Language(code, self.entries.get(code, Entry()))
        return self._found[code]

    def over(self, own: Mapping[str, Mapping[str, Any]]) -> "Languages":
        """Returns the table with a user's values laid over it, field by field.

        Raises:
            pydantic.ValidationError: What is no value of an entry.
        """
        if not own:
            return self
        entries = dict(self.entries)
        for code, values in own.items():
            entries[code] = Entry(**{**asdict(entries.get(code, Entry())), **values})
        return Languages(entries, self.own | frozenset(own))

    def unknown(self, codes: Iterable[str]) -> list[str]:
        """Returns those codes that no entry has."""
        return [code for code in dict.fromkeys(codes) if code not in self.entries]

    def identity(self, codes: Iterable[str]) -> dict[str, Json]:
        """Returns what scores in these languages depend on; English as it is shipped is left out.

        Its values are those that were in force before there was a table: reports from then still compare.
        """
        told = sorted(set(codes))
        return {code: self[code].measures() for code in told if code != ENGLISH or code in self.own}

    def require(self, codes: Iterable[str]) -> None:
        """Does nothing if texts in these languages can be compared.

        Raises:
            PackageError: The package that writes Chinese in one script is not here.
        """
        for code in dict.fromkeys(codes):
            if self[code].entry.script:
                require_converter(code)


def require_converter(code: str) -> None:
    """Does nothing if Chinese can be written in one script; `code` is the language's.

    Raises:
        PackageError: The package is not here.
    """
    if find_spec(CONVERTER) is None:
        raise PackageError(
            f"language {code}: its texts are compared in one script, for which the package {CONVERTER} is needed; "
            f"type: pip install {CONVERTER}; to compare them as they are written: +languages.{code}.script=null"
        )


@cache
def shipped() -> Languages:
    """Returns evalkit's own table, `configs/languages.yaml`."""
    return Languages(read_manifest(resource("configs/languages.yaml"), dict[str, Entry]))


def english() -> Language:
    """Returns English."""
    return shipped()[ENGLISH]
