"""A program that is run once, within bounds of time and of what it writes; with all that it started, it is gone after.

It gets no shell, no terminal and no input, and a process group of its own.
"""

import contextlib
import os
import resource
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import IO

import psutil

from evalkit.errors import SynthesisError
from evalkit.names import shortened, visible

REMARKS = 20_000  # bytes of its standard error that are read
SHOWN = 300  # characters of its last words
LOOKING = 0.2  # seconds between two looks at what it has written


class ProgramFailedError(SynthesisError):
    """The program could not be started, or ended with an error."""


class ProgramSlowError(SynthesisError):
    """The program did not end in time."""


class ProgramWroteTooMuchError(SynthesisError):
    """The program wrote more than it may."""


@dataclass(frozen=True)
class Bounds:
    """What a program may do: seconds that it may take, bytes that it may write, in `folder` and in any one file."""

    seconds: float
    bytes: int
    folder: Path


def carried_out(command: Sequence[str], bounds: Bounds) -> float:
    """Runs a program and returns the seconds that it took.

    Raises:
        ProgramFailedError: It cannot be started, or ended with an error; the message has its last words.
        ProgramSlowError: It took too long and was ended, with all that it had started.
        ProgramWroteTooMuchError: It wrote too much and was ended likewise.
    """
    with tempfile.TemporaryFile() as remarks:
        started = perf_counter()
        process = _started(command, remarks)
        try:
            _bound(process, bounds.bytes)
            ended = _awaited(process, bounds, started)
        finally:
            _end(process)
        _check_end(process.returncode, _last_words(remarks), bounds)
        return ended - started


def _started(command: Sequence[str], remarks: IO[bytes]) -> "subprocess.Popen[bytes]":
    null = subprocess.DEVNULL
    try:
        return subprocess.Popen(command, stdin=null, stdout=null, stderr=remarks, start_new_session=True)
    except OSError as error:
        advice = "; give the text as a file: {text_file}" if error.strerror == "Argument list too long" else ""
        raise ProgramFailedError(f"the program cannot be started: {error.strerror}{advice}") from error


def _bound(process: "subprocess.Popen[bytes]", most: int) -> None:
    """Lets the system stop whatever file grows too large, where it can; what it cannot is looked at."""
    if hasattr(resource, "prlimit"):
        with contextlib.suppress(OSError):  # it has ended already
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))


def _awaited(process: "subprocess.Popen[bytes]", bounds: Bounds, started: float) -> float:
    """Returns when the program ended: it is waited for in a thread, since waiting with a limit looks now and then."""
    ended: list[float] = []
    done = threading.Event()

    def wait() -> None:
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its number stays taken until its group is gone
        ended.append(perf_counter())
        done.set()

    threading.Thread(target=wait, daemon=True).start()
    while not done.wait(min(LOOKING, max(0.0, bounds.seconds - (perf_counter() - started)))):
        if perf_counter() - started >= bounds.seconds:
            raise ProgramSlowError(f"the program did not end within {bounds.seconds:g} s")
        _check_size(bounds)
    _check_size(bounds)
    return ended[0]


def _check_size(bounds: Bounds) -> None:
    written = 0
    for path in bounds.folder.rglob("*"):
        with contextlib.suppress(OSError):  # gone by now
            written += path.lstat().st_size
    if written > bounds.bytes:
        raise _too_much(bounds)


def _too_much(bounds: Bounds) -> ProgramWroteTooMuchError:
    return ProgramWroteTooMuchError(f"the program wrote more than {bounds.bytes} bytes, which no text needs")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends a program, its group, and children of its that left the group."""
    strays = []
    with contextlib.suppress(psutil.Error):
        strays = psutil.Process(process.pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for stray in strays:
        with contextlib.suppress(psutil.Error):
            stray.kill()
    process.wait()


def _last_words(remarks: IO[bytes]) -> str:
    remarks.seek(max(0, remarks.seek(0, os.SEEK_END) - REMARKS))
    lines = [line.strip() for line in remarks.read().decode(errors="replace").splitlines()]
    last = next((line for line in reversed(lines) if line), "it said nothing")
    return shortened(visible(" ".join(last.split())), SHOWN)


def _check_end(code: int, words: str, bounds: Bounds) -> None:
    if code == -signal.SIGXFSZ:
        raise _too_much(bounds)
    if code < 0:
        raise ProgramFailedError(f"the program was ended by signal {-code}: {words}")
    if code > 0:
        raise ProgramFailedError(f"the program ended with exit code {code}: {words}")
