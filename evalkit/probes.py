"""Probe sets: versioned texts that every trial speaks, of one or several kinds (strata)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as validated

from evalkit.errors import DataError
from evalkit.manifest import read_manifest
from evalkit.names import name_fault, text_fault


@dataclass(frozen=True)
class Probe:
    """One text to synthesise; `language` is an ISO 639-1 code, `stratum` the kind of text that it is in its set."""

    id: str
    text: str
    language: str
    stratum: str | None = None

    def __post_init__(self) -> None:
        if fault := name_fault(self.id):
            raise DataError(f"the probe id {self.id!r} {fault}; give it another one")
        if fault := text_fault(self.text):
            raise DataError(f"the text of probe {self.id!r} {fault}")
        if self.stratum is not None and (fault := name_fault(self.stratum)):
            raise DataError(f"the stratum {self.stratum!r} of probe {self.id!r} {fault}; give it another one, or none")


@dataclass(frozen=True)
class ProbeSet:
    """Probes under a name and a version; a changed text is a new version."""

    name: str
    version: int
    probes: tuple[Probe, ...]

    @property
    def strata(self) -> tuple[str, ...]:
        """The strata of its probes, in their order."""
        return tuple(dict.fromkeys(probe.stratum for probe in self.probes if probe.stratum is not None))

    def only(self, ids: Sequence[str] | None = None, strata: Sequence[str] | None = None) -> "ProbeSet":
        """Returns the set with just the probes that have one of these ids and are of one of these strata (None: any).

        They come in the order of `ids` if these are given, else in that of the set.

        Raises:
            DataError: An id or a stratum that the set lacks, or no probe has both.
        """
        chosen = self.probes if ids is None else self._named(ids)
        if strata is not None:
            self._require_strata(strata)
            found = tuple(probe for probe in chosen if probe.stratum in strata)
            if not found:
                of_ids = ", ".join(f"{probe.id} ({probe.stratum or 'none'})" for probe in chosen)
                raise DataError(
                    f"probe set {self.name!r}: no probe among the ids chosen is of the strata {', '.join(strata)}; "
                    f"they are: {of_ids}; leave out probes.ids or probes.strata"
                )
            chosen = found
        return replace(self, probes=chosen)

    def _named(self, ids: Sequence[str]) -> tuple[Probe, ...]:
        by_id = {probe.id: probe for probe in self.probes}
        if unknown := [id for id in ids if id not in by_id]:
            raise DataError(f"probe set {self.name!r} has no probe {unknown[0]!r}; it has: {', '.join(by_id)}")
        return tuple(by_id[id] for id in dict.fromkeys(ids))

    def _require_strata(self, strata: Sequence[str]) -> None:
        if unknown := [stratum for stratum in strata if stratum not in self.strata]:
            raise DataError(
                f"probe set {self.name!r} has no stratum {unknown[0]!r}; it has: {', '.join(self.strata) or 'none'}"
            )


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class _ProbeEntry:
    id: str
    text: str
    stratum: str | None = None
    language: str | None = None


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class _ProbeFile:
    name: str
    version: int
    language: str
    probes: list[_ProbeEntry]


def read_probes(path: Path) -> ProbeSet:
    """Reads a probe set; a probe may name another language than its set.

    Raises:
        DataError: Not a probe set, no probes, an id twice, an empty text, or what is no name.
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
        probes = tuple(
            Probe(entry.id, entry.text.strip(), entry.language or file.language, entry.stratum) for entry in file.probes
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    return ProbeSet(file.name, file.version, probes)
