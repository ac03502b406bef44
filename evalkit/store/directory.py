"""A store in a directory: one file an artefact, below its shelf and the first two characters of its key."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from evalkit.store.atomic import SUFFIX, sweep, writing
from evalkit.store.base import Held, Shelf

PARTS, DAMAGED = ".parts", ".damaged"


@dataclass(frozen=True)
class Directory:
    """See `Store`. Files appear whole or not at all, and two processes that make the same one leave one.

    There is no `fsync`: bytes that a power cut loses are noticed by their proof, and made again.
    """

    root: Path

    def missing(self, shelf: Shelf, keys: Iterable[str]) -> set[str]:
        """See `Store.missing`; each file is looked for, since to list its folder takes longer the more there is."""
        return {key for key in keys if not os.path.exists(self._path(shelf, key))}  # noqa: PTH110

    def read(self, shelf: Shelf, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """See `Store.read`."""
        for key in keys:
            try:
                with open(self._path(shelf, key), "rb", buffering=0) as file:  # noqa: PTH123  half a pathlib call's time
                    yield key, file.read()
            except FileNotFoundError:
                continue
            except OSError:
                yield key, b""

    def write(self, shelf: Shelf, artefacts: Iterable[tuple[str, bytes]]) -> None:
        """See `Store.write`."""
        for key, data in artefacts:
            path = self._path(shelf, key)
            with writing(Path(path)):
                self._write(path, data)

    def set_aside(self, shelf: Shelf, keys: Iterable[str]) -> None:
        """See `Store.set_aside`: moves files to `.damaged`."""
        for key in keys:
            folder = self.root / DAMAGED / shelf.name
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
                with suppress(FileNotFoundError):
                    os.replace(self._path(shelf, key), folder / f"{key}.{uuid4().hex[:8]}{shelf.suffix}")  # noqa: PTH105

    def remove(self, shelf: Shelf, keys: Iterable[str]) -> None:
        """See `Store.remove`."""
        for key in keys:
            with writing(self.root), suppress(FileNotFoundError):
                os.unlink(self._path(shelf, key))  # noqa: PTH108

    def listing(self, shelf: Shelf) -> Iterator[Held]:
        """See `Store.listing`."""
        top = self.root / shelf.name
        folders = sorted(folder for folder in top.iterdir() if folder.is_dir()) if top.is_dir() else []
        for folder in folders:
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if entry.name.endswith(shelf.suffix):
                        yield Held(shelf.name, entry.name.removesuffix(shelf.suffix), entry.stat().st_size)

    def _path(self, shelf: Shelf, key: str) -> str:
        return f"{self.root}/{shelf.name}/{key[:2]}/{key}{shelf.suffix}"

    @cached_property
    def _parts(self) -> str:
        """Where files are begun; what killed processes left there is swept when this one begins its first."""
        folder = self.root / PARTS
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        return str(folder)

    def _write(self, path: str, data: bytes) -> None:
        part = f"{self._parts}/.{uuid4().hex}{SUFFIX}"
        try:
            descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileNotFoundError:  # somebody deleted the store, and may: all is made again
            os.makedirs(self._parts, exist_ok=True)  # noqa: PTH103
            descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        try:
            with suppress(OSError):  # a file system without locks: then nothing is swept there either
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            _moved(part, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(part)  # noqa: PTH108
            raise
        finally:
            os.close(descriptor)


@dataclass(frozen=True)
class OnlyRead(Directory):
    """A store that cannot be written to: what is new is forgotten, what is damaged is left."""

    def write(self, shelf: Shelf, artefacts: Iterable[tuple[str, bytes]]) -> None:
        """See `Store.write`; keeps nothing."""

    def set_aside(self, shelf: Shelf, keys: Iterable[str]) -> None:
        """See `Store.set_aside`; leaves them."""


def _moved(part: str, path: str) -> None:
    try:
        os.replace(part, path)  # noqa: PTH105
    except FileNotFoundError:  # the folder is not there yet
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        os.replace(part, path)  # noqa: PTH105
