"""Columns of tables and data sets, by the names that they usually have; and rows, gathered by speaker."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from evalkit.corpora.base import Speaker, Take
from evalkit.errors import DataError
from evalkit.names import LONGEST_TEXT, shortened

USUAL = {
    "audio": ("audio", "audio_path", "audio_file", "file", "path", "wav", "file_name", "filename"),
    "text": ("text", "sentence", "transcript", "transcription", "normalized_text", "text_normalized", "words"),
    "speaker": ("speaker", "speaker_id", "client_id", "spk_id", "spk", "speaker_name", "voice", "reader_id"),
    "session": ("session", "session_id", "chapter_id", "chapter", "recording_id", "recording"),
    "language": ("language", "locale", "lang"),
    "use": ("use",),
    "licence": ("licence", "license"),
    "source": ("source",),
}
Raw = TypeVar("Raw")
REQUIRED = ("audio", "speaker")
LONGEST_ID = 1000  # characters of a speaker's name


@dataclass(frozen=True)
class Facts:
    """What a row says of its speaker."""

    language: str | None = None
    licence: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Columns:
    """Which column says what: `names` has those that are there."""

    names: Mapping[str, str]

    @classmethod
    def found(cls, there: Sequence[str], typed: Mapping[str, str], where: str) -> "Columns":
        """Returns the columns, those that were typed or those with a usual name.

        Raises:
            DataError: One that was typed, or is needed, is not there.
        """
        for meaning, name in typed.items():
            if name not in there:
                raise DataError(f"{where}: no column {name!r} (--column {meaning}={name}); it has: {_listed(there)}")
        small = {name.strip().lower(): name for name in reversed(there)}
        names = {
            meaning: next((small[name] for name in usual if name in small), None) for meaning, usual in USUAL.items()
        }
        names |= typed
        if missing := [meaning for meaning in REQUIRED if names[meaning] is None]:
            raise DataError(
                f"{where}: no column tells the {missing[0]}; it has: {_listed(there)}; say which: "
                f"--column {missing[0]}=NAME"
            )
        return cls({meaning: name for meaning, name in names.items() if name is not None})

    def optional(self, row: Mapping[str, Any], meaning: str, where: str) -> str | None:
        """Returns what a row says, None where it says nothing.

        Raises:
            DataError: It is no text and no whole number.
        """
        value = row.get(self.names.get(meaning, ""))
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise DataError(f"{where}: {meaning} is {shortened(repr(value))}; expected text")
        if isinstance(value, int):
            return str(value) if abs(value) < 1 << 64 else None
        if len(value) > LONGEST_TEXT:
            raise DataError(f"{where}: {meaning} is too long: {len(value)} characters, {LONGEST_TEXT} are allowed")
        return value.strip() or None

    def required(self, row: Mapping[str, Any], meaning: str, where: str) -> str:
        """Returns what a row says.

        Raises:
            DataError: It says nothing.
        """
        if (value := self.optional(row, meaning, where)) is None:
            raise DataError(f"{where}: it tells no {meaning}")
        return value

    def speaker_of(self, row: Mapping[str, Any], where: str) -> str:
        """Returns a row's speaker.

        Raises:
            DataError: It tells none, or no name that anybody has.
        """
        name = self.required(row, "speaker", where)
        if len(name) > LONGEST_ID:
            raise DataError(f"{where}: the speaker {shortened(name)!r} has {len(name)} characters; give it a name")
        return name

    def facts(self, row: Mapping[str, Any], where: str) -> Facts:
        """Returns what a row says of its speaker."""
        return Facts(*(self.optional(row, meaning, where) for meaning in ("language", "licence", "source")))


def speakers_of(rows: Iterable[tuple[str, Facts, Raw]], take: Callable[[Raw], Take]) -> Iterator[Speaker]:
    """Gives the speakers of rows, in the order of their first.

    Args:
        rows: A speaker, what is said of it, and what a take is made of: kept as it is, since there may be many.
        take: Makes it.

    Raises:
        DataError: Two rows of a speaker tell different languages, licences or sources.
    """
    kept: dict[str, list[Raw]] = {}
    told: dict[str, Facts] = {}
    for name, facts, raw in rows:
        kept.setdefault(name, []).append(raw)
        known = told.setdefault(name, facts)
        if facts != known:
            told[name] = _merged(known, facts, take(raw).where, name)
    for name, own in kept.items():
        facts = told[name]
        yield Speaker(name, partial(_takes, own, take), "", facts.language, facts.licence, facts.source)


def _takes(own: Sequence[Raw], take: Callable[[Raw], Take]) -> list[Take]:
    return [take(raw) for raw in own]


def _merged(known: Facts, facts: Facts, where: str, name: str) -> Facts:
    merged = {}
    for key, value in vars(facts).items():
        before = getattr(known, key)
        if value is not None and before is not None and value != before:
            raise DataError(
                f"{where}: the {key} of speaker {shortened(name)!r} is {shortened(value)!r}, before it was "
                f"{shortened(before)!r}; a voice has one: give the speaker two names, or mend the table"
            )
        merged[key] = value or before
    return Facts(**merged)


def _listed(names: Sequence[str]) -> str:
    return shortened(", ".join(names), 200) or "none"
