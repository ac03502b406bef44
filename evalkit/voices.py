"""Voices: the clips of one speaker, some to prompt an engine with, some held out to score against.

A voice is a folder. With a `voice.yaml` the manifest says everything; without one, every audio file in it is a prompt
clip whose words stand in a `.txt` of the same name, and a subfolder `held_out/` holds the rest.
"""

import importlib.util
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as validated

from evalkit.audio import read_recording
from evalkit.copies import COMPARED_SECONDS, COPY, Outline, agreement, outline
from evalkit.digest import file_sha256
from evalkit.errors import DataError
from evalkit.manifest import inside, read_manifest
from evalkit.names import name_fault, path_fault
from evalkit.voicefolders import AUDIO_SUFFIXES, MANIFEST, Remark, clip_files, voice_folders, words, words_beside

Use = Literal["prompt", "held_out"]


@dataclass(frozen=True)
class Clip:
    """One recording of a voice; `text` is None where nobody wrote down its words."""

    path: Path
    text: str | None
    use: Use

    @cached_property
    def sha256(self) -> str:
        """SHA-256 (hex) of the file as it was when first asked: a run hashes each recording once.

        Raises:
            DataError: There is no such file.
        """
        if not self.path.is_file():
            raise DataError(f"no audio file at {self.path}")
        return file_sha256(self.path)


@dataclass(frozen=True)
class Voice:
    """One speaker.

    Attributes:
        name: Unique within a run.
        language: ISO 639-1 code.
        licence: As the manifest says it.
        clips: All recordings, in the manifest's order (without one: sorted by file name).
        speaker: Who it is, where several voices are one speaker's, as in test sets that give each item a prompt of its
            own; None: somebody of their own.
    """

    name: str
    language: str
    licence: str
    clips: tuple[Clip, ...]
    speaker: str | None = None

    def __post_init__(self) -> None:
        if fault := name_fault(self.name):
            raise DataError(f"the voice name {self.name!r} {fault}; give it another one")

    @property
    def prompt_clips(self) -> tuple[Clip, ...]:
        """The clips that may condition an engine."""
        return tuple(clip for clip in self.clips if clip.use == "prompt")

    @property
    def held_out_clips(self) -> tuple[Clip, ...]:
        """The clips that no engine ever hears."""
        return tuple(clip for clip in self.clips if clip.use == "held_out")

    @property
    def reference_clips(self) -> tuple[Clip, ...]:
        """What similarity is measured against: the held-out clips, or all prompt clips where there are none."""
        return self.held_out_clips or self.prompt_clips


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class _ClipEntry:
    file: str
    use: Use = "prompt"
    text: str | None = None


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class _VoiceFile:
    clips: list[_ClipEntry]
    name: str | None = None
    language: str = "en"
    licence: str = "unknown"
    source: str | None = None


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class _PackageFile:
    """Voices whose recordings lie in an installed package and are never copied."""

    package: str
    install: str
    voices: list[_VoiceFile]


Found = list[tuple[str, Voice | DataError]]  # a voice, or what is wrong with it, under its name


def read_voices(
    path: Path | Sequence[Path],
    names: Sequence[str] | None,
    exclude: Sequence[str] = (),
    remark: Remark = lambda _: None,
) -> tuple[Voice, ...]:
    """Reads voices from a folder of voices, the folder of one voice, or a manifest of voices inside a package.

    Args:
        path: A folder, or a YAML file that names an installed package; several: the voices of all of them.
        names: Only these, in this order; None for all, sorted by name.
        exclude: Not these, of those that `names` chooses: what is wrong with them does not matter.
        remark: Is told what looks like a voice or a clip and is not read.

    Raises:
        DataError: No such folder, no voice in it, one that is unknown, has no prompt clip, or would be scored against
            what engines hear; or one that is there twice.
    """
    paths = [path] if isinstance(path, Path) else list(path)
    if len(paths) == 1 and paths[0].suffix.lower() in AUDIO_SUFFIXES:
        return (voice_of_files(paths),)
    found, told = [one for each in paths for one in _found(each, remark)], ", ".join(map(str, paths))
    if twice := [name for name, count in Counter(name for name, _ in found).items() if count > 1]:
        raise DataError(f"{told}: two voices share the name {twice[0]!r}; rename one, since names tell rows apart")
    by_name, voices = dict(found), []
    for name in _chosen(list(by_name), told, names, exclude):
        voice = by_name[name]
        if isinstance(voice, DataError):
            raise voice
        voices.append(voice)
    for voice in voices:
        refuse_leaks(voice)
    for said, is_refused in shared_recordings(voices):
        if is_refused:
            raise DataError(said)
        remark(said)
    return tuple(voices)


def _found(path: Path, remark: Remark) -> Found:
    return [(name, voice) for name, voice, _ in found_voices(path, remark)]


def found_voices(path: Path, remark: Remark) -> list[tuple[str, Voice | DataError, Path | None]]:
    """Returns the voices of a path, or what is wrong with one, each with its name and folder (None in a package).

    Raises:
        DataError: There is none.
    """
    if path.suffix in {".yaml", ".yml"}:
        return [(name, voice, None) for name, voice in _read_package(path)]
    return [(*_tried(folder, remark), folder) for folder in voice_folders(path, remark)]


