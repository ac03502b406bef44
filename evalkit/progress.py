"""What a person sees while a run works: one live display on a terminal, plain lines elsewhere, always on stderr.

Libraries print as they like; `quiet` sends all of it, C code included, to a log file beside the report.
"""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PLAIN_EVERY = 10.0  # seconds between lines where there is no terminal


class Display(Protocol):
    """A run's view of the person watching."""

    def say(self, message: str) -> None:
        """Shows a line of text that stays."""

    def start(self, stage: str, total: int, cached: int) -> None:
        """Begins a stage of `total` items, of which `cached` are done already."""

    def advance(self, *, failed: bool = False) -> None:
        """Counts one more item as done."""

    def finish(self) -> None:
        """Ends the stage, if one is on."""


class Silent:
    """Shows nothing: for tests and for use as a library."""

    def say(self, message: str) -> None:
        """See `Display.say`."""

    def start(self, stage: str, total: int, cached: int) -> None:
        """See `Display.start`."""

    def advance(self, *, failed: bool = False) -> None:
        """See `Display.advance`."""

    def finish(self) -> None:
        """See `Display.finish`."""


class Live:
    """A bar for each stage: done / total, cached, failed, rate, time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None  # a new one a stage: a stopped one stays on the screen as it ended
        self._failed = 0

    def say(self, message: str) -> None:
        """See `Display.say`."""
        self._console.print(message, highlight=False, markup=False)

    def start(self, stage: str, total: int, cached: int) -> None:
        """See `Display.start`."""
        self._failed = 0
        self._bar = Progress(
            TextColumn("[bold]{task.description:<12}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[cached]} cached  {task.fields[failed]} failed  {task.fields[rate]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=self._console,
        )
        self._bar.add_task(stage, total=total, completed=cached, cached=cached, failed=0, rate="")
        self._bar.start()

    def advance(self, *, failed: bool = False) -> None:
        """See `Display.advance`."""
        if self._bar is None:
            return
        self._failed += failed
        speed = self._bar.tasks[0].speed
        rate = f"{speed:.1f}/s" if speed else ""
        self._bar.update(self._bar.task_ids[0], advance=1, failed=self._failed, rate=rate)

    def finish(self) -> None:
        """See `Display.finish`."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = None


class Plain:
    """A line at the start and end of each stage, and every ten seconds between."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage, self._total, self._cached = "", 0, 0
        self._done, self._failed = 0, 0
        self._started = self._last = 0.0

    def say(self, message: str) -> None:
        """See `Display.say`."""
        print(message, file=self._stream, flush=True)

    def start(self, stage: str, total: int, cached: int) -> None:
        """See `Display.start`."""
        self._stage, self._total, self._cached = stage, total, cached
        self._done, self._failed = cached, 0
        self._started = self._last = time.monotonic()

    def advance(self, *, failed: bool = False) -> None:
        """See `Display.advance`."""
        self._done += 1
        self._failed += failed
        if time.monotonic() - self._last >= PLAIN_EVERY:
            self._last = time.monotonic()
            rate = (self._done - self._cached) / (self._last - self._started)
            self.say(f"{self._counts()}, {rate:.1f}/s, {(self._total - self._done) / rate:.0f} s left")

    def finish(self) -> None:
        """See `Display.finish`."""
        if self._stage:
            self.say(f"{self._counts()}, {time.monotonic() - self._started:.1f} s")
        self._stage = ""

    def _counts(self) -> str:
        return f"{self._stage}: {self._done}/{self._total}, {self._cached} cached, {self._failed} failed"


@contextmanager
def quiet(log: Path) -> Iterator[TextIO]:
    """Sends file descriptors 1 and 2 to `log` for as long as it is entered; yields a stream to the real stderr."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(descriptor) for descriptor in (1, 2)]
    with os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace") as screen, log.open("ab") as target:
        for descriptor in (1, 2):
            os.dup2(target.fileno(), descriptor)
        logging.captureWarnings(capture=True)
        try:
            yield screen
        finally:
            logging.captureWarnings(capture=False)
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, original in zip((1, 2), saved, strict=True):
                os.dup2(original, descriptor)
                os.close(original)


def display_on(stream: TextIO) -> Display:
    """Returns the display that suits the stream: live on a terminal, plain lines elsewhere."""
    console = Console(file=stream)
    return Live(console) if console.is_terminal else Plain(stream)
