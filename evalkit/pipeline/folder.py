"""The folder of a run: a new one, or the one that an unfinished run of the same plan left behind."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from evalkit.errors import DataError
from evalkit.reports.files import LOG_FILE, REPORT_FILE, read_report
from evalkit.store.atomic import lock, sweep, writing

LOCK_FILE = ".lock"
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # what file systems without them answer


@dataclass(frozen=True)
class RunFolder:
    """Where a run writes; `resumed` tells that an earlier attempt at the same plan began it."""

    path: Path
    resumed: bool

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.path.name


@contextmanager
def run_folder(parent: Path, plan: str) -> Iterator[RunFolder]:
    """Yields the folder for a run of `plan` (a digest), locked against other processes until it is left.

    Raises:
        StorageError: The folder cannot be made.
    """
    _sweep(parent)
    taken = _take_up(parent, plan)
    folder, descriptor = taken or _begin(parent, plan)
    try:
        yield RunFolder(folder, resumed=taken is not None)
    finally:
        os.close(descriptor)  # and with it the lock; its file stays, since another process may be opening it


def _sweep(parent: Path) -> None:
    """Removes what killed processes left and nobody holds: parts of files, folders without a report."""
    for folder in _folders(parent):
        with suppress(OSError):  # one that may not be written to is not ours to sweep
            sweep(folder)
            if not (folder / REPORT_FILE).exists() and (descriptor := lock(folder / LOCK_FILE)) is not None:
                try:
                    if {path.name for path in folder.iterdir()} <= {LOCK_FILE, LOG_FILE}:
                        shutil.rmtree(folder)
                finally:
                    os.close(descriptor)


def _folders(parent: Path) -> list[Path]:
    """Returns the folders of runs, the newest first; links, and folders with links in them, are somebody else's."""
    if not parent.is_dir():
        return []
    return sorted((path for path in parent.iterdir() if path.is_dir() and not _has_links(path)), reverse=True)


def _has_links(folder: Path) -> bool:
    """Whether writing in a folder could change what lies elsewhere."""
    try:
        return folder.is_symlink() or any(path.is_symlink() for path in folder.iterdir())
    except OSError:  # it may not be listed
        return True


def _take_up(parent: Path, plan: str) -> tuple[Path, int] | None:
    """Returns the newest folder, now locked, whose run of this plan was interrupted and that nobody works in."""
    for folder in _folders(parent):
        with suppress(OSError):  # somebody else's, or locks are not to be had: who works there cannot be told
            if _is_unfinished(folder, plan) and (descriptor := lock(folder / LOCK_FILE)) is not None:
                if _is_unfinished(folder, plan):  # still, now that nobody else can finish it
                    return folder, descriptor
                os.close(descriptor)
    return None


def _begin(parent: Path, plan: str) -> tuple[Path, int]:
    """Returns a folder that nobody has, locked."""
    name = f"{datetime.now(UTC).strftime('%Y%m%dT%H%M%S%f')[:-3]}-{plan[:6]}"
    with writing(parent / name):
        parent.mkdir(parents=True, exist_ok=True)
        for folder in (parent / (f"{name}-{number}" if number else name) for number in count()):
            with suppress(FileExistsError, FileNotFoundError):  # made, or swept, by another process
                folder.mkdir()
                if (descriptor := _own(folder / LOCK_FILE)) is not None:
                    return folder, descriptor
    raise AssertionError("count() never ends")


def _own(path: Path) -> int | None:
    """Returns a new folder's lock; where the file system has none, nobody else will take the folder up either."""
    try:
        return lock(path)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return os.open(path, os.O_RDWR)


def _is_unfinished(folder: Path, plan: str) -> bool:
    try:
        report = read_report(folder)
    except DataError:
        return False
    return report.status == "interrupted" and report.plan == plan
