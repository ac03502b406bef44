"""Kind `folder`: a folder for each speaker, or files of all of them, named SPEAKER_*.

Folders win: where there are any with audio in them, each is a speaker, and `held_out` within one says what its clips
are for. In a folder of files alone, the speaker is what stands before the first underscore. Words stand in a `.txt`
beside a file. Every file is a recording of its own.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from evalkit.corpora.base import Kind, Source, Speaker, Take, folders, words_at
from evalkit.errors import DataError
from evalkit.voicefolders import AUDIO_SUFFIXES, HELD_OUT_FOLDER, MANIFEST, UNREAD_SUFFIXES, listed
from evalkit.voices import Use

SUFFIXES = AUDIO_SUFFIXES | {".opus", ".oga", ".au", ".caf", ".sph", ".w64", ".rf64"}  # what libsndfile reads too


def _speakers(source: Source) -> Iterator[Speaker]:
    own = _audio(source.path)
    within = [folder for folder in folders(source.path) if _audio(folder) or _audio(folder / HELD_OUT_FOLDER)]
    _tell_unread(source, within)
    if within:
        for path in own:
            source.remark(f"{path} belongs to no speaker: it is not read, since there are folders of speakers")
        for folder in within:
            if (folder / MANIFEST).is_file():
                source.remark(f"{folder} is a voice already: what its {MANIFEST} says is not read here")
            yield Speaker(folder.name, partial(_of_folder, source, folder))
        return
    by_name: dict[str, list[Path]] = {}
    for path in own:
        by_name.setdefault(_speaker_of(path), []).append(path)
    for name, paths in by_name.items():
        yield Speaker(name, partial(_takes, source, paths, None))


def _tell_unread(source: Source, within: list[Path]) -> None:
    for folder in [source.path, *within]:
        for path in listed(folder):
            if path.suffix.lower() in UNREAD_SUFFIXES - SUFFIXES:
                source.remark(f"{path} cannot be read: convert it to WAV, FLAC or OGG")


def _speaker_of(path: Path) -> str:
    name, underscore, _ = path.stem.partition("_")
    if not underscore or not name:
        raise DataError(
            f"{path}: whose voice is it? Name files SPEAKER_ANYTHING{path.suffix}, or make a folder for each speaker"
        )
    return name


def _of_folder(source: Source, folder: Path) -> list[Take]:
    held_out = _audio(folder / HELD_OUT_FOLDER)
    return [*_takes(source, _audio(folder), "prompt" if held_out else None), *_takes(source, held_out, "held_out")]


def _takes(source: Source, paths: list[Path], use: Use | None) -> list[Take]:
    return [
        Take(path.name, path, path.name, str(path), words_at(source, path.with_suffix(".txt")), use) for path in paths
    ]


def _audio(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found = (path for path in listed(folder) if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    return list(found)


def _recognises(path: Path) -> bool:
    return path.is_dir() and bool(_audio(path) or any(_audio(folder) for folder in folders(path)))


KIND = Kind("folder", "a folder for each speaker, or files named SPEAKER_*.wav", _recognises, _speakers)
