"""Files that appear whole or not at all: written beside, then renamed, so that a process may be killed anywhere.

Whoever writes holds a lock on the part; one that nobody holds was left by a process that is gone, and can be swept.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from evalkit.errors import StorageError

SUFFIX = ".part"
LOCK = ".lock"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the disk says while `path` is written into advice.

    Raises:
        StorageError: The disk refused.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:  # libsndfile reports a full disk as a RuntimeError
        reason = getattr(error, "strerror", None) or str(error)
        raise StorageError(
            f"cannot write {path}: {reason}: {_advice(error)} (store=DIR, reports_dir=DIR; for weights the variable "
            "EVALKIT_ASSETS), then type the same command: what was made so far is kept"
        ) from error


def _advice(error: Exception) -> str:
    """Returns what helps against a disk's refusal."""
    match getattr(error, "errno", None):
        case errno.ENAMETOOLONG:
            return "choose a shorter place"
        case errno.ENOENT:
            return "it was deleted, or cannot be made there; choose another place"
        case errno.EACCES | errno.EPERM | errno.EROFS | errno.ENOTDIR | errno.EISDIR | errno.EEXIST:
            return "choose another place"
        case _:  # full, over a quota or a limit; libsndfile tells no number
            return "free some space or choose another place"


@contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """Yields an empty file beside `path`, which takes its place when the block is left without an error.

    What killed processes left of the same file is swept.

    Raises:
        StorageError: The disk refused; no part of the file stays.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent.glob(f".{escape(path.name)}.*{SUFFIX}"))
        name, descriptor = held_part(f"{path.parent}/.{path.name}")
        part = Path(name)
        try:
            yield part
            part.replace(path)
        finally:
            os.close(descriptor)
            part.unlink(missing_ok=True)


def held_part(beginning: str) -> tuple[str, int]:
    """Returns a new empty file whose path begins so, and the descriptor that holds its lock until it is closed."""
    while True:
        part = f"{beginning}.{uuid4().hex}{SUFFIX}"
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        with suppress(OSError):  # a file system without locks: then nothing is swept there either
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # waits for a sweep that came upon it in between, and took it away
        if os.fstat(descriptor).st_nlink:
            return part, descriptor
        os.close(descriptor)


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Lets `write` fill a file beside `path`, then moves it there.

    Raises:
        StorageError: The disk refused; no part of the file stays.
    """
    with part_of(path) as part:
        write(part)


def write_text(path: Path, text: str) -> None:
    """Writes a text file as UTF-8, whole or not at all; a link there is replaced, what it led to stays as it is.

    Raises:
        StorageError: The disk refused.
    """
    with part_of(path) as part:
        part.write_text(text, encoding="utf-8")


def append_text(path: Path, text: str) -> None:
    """Adds to the end of a text file; a crash leaves at most an end that is not whole.

    Raises:
        StorageError: The disk refused, or the file is a link, which leads to what is somebody else's.
    """
    with writing(path), appending(path) as file:
        file.write(text.encode())


def appending(path: Path) -> BinaryIO:
    """Opens a file to add to its end.

    Raises:
        OSError: The disk refused, or the file is a link.
    """
    return os.fdopen(_without_links(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY), "ab")


def _without_links(path: Path, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Waits until no other process is changing files of a folder: for files that are read, changed and written.

    Raises:
        StorageError: The disk refused.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _without_links(folder / LOCK, os.O_CREAT | os.O_RDWR)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> int:
    """Removes the parts directly in a folder that no process holds; returns how many."""
    return _sweep(folder.glob(f".*{SUFFIX}"))


def _sweep(parts: Iterable[Path]) -> int:
    swept = 0
    with suppress(OSError):  # no folder, or one that may not be read: nothing of ours to sweep
        for part in parts:
            swept += _swept(part)
    return swept


def lock(path: Path) -> int | None:
    """Returns the descriptor that holds a file's lock, the file made if need be; None if another process holds it.

    Raises:
        OSError: It cannot be opened, is a link, or this file system has no locks.
    """
    descriptor = _without_links(path, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:  # else its last holder took it away in between
            return descriptor
    except BlockingIOError:
        pass
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _swept(part: Path) -> bool:
    try:
        descriptor = os.open(part, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
