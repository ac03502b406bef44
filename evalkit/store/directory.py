"""A store in a directory: one file an artefact, below its shelf and the first two characters of its key."""

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from evalkit.errors import InUseError, StorageError
from evalkit.store.atomic import held_part, lock, sweep, writing
from evalkit.store.base import Held, Pile, Shelf

PARTS, DAMAGED, LOCK = ".parts", ".damaged", ".lock"


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
            if (data := _content(self._path(shelf, key))) is not None:
                yield key, data

    def write(self, shelf: Shelf, artefacts: Iterable[tuple[str, bytes]]) -> None:
        """See `Store.write`."""
        for key, data in artefacts:
            path = self._path(shelf, key)
            with writing(Path(path)):
                self._write(path, data)

    def set_aside(self, shelf: Shelf, keys: Iterable[str]) -> None:
        """See `Store.set_aside`: moves files to `.damaged`."""
        folder = self.root / DAMAGED / shelf.name
        for key in keys:
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
                with suppress(FileNotFoundError):
                    os.replace(self._path(shelf, key), folder / f"{key}.{uuid4().hex[:8]}{shelf.suffix}")  # noqa: PTH105

    def remove(self, shelf: Shelf, keys: Iterable[str]) -> None:
        """See `Store.remove`."""
        for path in (self._path(shelf, key) for key in keys):
            with writing(Path(path)), suppress(FileNotFoundError):
                try:
                    os.unlink(path)  # noqa: PTH108
                except (IsADirectoryError, PermissionError):  # what some systems say of a folder in an artefact's place
                    shutil.rmtree(path)

    def listing(self, shelf: Shelf) -> Iterator[Held]:
        """See `Store.listing`."""
        for folder in _entries(self.root / shelf.name):
            for entry in _entries(folder):
                key = entry.name.removesuffix(shelf.suffix)
                if key != entry.name and key[:2] == folder.name:
                    with suppress(FileNotFoundError):  # taken away in between
                        yield Held(shelf.name, key, entry.lstat().st_size)

    def leftovers(self) -> Mapping[str, Pile]:
        """See `Store.leftovers`."""
        return {
            "set aside": _pile((self.root / DAMAGED).glob("*/*")),
            "begun": _pile((self.root / PARTS).glob("*")),
        }

    def clear(self) -> None:
        """See `Store.clear`."""
        sweep(self.root / PARTS)
        with writing(self.root / DAMAGED), suppress(FileNotFoundError):
            shutil.rmtree(self.root / DAMAGED)

    @contextmanager
    def used(self) -> Iterator[None]:
        """See `Store.used`; where nothing can be written or locked, nobody is alone either."""
        descriptor = self._lock_file()
        try:
            with suppress(OSError):  # no locks on this file system
                if descriptor is not None:
                    fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See `Store.alone`."""
        try:
            descriptor = lock(self.root / LOCK)
        except OSError as error:
            raise InUseError(f"it cannot be told whether a run is using the store {self.root}: {error}") from error
        if descriptor is None:
            raise InUseError(f"a run is using the store {self.root}; type the same command when it has ended")
        try:
            yield
        finally:
            os.close(descriptor)

    def _lock_file(self) -> int | None:
        for flags in (os.O_CREAT | os.O_RDWR, os.O_RDONLY):  # the second: where it may only be read
            with suppress(OSError):
                self.root.mkdir(parents=True, exist_ok=True)
                return os.open(self.root / LOCK, flags, 0o666)
        return None

    def _path(self, shelf: Shelf, key: str) -> str:
        return f"{self.root}/{shelf.name}/{key[:2]}/{key}{shelf.suffix}"

    @cached_property
    def _parts(self) -> str:
        """Where files are begun; what killed processes left there is swept when this one begins its first."""
        folder = self.root / PARTS
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        return str(folder)

    def _begun(self) -> tuple[str, int]:
        try:
            return held_part(f"{self._parts}/")
        except FileNotFoundError:  # somebody deleted the store, and may: all is made again
            os.makedirs(self._parts, exist_ok=True)  # noqa: PTH103
            return held_part(f"{self._parts}/")

    def _write(self, path: str, data: bytes) -> None:
        part, descriptor = self._begun()
        try:
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


def _content(path: str) -> bytes | None:
    """Returns a file's bytes, none where it cannot be read; None if nothing is there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe in its place would wait for somebody to write
    except FileNotFoundError:
        return None
    except OSError:
        return b""
    try:
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            return file.read() or b""
    except OSError:  # a folder, say, which `open` refuses without closing it
        return b""
    finally:
        os.close(descriptor)


def _moved(part: str, path: str) -> None:
    try:
        os.replace(part, path)  # noqa: PTH105
    except FileNotFoundError:  # the folder is not there yet
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        os.replace(part, path)  # noqa: PTH105


def _entries(folder: Path) -> list[Path]:
    """Returns what lies in a folder, in order; nothing where there is none.

    Raises:
        StorageError: It cannot be listed.
    """
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageError(f"cannot read {folder}: {error.strerror}; type: chmod -R u+rwX {folder}") from error


def _pile(paths: Iterable[Path]) -> Pile:
    found = Pile()
    for path in paths:
        with suppress(FileNotFoundError):
            found += Pile(1, path.lstat().st_size)
    return found
