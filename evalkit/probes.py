"""Probe sets: versioned texts that every trial speaks."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as validated

from evalkit.errors import DataError
from evalkit.manifest import read_manifest
from evalkit.names import name_fault, text_fault


@dataclass(frozen=True)
class Probe:
    """One text to synthesise; `language` is an ISO 639-1 code."""

    id: str
    text: str
    language: str

    def __post_init__(self) -> None:
        if fault := name_fault(self.id):
            raise DataError(f"the probe id {self.id!r} {fault}; give it another one")
        if fault := text_fault(self.text):
            raise DataError(f"the text of probe {self.id!r} {fault}")


@dataclass(frozen=True)
class ProbeSet:
    """Probes under a name and a version; a changed text is a new version."""

    name: str
    version: int
    probes: tuple[Probe, ...]

    def only(self, ids: list[str] | None) -> "ProbeSet":
        """Returns the set with just these probes, in this order (None: all).

        Raises:
            DataError: An id that the set lacks.
        """
        if ids is None:
            return self
        by_id = {probe.id: probe for probe in self.probes}
        if unknown := [id for id in ids if id not in by_id]:
            raise DataError(f"probe set {self.name!r} has no probe {unknown[0]!r}; it has: {', '.join(by_id)}")
        return ProbeSet(self.name, self.version, tuple(by_id[id] for id in dict.fromkeys(ids)))


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class _ProbeEntry:
    id: str
    text: str


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class _ProbeFile:
    name: str
    version: int
    language: str
    probes: list[_ProbeEntry]


def read_probes(path: Path) -> ProbeSet:
    """Reads a probe set.

    Raises:
        DataError: Not a probe set, no probes, an id twice, or an empty text.
    """
    file = read_manifest(path, _ProbeFile)
    if not file.probes:
        raise DataError(f"{path} has no probes")
    twice = [id for id, count in Counter(entry.id for entry in file.probes).items() if count > 1]
    if twice:
        raise DataError(f"{path}: the probe id {twice[0]!r} is used twice; ids name the rows of a report")
    if empty := [entry.id for entry in file.probes if not entry.text.strip()]:
        raise DataError(f"{path}: probe {empty[0]!r} has an empty text")
    if fault := name_fault(file.name):
        raise DataError(f"{path}: the name {file.name!r} {fault}; give it another one")
    try:
        probes = tuple(Probe(entry.id, entry.text.strip(), file.language) for entry in file.probes)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    return ProbeSet(file.name, file.version, probes)
