"""Content-addressed artefacts: what a stage made once is never made again.

An artefact's address is the digest of everything it depends on. Each file appears whole or not at all (written beside,
then renamed), so a process may be killed anywhere. An artefact of two files is there when its JSON is: that one is
written last.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from evalkit.audio import Audio, read_audio, write_flac
from evalkit.digest import Json
from evalkit.errors import StorageError

Kind = Literal["synthesis", "transcript", "embedding", "speech", "prompt", "acoustics", "quality"]


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the disk says while `path` is written into advice.

    Raises:
        StorageError: The disk refused.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:  # libsndfile reports a full disk as a RuntimeError
        raise StorageError(
            f"cannot write {path}: {error}; free some space or choose another place (store=DIR, reports_dir=DIR; for "
            "weights the variable EVALKIT_ASSETS), then type the same command: what was made so far is kept"
        ) from error


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Lets `write` fill a file beside `path`, then moves it there.

    Raises:
        StorageError: The disk refused; no part of the file stays.
    """
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(part)
            _flush(part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


@dataclass(frozen=True)
class Store:
    """A directory of artefacts, by kind and key."""

    root: Path

    def path(self, kind: Kind, key: str, suffix: str) -> Path:
        """Returns where an artefact's file lies, whether or not it is there."""
        return self.root / kind / key[:2] / f"{key}{suffix}"

    def has(self, kind: Kind, key: str, suffix: str = ".json") -> bool:
        """Tells whether an artefact is there, whole."""
        return self.path(kind, key, suffix).is_file()

    def read_json(self, kind: Kind, key: str) -> dict[str, Any]:
        """Returns a stored JSON object."""
        loaded: dict[str, Any] = json.loads(self.path(kind, key, ".json").read_text())
        return loaded

    def write_json(self, kind: Kind, key: str, value: Json) -> None:
        """Stores a JSON object."""
        text = json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False)
        write_atomically(self.path(kind, key, ".json"), lambda part: _write_text(part, text))

    def read_audio(self, kind: Kind, key: str) -> Audio:
        """Returns stored audio."""
        return read_audio(self.path(kind, key, ".flac"))

    def write_audio(self, kind: Kind, key: str, audio: Audio) -> None:
        """Stores audio as 16-bit FLAC; scoring always reads it back, so new and cached rows are scored alike."""
        write_atomically(self.path(kind, key, ".flac"), lambda part: write_flac(part, audio))

    def read_array(self, kind: Kind, key: str) -> NDArray[np.float32]:
        """Returns a stored float32 array."""
        loaded: NDArray[np.float32] = np.load(self.path(kind, key, ".npy"))
        return loaded

    def write_array(self, kind: Kind, key: str, array: NDArray[np.float32]) -> None:
        """Stores a float32 array."""
        write_atomically(self.path(kind, key, ".npy"), lambda part: _save_array(part, array))


def _flush(path: Path) -> None:
    """Makes sure that the bytes are on the disk before the name is: a power cut leaves no empty file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _save_array(path: Path, array: NDArray[np.float32]) -> None:
    with path.open("wb") as file:  # an open file, since np.save appends .npy to a bare name
        np.save(file, array)
