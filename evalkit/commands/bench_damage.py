"""Damage done on purpose: one artefact of a finished run of the fakes is spoiled, and the same run typed again.

What should come of it: the run notices, says so once, makes the artefact again, and all rows are what they were.
"""

import json
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit.commands.bench_bed import Bed
from evalkit.pipeline.artefacts import (
    ACOUSTICS,
    EMBEDDING,
    KINDS,
    PROMPT,
    QUALITY,
    SOUND,
    SPEECH,
    SYNTHESIS,
    TRANSCRIPT,
    judged_sound,
)
from evalkit.reports.files import read_report
from evalkit.store.artefacts import Artefacts, named
from evalkit.store.base import Shelf
from evalkit.store.directory import Directory

TIMED = ("rtf", "memory_bytes", "device_memory_bytes", "first_audio_seconds")  # scores that no two runs share
TOLD = "damaged in the store"

Place = tuple[Shelf, str]  # a kind and a key
Damage = Callable[[Path, Path, random.Random], None]  # of a file; the second is another artefact's of its kind


def _truncate(path: Path, other: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: chance.randrange(1, path.stat().st_size)])


def _empty(path: Path, other: Path, chance: random.Random) -> None:
    path.write_bytes(b"")


def _flip(path: Path, other: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def _replace(path: Path, other: Path, chance: random.Random) -> None:
    shutil.copyfile(other, path)


def _make_unreadable(path: Path, other: Path, chance: random.Random) -> None:
    path.unlink()  # not by its permissions: who may do everything reads it all the same
    path.mkdir()


def _remove(path: Path, other: Path, chance: random.Random) -> None:
    path.unlink()


MISSING = "missing"
DAMAGES: Mapping[str, Damage] = {
    "truncated": _truncate,
    "emptied": _empty,
    "bit flipped": _flip,
    "another's": _replace,
    "unreadable": _make_unreadable,
    MISSING: _remove,
}


@dataclass(frozen=True)
class Victim:
    """An artefact to be damaged, and those taken away so that the run must read it."""

    kind: Shelf
    key: str
    away: tuple[Place, ...] = ()

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.kind, self.key


def _judgement(kind: Shelf) -> Callable[[Bed, random.Random], Victim]:
    def choose(bed: Bed, chance: random.Random) -> Victim:
        sounds = {row.audio for row in bed.rows()}
        sounds.update(address for own in read_report(bed.folder).recordings.values() for address in own)
        return Victim(kind, chance.choice([key for key in bed.keys(kind) if judged_sound(key) in sounds]))

    return choose


def _spoken(bed: Bed, chance: random.Random) -> Victim:
    sound = str(chance.choice(bed.rows()).audio)
    return Victim(SOUND, sound, tuple((TRANSCRIPT, key) for key in bed.keys(TRANSCRIPT) if judged_sound(key) == sound))


def _given(bed: Bed, chance: random.Random) -> Victim:
    row = chance.choice(bed.rows())
    if row.prompt is None:
        raise AssertionError(row)
    return Victim(SOUND, str(row.prompt.sound), ((SYNTHESIS, str(row.synthesis)),))


def _span(bed: Bed, chance: random.Random) -> Victim:
    return Victim(SPEECH, chance.choice(bed.keys(SPEECH)), tuple((PROMPT, key) for key in bed.keys(PROMPT)))


VICTIMS: Mapping[str, Callable[[Bed, random.Random], Victim]] = {
    "sound of a synthesis": _spoken,
    "sound of a prompt": _given,
    "prompt": lambda bed, chance: Victim(PROMPT, chance.choice(bed.keys(PROMPT))),
    "synthesis": lambda bed, chance: Victim(SYNTHESIS, chance.choice(bed.keys(SYNTHESIS))),
    "transcript": _judgement(TRANSCRIPT),
    "speech": _span,
    "embedding": _judgement(EMBEDDING),
    "quality": _judgement(QUALITY),
    "acoustics": _judgement(ACOUSTICS),
}


@dataclass(frozen=True)
class Found:
    """What became of cases.

    Attributes:
        cases: How many.
        told: Of which just this was said, once, that is to be said.
        kept: Whose damaged file was set aside.
        mended: Whose artefact is there again, and whole.
        tracebacks: That ended with one.
        failed: That ended with an exit code other than 0.
        changed: That changed a row.
        said: What the last one that is not as it should be said.
    """

    cases: int = 0
    told: int = 0
    kept: int = 0
    mended: int = 0
    tracebacks: int = 0
    failed: int = 0
    changed: int = 0
    said: str = ""

    def __add__(self, other: "Found") -> "Found":
        counts = {name: value + vars(other)[name] for name, value in vars(self).items() if name != "said"}
        return replace(self, **counts, said=other.said or self.said)

    @property
    def is_right(self) -> bool:
        """Whether all are as they should be."""
        good = self.told == self.kept == self.mended == self.cases
        return good and not self.tracebacks + self.failed + self.changed


def damaged(bed: Bed, scratch: Path, cases: Sequence[tuple[Victim, str]], chance: random.Random) -> Found:
    """Returns what becomes of a copy of the bed's store, in `scratch`, in which several artefacts are damaged at once.

    One at a time tells which did what; what is counted by run (tracebacks, exit codes, changed rows) counts for each.
    """
    store = scratch / "store"
    shutil.copytree(bed.root / "store", store)
    for kind, key in {place for victim, _ in cases for place in victim.away} - {victim.place for victim, _ in cases}:
        _file(store, kind, key).unlink()
    for victim, way in cases:
        other = chance.choice([key for key in bed.keys(victim.kind) if key != victim.key])
        DAMAGES[way](_file(store, victim.kind, victim.key), _file(bed.root / "store", victim.kind, other), chance)
    code, said = bed.run(store, scratch / "reports")
    changed = _without_times(scratch / "reports") != _without_times(bed.root / "reports")
    lines = [line for line in said.splitlines() if line.startswith(TOLD)]
    expected = sum(way != MISSING for _, way in cases)
    found = Found()
    for victim, way in cases:
        own = sum(named(victim.kind, victim.key) in line for line in lines)
        found += Found(
            cases=1,
            told=own == (way != MISSING) and len(lines) == expected,
            kept=len(list((store / ".damaged").glob(f"*/{victim.key}*"))) == (way != MISSING),
            mended=_is_whole(store, victim),
            tracebacks="Traceback" in said,
            failed=code != 0,
            changed=changed,
        )
    shutil.rmtree(scratch)
    return found if found.is_right else replace(found, said=f"{cases}\n{said}")


def _file(store: Path, kind: Shelf, key: str) -> Path:
    return store / kind.name / key[:2] / f"{key}{kind.suffix}"


def _is_whole(store: Path, victim: Victim) -> bool:
    artefacts = Artefacts(Directory(store), print)
    kind = next(kind for kind in KINDS if kind.name == victim.kind.name)
    return [value is not None for _, value in artefacts.look(kind, [victim.key])] == [True]


def _without_times(reports: Path) -> list[dict[str, Any]]:
    """Returns the rows of the newest run, without what two runs never share."""
    folders = sorted(reports.glob("adhoc/*"))
    rows = (folders[-1] / "utterances.jsonl").read_text(encoding="utf-8").splitlines() if folders else []
    found = []
    for row in map(json.loads, rows):
        scores = {name: value for name, value in row["scores"].items() if name not in TIMED}
        found.append({**row, "scores": scores, "synth_seconds": None, "cached": None})
    return found
