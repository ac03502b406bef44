"""A speaker becomes a voice: clips chosen, copied, listened to, and a manifest; whole, or not at all.

All of it is written to a hidden folder, which then takes the voice's place: a run never sees half a voice.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, combinations, count
from pathlib import Path

import yaml

from evalkit.audio import read_recording
from evalkit.copies import COPY, Outline, agreement, outline
from evalkit.corpora.base import Kind, Speaker, Take
from evalkit.corpora.files import copy, header
from evalkit.corpora.naming import clip_stem
from evalkit.corpora.splitting import Split, Wanted, split
from evalkit.digest import file_sha256
from evalkit.errors import DataError, StorageError
from evalkit.store.atomic import SUFFIX, changing, writing
from evalkit.voicefolders import MANIFEST, words

FIRST_LINE = "# Written by `evalkit voices import`, which replaces it with --force; what you change here is yours."
UNKNOWN = "unknown"
SAID = 5  # takes of a voice of which it is told what is wrong


@dataclass(frozen=True)
class Clip:
    """A take that can be a clip: its file in the voice's folder, its length, its words and what is compared of it."""

    path: Path
    seconds: float
    text: str | None
    sha256: str
    outline: Outline


@dataclass(frozen=True)
class Built:
    """What became of a speaker.

    Attributes:
        prompts: Seconds of each prompt clip.
        held_out: Seconds of each held-out clip.
        notes: What the voice lacks, and why takes were not used.
        sha256: Of its clips.
        language: As its manifest has it.
    """

    prompts: Sequence[float] = ()
    held_out: Sequence[float] = ()
    notes: Sequence[str] = ()
    sha256: frozenset[str] = frozenset()
    language: str | None = None


@dataclass
class _Hearing:
    """Copies takes into a folder as they are asked about, and tells which can be clips.

    Attributes:
        taken: SHA-256 of the clips of other voices.
        refused: Takes that were chosen and turned out to be another's copy.
        reasons: Why takes are of no use, and of how many that is so.
        said: The first things that were said of single takes.
    """

    folder: Path
    root: Path
    wanted: Wanted
    taken: frozenset[str]
    clips: dict[int, Clip | None] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)

    def usable(self, take: Take) -> bool:
        if id(take) not in self.clips:
            self.clips[id(take)] = self._heard(take)
        return self.clips[id(take)] is not None and id(take) not in self.refused

    def of(self, take: Take) -> Clip:
        found = self.clips[id(take)]
        assert found is not None
        return found

    def _heard(self, take: Take) -> Clip | None:
        try:
            seconds = header(take, self.root).seconds
            if self.wanted.least <= seconds <= self.wanted.most:
                return self._copied(take, seconds)
        except DataError as error:
            self._unused("cannot be used", str(error))
            return None
        is_short = seconds < self.wanted.least
        self._unused(f"shorter than {self.wanted.least:g} s" if is_short else f"longer than {self.wanted.most:g} s")
        return None

    def _copied(self, take: Take, seconds: float) -> Clip | None:
        text = words(take.text, take.where)
        path = copy(take, self.root, self.folder / self._stem(take))
        try:
            audio = read_recording(path).audio
        except DataError as error:
            path.unlink()
            raise DataError(str(error).replace(str(path), take.where)) from error
        if (sha256 := file_sha256(path)) in self.taken:
            path.unlink()
            raise DataError(f"{take.where}: another voice has this very recording")
        return Clip(path, seconds, text and " ".join(text.split()), sha256, outline(audio))

    def _stem(self, take: Take) -> str:
        stem = clip_stem((take.audio if isinstance(take.audio, Path) else Path(take.key)).stem)
        names = chain([stem], (f"{stem}-{number}" for number in count(2)))
        return next(name for name in names if not any(self.folder.glob(f"{name}.*")))

    def _unused(self, reason: str, said: str | None = None) -> None:
        self.reasons[reason] += 1
        if said is not None and len(self.said) < SAID:
            self.said.append(said)

    def copies(self, takes: Sequence[Take]) -> set[int]:
        """Returns those of some takes that hold the recording of one before them, however it is encoded."""
        found: set[int] = set()
        for one, other in combinations(takes, 2):
            if {id(one), id(other)} & found:
                continue
            if agreement(self.of(one).outline, self.of(other).outline) > COPY:
                found.add(id(other))
                self._unused("a copy", f"{other.where} holds the same recording as {one.where}")
        return found

    def left(self, found: Split) -> list[str]:
        """Returns why takes were not used, in words; that some have another length is no news where enough have not."""
        has_all = len(found.prompts) == self.wanted.prompts and len(found.held_out) == self.wanted.held_out
        told = [f"{number} {reason}" for reason, number in self.reasons.items()]
        return [*([f"not used: {', '.join(told)}"] if told and not has_all else []), *self.said]


