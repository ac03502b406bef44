"""A check: what was looked at, how it is, and what to type where it is not as it should be."""

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evalkit.resources import resource

State = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Check:
    """One answer of the doctor's.

    Attributes:
        check: What was looked at.
        state: `wrong`: a run will fail, or its numbers will; `warning`: it may.
        message: How it is.
        mend: The command to type; None where all is well.
    """

    check: str
    state: State
    message: str
    mend: str | None = None


def of_error(check: str, error: Exception, mend: str) -> Check:
    """Returns the check of an error of ours, whose message ends with the command to type; if it has none, `mend`."""
    message, *told = re.split(r"[;:,] type:? ", str(error), maxsplit=1)
    return Check(check, "wrong", message, told[0] if told else mend)


def size(number: float) -> str:
    """Returns bytes for people."""
    for unit, least in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if number >= least:
            return f"{number / least:.1f} {unit}"
    return f"{number / 1e3:.1f} kB"


def shown(path: Path) -> str:
    """Returns a path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def typed(path: Path) -> str:
    """Returns a path as a word of a command that is typed here."""
    return shlex.quote(shown(path))


def this_python() -> str:
    """Returns the command of this Python."""
    return typed(Path(sys.executable))


def lock_file() -> Path:
    """Returns where the lock of this Python lies in a checkout; there is none in an installed wheel."""
    return resource("locks") / f"python{sys.version_info.major}.{sys.version_info.minor}.txt"


def pip_install(wanted: str) -> str:
    """Returns the command that brings `wanted` (words for a shell), in the locked versions if there is a lock."""
    lock = lock_file()
    constraint = f" --constraint {typed(lock)}" if lock.is_file() else ""
    return f"{this_python()} -m pip install{constraint} {wanted}"


def pip_install_lock() -> str:
    """Returns the command that makes this Python's packages those of the lock, or those of the release."""
    lock = lock_file()
    wanted = f"--no-deps --requirement {typed(lock)}" if lock.is_file() else "--force-reinstall FOLDER_OF_EVALKIT"
    return f"{this_python()} -m pip install {wanted}"
