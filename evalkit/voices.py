"""Voices: the clips of one speaker, some to prompt an engine with, some held out to score against.

A voice is a folder. With a `voice.yaml` the manifest says everything; without one, every audio file in it is a prompt
clip whose words stand in a `.txt` of the same name, and a subfolder `held_out/` holds the rest.
"""

import importlib.util
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as validated

from evalkit.digest import file_sha256
from evalkit.errors import DataError
from evalkit.manifest import inside, read_manifest

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"})
UNREAD_SUFFIXES = frozenset({".m4a", ".aac", ".opus", ".wma", ".mp4", ".webm"})
READABLE = ("WAV", "FLAC", "OGG")
HELD_OUT_FOLDER = "held_out"
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
    """

    name: str
    language: str
    licence: str
    clips: tuple[Clip, ...]

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


def read_voices(path: Path, names: list[str] | None) -> tuple[Voice, ...]:
    """Reads voices from a folder of voices, the folder of one voice, or a manifest of voices inside a package.

    Args:
        path: A folder, or a YAML file that names an installed package.
        names: Only these, in this order; None for all, sorted by name.

    Raises:
        DataError: No such folder, no voice in it, a voice that is unknown, or one that has no prompt clip.
    """
    if path.suffix.lower() in AUDIO_SUFFIXES:
        return (voice_of_files([path]),)
    voices = _read_package(path) if path.suffix in {".yaml", ".yml"} else _read_folder(path)
    by_name = {voice.name: voice for voice in voices}
    if len(by_name) < len(voices):
        raise DataError(f"{path}: two voices share a name; names found: {', '.join(v.name for v in voices)}")
    if names is None:
        return tuple(by_name[name] for name in sorted(by_name))
    if unknown := [name for name in names if name not in by_name]:
        raise DataError(f"no voice {unknown[0]!r} in {path}; it has: {', '.join(sorted(by_name))}")
    return tuple(by_name[name] for name in dict.fromkeys(names))


def voice_of_files(paths: list[Path]) -> Voice:
    """Returns the voice of some recordings in the order given, all of them for prompts, named after the first.

    Raises:
        DataError: No files, or one that is not there.
    """
    if not paths:
        raise DataError("voices.path=[] names no files; give a folder, a file, or [FILE, FILE, ...]")
    if missing := [path for path in paths if not path.is_file()]:
        raise DataError(f"no audio file at {missing[0]}")
    return Voice(paths[0].stem, "en", "unknown", tuple(Clip(path, _text_beside(path), "prompt") for path in paths))


def _read_folder(path: Path) -> list[Voice]:
    if not path.is_dir():
        raise DataError(f"no folder of voices at {path}; give one with voices.path=DIR")
    folders = [child for child in sorted(path.iterdir()) if child.is_dir() and child.name != HELD_OUT_FOLDER]
    if unread := [child for child in folders if not _is_voice(child) and _has_unread_audio(child)]:
        raise DataError(f"{unread[0]} has only audio that cannot be read; convert it to {', '.join(READABLE)}")
    children = [child for child in folders if _is_voice(child)]
    if _is_voice(path):
        if children and not (path / "voice.yaml").is_file():
            raise DataError(
                f"{path} has both clips ({_audio_files(path)[0].name}) and folders of clips ({children[0].name}): "
                "move the clips into a folder of their own, so that it is clear which voices there are"
            )
        return [_read_voice(path)]
    voices = [_read_voice(child) for child in children]
    if not voices:
        raise DataError(
            f"no voice in {path}: a voice is a folder with a voice.yaml, or with audio files "
            f"({', '.join(sorted(AUDIO_SUFFIXES))}) and a .txt beside each"
        )
    return voices


def _is_voice(folder: Path) -> bool:
    return (folder / "voice.yaml").is_file() or bool(_audio_files(folder))


def _has_unread_audio(folder: Path) -> bool:
    return any(path.suffix.lower() in UNREAD_SUFFIXES for path in folder.iterdir())


def _audio_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO_SUFFIXES)


def _read_voice(folder: Path) -> Voice:
    manifest = folder / "voice.yaml"
    if manifest.is_file():
        return _voice_from_file(read_manifest(manifest, _VoiceFile), folder, manifest)
    prompts = [Clip(path, _text_beside(path), "prompt") for path in _audio_files(folder)]
    held_out = [Clip(path, _text_beside(path), "held_out") for path in _audio_files(folder / HELD_OUT_FOLDER)]
    return _checked(Voice(folder.resolve().name, "en", "unknown", (*prompts, *held_out)), folder)


def _voice_from_file(file: _VoiceFile, folder: Path, manifest: Path) -> Voice:
    clips = []
    for entry in file.clips:
        path = inside(folder, entry.file, manifest)
        clips.append(Clip(path, entry.text or _text_beside(path), entry.use))
    return _checked(Voice(file.name or folder.resolve().name, file.language, file.licence, tuple(clips)), manifest)


def _text_beside(audio: Path) -> str | None:
    text = audio.with_suffix(".txt")
    if not text.is_file():
        return None
    try:
        return text.read_text(encoding="utf-8-sig").strip() or None
    except UnicodeDecodeError as error:
        raise DataError(f"{text} is not UTF-8 text; save it as UTF-8") from error


def _checked(voice: Voice, where: Path) -> Voice:
    if not voice.prompt_clips:
        raise DataError(f"{where}: voice {voice.name!r} has no prompt clip, so no engine can be conditioned on it")
    heard = {clip.sha256: clip for clip in voice.prompt_clips if clip.path.is_file()}
    for clip in voice.held_out_clips:
        if clip.path.is_file() and (twin := heard.get(clip.sha256)):
            raise DataError(
                f"{where}: held-out clip {clip.path.name} is the same recording as prompt clip {twin.path.name}; "
                "similarity would be scored against what the engine heard"
            )
    return voice


def _read_package(path: Path) -> list[Voice]:
    file = read_manifest(path, _PackageFile)
    spec = importlib.util.find_spec(file.package)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f"the voices of {path} lie in the package {file.package!r}: type {file.install}")
    folder = Path(next(iter(spec.submodule_search_locations)))
    return [_voice_from_file(voice, folder, path) for voice in file.voices]
