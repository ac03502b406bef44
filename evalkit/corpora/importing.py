"""Speakers of a source become voices of a folder, one after the other; what is there stays as it is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from evalkit.corpora.base import Kind, Source, Speaker
from evalkit.corpora.naming import language_code, voice_name
from evalkit.corpora.splitting import Wanted, by_digest
from evalkit.corpora.writing import Built, build, put, refuse_strangers, scratch_for
from evalkit.errors import DataError
from evalkit.names import shortened

State = Literal["written", "there already", "left out"]
SHOWN = 8  # speakers that a message names


@dataclass(frozen=True)
class Given:
    """What was typed of every voice; None: what the source says."""

    language: str | None = None
    licence: str | None = None
    source: str | None = None

    def to(self, speaker: Speaker) -> Speaker:
        """Returns a speaker with it.

        Raises:
            DataError: The language is none.
        """
        language = self.language or speaker.language
        return replace(
            speaker,
            language=language_code(language, f"speaker {shortened(speaker.id)!r}") if language else None,
            licence=self.licence or speaker.licence,
            source=self.source or speaker.source,
        )


@dataclass(frozen=True)
class Imported:
    """A speaker, the voice's name, and what became of it."""

    speaker: str
    name: str
    state: State
    built: Built = field(default_factory=Built)


@dataclass
class Import:
    """An import: `force` replaces voices that an import wrote before.

    Attributes:
        kind: Of the source.
        source: What is imported.
        target: The folder of voices.
        wanted: Clips of each voice.
        given: What was typed of every voice.
        force: Whether voices are written anew.
        taken: SHA-256 of the clips written so far.
    """

    kind: Kind
    source: Source
    target: Path
    wanted: Wanted
    given: Given
    force: bool = False
    taken: frozenset[str] = frozenset()

    def voice(self, speaker: Speaker, scratch: Path, good: Callable[[Built], bool] = lambda _: True) -> Imported:
        """Writes the voice of a speaker, its clips first to a folder in `scratch`; leaves it out where it is not good.

        Raises:
            DataError: What the source says cannot be.
            StorageError: The disk refused, or what is there was not written by an import.
        """
        name = voice_name(speaker.id)
        place = self.target / name
        if self.force:
            refuse_strangers(place)
        elif place.exists() or place.is_symlink():
            return Imported(speaker.id, name, "there already")
        with scratch_for(scratch / name) as folder:
            built = build(self.given.to(speaker), self.kind, self.wanted, folder, (self.source.root, self.taken))
            if not built.prompts or not good(built):
                return Imported(speaker.id, name, "left out", built)
            if scratch == self.target:
                put(folder, place)
        self.taken |= built.sha256
        return Imported(speaker.id, name, "written", built)


def chosen(speakers: Sequence[Speaker], names: Sequence[str] | None) -> list[Speaker]:
    """Returns the speakers of these names (theirs or their voices'), in that order; all sorted by name where None.

    Raises:
        DataError: There is none of that name, or two would share a voice's name.
    """
    by_name = {speaker.id: speaker for speaker in speakers}
    by_name = {**{voice_name(name): speaker for name, speaker in by_name.items()}, **by_name}
    if names is None:
        return sorted(speakers, key=lambda speaker: speaker.id)
    if unknown := [name for name in names if name not in by_name]:
        there = sorted(speaker.id for speaker in speakers)
        more = f" and {len(there) - SHOWN} more" if len(there) > SHOWN else ""
        raise DataError(f"--names: there is no speaker {unknown[0]!r}; there are: {', '.join(there[:SHOWN])}{more}")
    return list({id(by_name[name]): by_name[name] for name in names}.values())


def in_their_order(speakers: Sequence[Speaker]) -> list[Speaker]:
    """Returns speakers in the order in which the first few are taken: that of their names' digests."""
    return sorted(speakers, key=lambda speaker: by_digest(speaker.id))


def import_all(work: Import, speakers: Sequence[Speaker], most: int | None, scratch: Path) -> Iterator[Imported]:
    """Imports speakers; gives what became of each as it is done.

    Args:
        work: The import.
        speakers: In order.
        most: Voices that are wanted: the first that have clips to hold out, then, if need be, of those that have none.
            None: all.
        scratch: The folder of voices; any other one: then nothing is kept (a dry run).
    """
    if most is None:
        yield from (work.voice(speaker, scratch) for speaker in speakers)
        return
    done, poorer = 0, []
    for speaker in speakers:
        if done == most:
            return
        found = work.voice(speaker, scratch, _holds_out)
        done += found.state != "left out"
        if found.state == "left out" and found.built.prompts:
            poorer.append(speaker)
        else:
            yield found
    yield from (work.voice(speaker, scratch) for speaker in poorer[: most - done])


def _holds_out(built: Built) -> bool:
    return bool(built.held_out)