def _chosen(known: Sequence[str], path: str, names: Sequence[str] | None, exclude: Sequence[str]) -> list[str]:
    chosen = sorted(known) if names is None else list(dict.fromkeys(names))
    if unknown := [name for name in chosen if name not in known]:
        raise DataError(f"no voice {unknown[0]!r} in {path}; it has: {', '.join(sorted(known))}")
    if unknown := sorted(set(exclude) - set(chosen)):
        raise DataError(f"voices.exclude: no voice {', '.join(unknown)} among {', '.join(chosen)}")
    if kept := [name for name in chosen if name not in exclude]:
        return kept
    raise DataError(f"voices.exclude leaves no voice; there are {', '.join(chosen)}")


def voice_of_files(paths: list[Path]) -> Voice:
    """Returns the voice of some recordings in the order given, all of them for prompts, named after the first.

    Raises:
        DataError: No files, or one that is not there.
    """
    if not paths:
        raise DataError("voices.path=[] names no files; give a folder, a file, or [FILE, FILE, ...]")
    if missing := [path for path in paths if not path.is_file()]:
        raise DataError(f"no audio file at {missing[0]}")
    return Voice(paths[0].stem, "en", "unknown", tuple(_clip(path, "prompt") for path in paths))


def _tried(folder: Path, remark: Remark) -> tuple[str, Voice | DataError]:
    try:
        voice = _read_voice(folder, remark)
    except DataError as error:  # only those who choose this voice need to know
        return folder.resolve().name, error
    return voice.name, voice


def _read_voice(folder: Path, remark: Remark) -> Voice:
    manifest = folder / MANIFEST
    if manifest.is_file():
        return _voice_from_file(read_manifest(manifest, _VoiceFile), folder, manifest)
    prompts, held_out = clip_files(folder, remark)
    clips = [
        *(_clip(path, "prompt") for path in prompts),
        *(_clip(path, "held_out") for path in held_out),
    ]
    return _checked(Voice(folder.resolve().name, "en", "unknown", tuple(clips)), folder)


def _clip(path: Path, use: Use) -> Clip:
    """Returns a clip with the words that stand beside it."""
    if fault := path_fault(path.name):
        raise DataError(f"the file name {path.name!r} in {path.parent} {fault}; rename the file")
    return Clip(path, words_beside(path), use)


def _voice_from_file(file: _VoiceFile, folder: Path, manifest: Path) -> Voice:
    clips = []
    for entry in file.clips:
        path = inside(folder, entry.file, manifest)
        text = words(entry.text, f"{manifest}, {entry.file}") or words_beside(path)
        clips.append(Clip(path, text, entry.use))
    name = file.name or folder.resolve().name
    if fault := name_fault(name):
        raise DataError(f"{manifest}: the voice name {name!r} {fault}; give it another one")
    return _checked(Voice(name, file.language, file.licence, tuple(clips)), manifest)


def _checked(voice: Voice, where: Path) -> Voice:
    if not voice.prompt_clips:
        raise DataError(f"{where}: voice {voice.name!r} has no prompt clip, so no engine can be conditioned on it")
    return voice


def _read_package(path: Path) -> Found:
    file = read_manifest(path, _PackageFile)
    spec = importlib.util.find_spec(file.package) if file.package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f"the voices of {path} lie in the package {file.package!r}: type {file.install}")
    folder = Path(next(iter(spec.submodule_search_locations)))
    voices = [_voice_from_file(voice, folder, path) for voice in file.voices]
    return [(voice.name, voice) for voice in voices]


def refuse_leaks(voice: Voice) -> None:
    """Does nothing where no held-out clip is a prompt clip too.

    Raises:
        DataError: One is, or a part of one, however it is encoded.
    """
    prompts = [clip for clip in voice.prompt_clips if clip.path.is_file()]
    heard = {clip.sha256: clip for clip in prompts}
    outlines: list[tuple[Clip, Outline]] = []
    for clip in voice.held_out_clips:
        if not clip.path.is_file():
            continue
        if twin := heard.get(clip.sha256):
            raise DataError(_leak(voice, clip, twin, ""))
        outlines = outlines or [(prompt, found) for prompt in prompts if (found := _outline(prompt)) is not None]
        if (own := _outline(clip)) is None:
            continue
        for twin, found in outlines:
            if (alike := agreement(own, found)) > COPY:
                raise DataError(_leak(voice, clip, twin, f", encoded anew (they correlate to {alike:.2f})"))


def _leak(voice: Voice, clip: Clip, twin: Clip, how: str) -> str:
    return (
        f"voice {voice.name!r} in {clip.path.parent}: held-out clip {clip.path.name} is the same recording as prompt "
        f"clip {twin.path.name}{how}; similarity would be scored against what the engine heard: take it out of either"
    )


def _outline(clip: Clip) -> Outline | None:
    """Returns what is compared of a clip; None of one that cannot be read, which fails where it is needed."""
    try:
        return outline(read_recording(clip.path, COMPARED_SECONDS).audio)
    except DataError:
        return None


def shared_recordings(voices: Sequence[Voice]) -> Iterator[tuple[str, bool]]:
    """Gives a sentence for each two voices that share a recording, and whether that is refused: both prompt with it."""
    uses = [(voice, {clip.sha256: clip for clip in voice.clips if clip.path.is_file()}) for voice in voices]
    for (one, ours), (other, theirs) in combinations(uses, 2):
        shared = [(ours[sha256], theirs[sha256]) for sha256 in ours.keys() & theirs.keys()]
        prompts = [pair for pair in shared if pair[0].use == pair[1].use == "prompt"]
        for mine, yours in (prompts or shared)[:1]:
            said = (
                f"voices {one.name!r} and {other.name!r} have the same recording ({mine.path} and {yours.path}): "
                "one speaker counted twice makes every interval too narrow"
            )
            yield (f"{said}; leave one out: voices.exclude=[NAME]" if prompts else said), bool(prompts)
