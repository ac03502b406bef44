"""The folder of a run: a new one, or the one that an unfinished run of the same plan left behind."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from evalkit.errors import DataError
from evalkit.report_files import read_report
from evalkit.store import writing

LOCK_FILE = ".lock"
LOG_FILE = "run.log"


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
    taken = _take_up(parent, plan)
    folder, descriptor = taken or _begin(parent, plan)
    try:
        yield RunFolder(folder, resumed=taken is not None)
    finally:
        os.close(descriptor)  # and with it the lock; its file stays, since another process may be opening it


def _take_up(parent: Path, plan: str) -> tuple[Path, int] | None:
    """Returns the newest folder, now locked, whose run of this plan was interrupted and that nobody works in."""
    folders = sorted(parent.iterdir(), reverse=True) if parent.is_dir() else []
    for folder in folders:
        if _is_unfinished(folder, plan) and (descriptor := _lock(folder)) is not None:
            if _is_unfinished(folder, plan):  # still, now that nobody else can finish it
                return folder, descriptor
            os.close(descriptor)
    return None


def _begin(parent: Path, plan: str) -> tuple[Path, int]:
    """Returns a folder that nobody has, locked."""
    name = f"{datetime.now(UTC).strftime('%Y%m%dT%H%M%S')}-{plan[:6]}"
    with writing(parent / name):
        parent.mkdir(parents=True, exist_ok=True)
        for folder in (parent / (f"{name}-{number}" if number else name) for number in count()):
            with suppress(FileExistsError):
                folder.mkdir()
                if (descriptor := _lock(folder)) is not None:
                    return folder, descriptor
    raise AssertionError("count() never ends")


def _is_unfinished(folder: Path, plan: str) -> bool:
    try:
        report = read_report(folder)
    except DataError:
        return False
    return report.status == "interrupted" and report.plan == plan


def _lock(folder: Path) -> int | None:
    """Returns the descriptor that holds the folder's lock; None if another process does."""
    descriptor = os.open(folder / LOCK_FILE, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
