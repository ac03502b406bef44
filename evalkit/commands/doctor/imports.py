"""Importing in a child process: what raises there, crashes or never ends is a finding, not the doctor's end.

All that one Python is to import goes through one child, as in a run, and torch is waited for once. A crash ends the
child; the next one goes on behind what crashed.
"""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any, Literal

LIMIT_SECONDS = 300.0  # a large package from a cold network disk takes a minute
CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Step:
    """What a child is to do: import a distribution's modules, execute an import statement, tell the devices."""

    kind: Literal["distribution", "statement", "devices"]
    what: str


@dataclass(frozen=True)
class Fault:
    """Why a step failed.

    Attributes:
        reason: The last line of the error, or how the process ended.
        stranger: The file that was imported in the place of a distribution's own.
        crashed: Whether it took the process along.
    """

    reason: str
    stranger: str | None
    crashed: bool


@dataclass
class Tried:
    """How steps went.

    Attributes:
        faults: By the steps that failed.
        versions: Of the distributions, by name.
        requires: What these ask for, by name.
        devices: As `child` tells them; None where torch cannot be imported.
    """

    faults: dict[Step, Fault] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    requires: dict[str, list[str]] = field(default_factory=dict)
    devices: dict[str, Any] | None = None


def tried(python: str, steps: Sequence[Step]) -> Tried:
    """Takes steps in a Python, in order."""
    found, left = Tried(), list(dict.fromkeys(steps))
    while left:
        lines, end = _child(python, left)
        # Of each step the child says a line before and one after; a last step without the second took it along.
        for step, before, after in zip_longest(left[: (len(lines) + 1) // 2], lines[::2], lines[1::2]):
            fault = end if after is None else after.get("fault")
            if fault:
                found.faults[step] = Fault(fault, before.get("stranger"), after is None)
            if "version" in before:
                found.versions[step.what], found.requires[step.what] = before["version"], before["requires"]
            found.devices = (after or {}).get("devices", found.devices)
        if not lines:
            found.faults |= {step: Fault(end, None, crashed=True) for step in left}
            break
        left = left[(len(lines) + 1) // 2 :]
    return found


def _child(python: str, steps: Sequence[Step]) -> tuple[list[dict[str, Any]], str]:
    """Returns the lines that the child said, and how it ended."""
    told = json.dumps([[step.kind, step.what] for step in steps])
    command = [str(Path(python).expanduser()), "-c", CHILD.read_text(encoding="utf-8"), told]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}  # as in a run
    # Files, not pipes: what a package leaves running would hold a pipe open.
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as remarks:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=remarks, env=environment
        ) as process:
            try:
                end = _end(process.wait(LIMIT_SECONDS))
            except subprocess.TimeoutExpired:
                process.kill()
                end = f"nothing came of it within {LIMIT_SECONDS:g} s"
        whole = [line for line in _read(said).splitlines(keepends=True) if line.endswith("\n")]
        lines = [json.loads(line) for line in whole]
        own = lines[-1].get("remarked", 0) if lines else 0
        return lines, ": ".join([end, *_read(remarks, own).strip().splitlines()[-1:]])


def _end(code: int) -> str:
    """Returns how a process ended; Ctrl-C, which reaches the child too, is no finding."""
    if code == -signal.SIGINT:
        raise KeyboardInterrupt
    if code >= 0:
        return f"the process ended itself (exit code {code})"
    try:
        return f"the process crashed ({signal.Signals(-code).name})"
    except ValueError:
        return f"the process crashed (signal {-code})"


def _read(file: IO[bytes], start: int = 0) -> str:
    file.seek(start)
    return file.read().decode(errors="replace")
