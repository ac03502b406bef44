"""What reports name, and what of a store none names: that may go, and a kept report's run is still repeated for free.

Rows name syntheses, their sounds and their prompts; reports name the voices' recordings; judgements name their sound.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from evalkit.errors import DataError
from evalkit.pipeline.artefacts import JUDGEMENTS, KINDS, PROMPT, SOUND, SYNTHESIS, BuiltPrompt, Made, judged_sound
from evalkit.record import Report
from evalkit.reports.files import REPORT_FILE, ROWS_FILE, read_report, read_rows
from evalkit.row import Row
from evalkit.store.artefacts import Artefacts
from evalkit.store.base import Held, Pile, Shelf, Store
from evalkit.store.codecs import Kind

Item = TypeVar("Item")
CHUNK = 256  # artefacts read or removed at a time


class Watched(Protocol):
    """Gives items on, and shows somebody how far it is."""

    def __call__(self, items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
        """Gives the `total` items of which `what` says what they are."""


@dataclass
class Named:
    """What reports name.

    Attributes:
        reports: How many there are.
        syntheses: Keys of syntheses.
        sounds: Addresses of sounds: of syntheses, prompts and recordings.
        prompts: Content addresses of prompts.
        unfinished: Ids of interrupted runs: what they made belongs to them, be there a row of it or not.
        unread: Why reports cannot be read; with any, what is named is not known.
    """

    reports: int = 0
    syntheses: set[str] = field(default_factory=set)
    sounds: set[str] = field(default_factory=set)
    prompts: set[str] = field(default_factory=set)
    unfinished: set[str] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)

    def add(self, folder: Path) -> None:
        """Adds what the report in a folder names.

        Raises:
            DataError: Report or rows cannot be read.
        """
        for path in (folder / REPORT_FILE, folder / ROWS_FILE):
            if path.exists() and not path.is_file():
                raise DataError(f"{path} is no file")
        rows = list(read_rows(folder)) if (folder / ROWS_FILE).exists() else []
        for row in rows:
            self._add_row(row)
        if (folder / REPORT_FILE).exists():
            self._add_report(read_report(folder), folder, len(rows))
        self.reports += 1

    def _add_report(self, report: Report, folder: Path, rows: int) -> None:
        self.sounds.update(address for own in report.recordings.values() for address in own)
        if report.status == "interrupted":
            self.unfinished.add(report.run_id)
        if (counted := sum(trial.n for trial in report.trials)) > rows:
            raise DataError(f"{folder} has {rows} rows in {ROWS_FILE}, its {REPORT_FILE} counts {counted}")

    def _add_row(self, row: Row) -> None:
        if row.synthesis is not None:
            self.syntheses.add(row.synthesis)
        if row.audio is not None:
            self.sounds.add(row.audio)
        if row.prompt is not None:
            self.prompts.add(row.prompt.sha256)
            if row.prompt.sound is not None:
                self.sounds.add(row.prompt.sound)


def named_by(reports: Path) -> Named:
    """Returns what all reports below a folder name, wherever in it they lie."""
    named = Named()
    for folder in _run_folders(reports, named.unread):
        try:
            named.add(folder)
        except DataError as error:
            named.unread.append(str(error))
    return named


def _run_folders(reports: Path, unread: list[str]) -> Iterator[Path]:
    """Gives the folders with a report or rows; linked ones too, each once."""
    seen = set()

    def note(error: OSError) -> None:
        unread.append(f"{error.filename} cannot be looked through: {error.strerror}")

    for path, folders, files in os.walk(reports, onerror=note, followlinks=True):
        if (real := os.path.realpath(path)) in seen:
            folders.clear()
            continue
        seen.add(real)
        if {REPORT_FILE, ROWS_FILE} & {*files, *folders}:
            yield Path(path)


@dataclass(frozen=True)
class Survey:
    """A store's artefacts by kind: those that are named, and those that are not."""

    kept: dict[str, Pile]
    unnamed: dict[str, list[Held]]

    def of(self, kind: Shelf) -> Pile:
        """Returns how much of a kind is not named."""
        return Pile(len(self.unnamed[kind.name]), sum(held.bytes for held in self.unnamed[kind.name]))

    @property
    def all(self) -> Pile:
        """How much is not named."""
        return sum((self.of(kind) for kind in KINDS), Pile())

    def agreed(self, other: "Survey") -> "Survey":
        """Returns this survey with only those unnamed that are so in the other too."""
        too = {name: {held.key for held in found} for name, found in other.unnamed.items()}
        both = {name: [held for held in found if held.key in too[name]] for name, found in self.unnamed.items()}
        return Survey(self.kept, both)


def survey(artefacts: Artefacts, named: Named, watched: Watched) -> Survey:
    """Returns what of a store is named; nothing is changed.

    Records are read, since they say which sound is theirs today: an engine that speaks anew may say it otherwise.
    """
    held = {kind.name: list(artefacts.store.listing(kind)) for kind in KINDS}
    wanted = {SYNTHESIS.name: set(named.syntheses), PROMPT.name: set[str](), SOUND.name: set(named.sounds)}
    for key, made in _records(artefacts, SYNTHESIS, held, watched):
        if key in named.syntheses or made.run in named.unfinished:
            wanted[SYNTHESIS.name].add(key)
            wanted[SOUND.name].add(made.sound)
    for key, prompt in _records(artefacts, PROMPT, held, watched):
        if prompt.sha256 in named.prompts:
            wanted[PROMPT.name].add(key)
            wanted[SOUND.name].add(prompt.sound)
    sounds = wanted[SOUND.name]
    for kind in JUDGEMENTS:
        wanted[kind.name] = {one.key for one in held[kind.name] if judged_sound(one.key) in sounds}
    unnamed = {name: [one for one in found if one.key not in wanted[name]] for name, found in held.items()}
    kept = {
        name: sum((Pile(1, one.bytes) for one in found if one.key in wanted[name]), Pile())
        for name, found in held.items()
    }
    return Survey(kept, unnamed)


Record = TypeVar("Record", Made, BuiltPrompt)


def _records(
    artefacts: Artefacts, kind: Kind[Record], held: dict[str, list[Held]], watched: Watched
) -> Iterator[tuple[str, Record]]:
    keys = [one.key for one in held[kind.name]]
    looked = artefacts.look(kind, keys)
    for key, value in watched(looked, f"reading {kind.name}", len(keys)):
        if value is not None:
            yield key, value


def remove(store: Store, unwanted: Survey, watched: Watched) -> None:
    """Destroys what a survey found unnamed: records and judgements before sounds, so that no record is left without.

    Raises:
        StorageError: Something cannot be destroyed.
    """
    for kind in sorted(KINDS, key=lambda kind: kind is SOUND):  # False comes first
        keys = [held.key for held in unwanted.unnamed[kind.name]]
        for chunk in watched(_chunks(keys), f"removing {kind.name}", -(-len(keys) // CHUNK)):
            store.remove(kind, chunk)


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))
