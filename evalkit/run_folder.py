"""The folder of a run: a new one, or the one that an unfinished run of the same plan left behind."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from evalkit.errors import DataError
from evalkit.report import read_report
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
    folder = _unfinished(parent, plan)
    resumed = folder is not None
    if folder is None:
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        folder = parent / f"{now}-{plan[:6]}"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK_FILE, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield RunFolder(folder, resumed)
    finally:
        (folder / LOCK_FILE).unlink(missing_ok=True)
        os.close(descriptor)


def _unfinished(parent: Path, plan: str) -> Path | None:
    """Returns the newest folder whose run of this plan was interrupted and that no process is working in."""
    if not parent.is_dir():
        return None
    for folder in sorted(parent.iterdir(), reverse=True):
        with suppress(DataError):
            report = read_report(folder)
            if report.status == "interrupted" and report.plan == plan and _is_free(folder):
                return folder
    return None


def _is_free(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_CREAT | os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