def build(speaker: Speaker, kind: Kind, wanted: Wanted, folder: Path, others: tuple[Path, frozenset[str]]) -> Built:
    """Writes a speaker's clips and their manifest to an empty folder; writes no manifest where no take can be used.

    Args:
        speaker: Of the source.
        kind: Of the source.
        wanted: How many clips, of what length.
        folder: Its name is not the voice's; see `placed`.
        others: The folder in which all recordings must lie, and the SHA-256 of clips that other voices have.

    Raises:
        DataError: What the source says cannot be.
        StorageError: The disk refused.
    """
    takes = speaker.takes()
    hearing = _Hearing(folder, others[0], wanted, others[1])
    found = split(takes, wanted, hearing.usable)
    while copies := hearing.copies(found.all):
        hearing.refused |= copies
        found = split(takes, wanted, hearing.usable)
    kept = {hearing.of(take).path for take in found.all}
    for path in set(folder.iterdir()) - kept:
        path.unlink()
    notes = [*_lacking(found, kind, len(takes)), *hearing.left(found)]
    if not found.prompts:
        return Built(notes=notes)
    with writing(folder):
        (folder / MANIFEST).write_text(_manifest(speaker, kind, found, hearing), encoding="utf-8")
    return Built(
        [hearing.of(take).seconds for take in found.prompts],
        [hearing.of(take).seconds for take in found.held_out],
        notes,
        frozenset(hearing.of(take).sha256 for take in found.all),
        speaker.language,
    )


def _lacking(found: Split, kind: Kind, takes: int) -> list[str]:
    if not found.prompts:
        return [f"none of its {takes} recordings can be a clip"]
    if found.held_out:
        return []
    if found.sessions > 1:
        return ["nothing is held out: no other recording can be a clip"]
    return [f"nothing is held out: it has but one {kind.session}"]


def _manifest(speaker: Speaker, kind: Kind, found: Split, hearing: _Hearing) -> str:
    source = ": ".join(one for one in (speaker.source or kind.source, speaker.about) if one)
    content = {
        **({"language": speaker.language} if speaker.language else {}),
        "licence": speaker.licence or kind.licence or UNKNOWN,
        "source": source or UNKNOWN,
        "clips": [
            {"file": clip.path.name, "use": use, **({"text": clip.text} if clip.text else {})}
            for use, takes in (("prompt", found.prompts), ("held_out", found.held_out))
            for clip in map(hearing.of, takes)
        ],
    }
    return f"{FIRST_LINE}\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)}"


@contextmanager
def place_for_voices(folder: Path) -> Iterator[None]:
    """Keeps a folder of voices from others that import into it, and sweeps what killed imports left there.

    Raises:
        StorageError: The disk refused.
    """
    with changing(folder):
        for left in folder.glob(f".*{SUFFIX}"):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
        yield


@contextmanager
def scratch_for(place: Path) -> Iterator[Path]:
    """Yields an empty hidden folder beside a voice's place, which is gone afterwards unless it was moved.

    Raises:
        StorageError: The disk refused.
    """
    folder = place.with_name(f".{place.name}{SUFFIX}")
    with writing(folder):
        folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put(folder: Path, place: Path) -> None:
    """Moves a whole voice to its place; one that an import wrote before makes room.

    Raises:
        StorageError: The disk refused.
    """
    old = place.with_name(f".{place.name}.old{SUFFIX}")
    with writing(place):
        if place.exists():
            place.rename(old)
        folder.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def refuse_strangers(place: Path) -> None:
    """Does nothing where an import wrote a voice, or nothing is.

    Raises:
        StorageError: Something else is there, which is somebody's and stays.
    """
    manifest = place / MANIFEST
    if not place.exists() and not place.is_symlink():
        return
    if not place.is_symlink() and manifest.is_file():
        with manifest.open(encoding="utf-8", errors="replace") as file:
            if file.readline().startswith(FIRST_LINE[:40]):
                return
    raise StorageError(f"{place} was not written by `voices import`, so --force does not replace it: move it away")
