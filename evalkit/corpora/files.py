"""The audio files of takes: what a header says of one, and the file that a voice gets of it.

A file that evalkit reads is copied byte by byte; of any other that libsndfile can decode, every sample becomes FLAC.
"""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from evalkit.corpora.base import Take, within
from evalkit.errors import DataError
from evalkit.store.atomic import writing
from evalkit.voicefolders import AUDIO_SUFFIXES

SUFFIXES = {"WAV": ".wav", "WAVEX": ".wav", "FLAC": ".flac", "OGG": ".ogg", "MP3": ".mp3", "AIFF": ".aiff"}
MOST_CHANNELS = 8  # of FLAC
BLOCK = 1 << 16  # frames at a time


@dataclass(frozen=True)
class Header:
    """What the header of an audio file says; `format` is libsndfile's word."""

    seconds: float
    sample_rate: int
    channels: int
    format: str
    subtype: str


def header(take: Take, root: Path) -> Header:
    """Returns what the header of a take's file says; no sound is decoded.

    Raises:
        DataError: There is no such file within `root`, or it is no audio.
    """
    with _sound_file(take, root) as file:
        return Header(
            file.frames / file.samplerate, int(file.samplerate), int(file.channels), str(file.format), str(file.subtype)
        )


def copy(take: Take, root: Path, stem: Path) -> Path:
    """Writes a take's file, as a file that evalkit reads, to `stem` with the suffix of its format; returns its path.

    Raises:
        DataError: It cannot be read.
        StorageError: The disk refused.
    """
    found = header(take, root)
    suffix = SUFFIXES.get(found.format)
    if suffix not in AUDIO_SUFFIXES or found.subtype == "OPUS":
        return _encoded(take, root, stem.with_name(f"{stem.name}.flac"))
    path = stem.with_name(f"{stem.name}{suffix}")
    with _opened(take, root) as source, writing(path), path.open("xb") as target:
        shutil.copyfileobj(source, target)
    return path


def _encoded(take: Take, root: Path, path: Path) -> Path:
    """Writes every sample as FLAC: 24 bits, which hold those of 16-bit integers exactly."""
    import soundfile

    with _sound_file(take, root) as file:
        if file.channels > MOST_CHANNELS:
            raise DataError(f"{take.where}: it has {file.channels} channels; mix it down, or choose some")
        with (
            writing(path),
            soundfile.SoundFile(path, "x", file.samplerate, file.channels, "PCM_24", format="FLAC") as target,
        ):
            while len(block := file.read(BLOCK, dtype="float64", always_2d=True)):
                target.write(block)
    return path


@contextmanager
def _sound_file(take: Take, root: Path) -> Iterator[Any]:
    import soundfile

    with _opened(take, root) as opened:
        try:
            file = soundfile.SoundFile(opened)
        except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
            raise DataError(f"{take.where}: {_brief(error)}: no audio that can be read") from error
        with file:
            yield file


@contextmanager
def _opened(take: Take, root: Path) -> Iterator[BinaryIO]:
    if not isinstance(take.audio, Path):
        yield io.BytesIO(take.audio())
        return
    path = within(root, take.audio, take.where)
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"{take.where}: cannot read {path}: {error.strerror}") from error
    with file:
        yield file


def _brief(error: Exception) -> str:
    return str(getattr(error, "error_string", None) or error).rstrip(".")
