"""What a person sees while a run works: bars on a terminal, plain lines elsewhere, always on stderr.

Libraries print as they like; `quiet` sends all of it, C code included, to a log file beside the report.
"""

import logging
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from evalkit.commands.screen import Screen, silence
from evalkit.pipeline.events import Advanced, Event, RowsMade, Said, StageBegun, StageEnded
from evalkit.store.atomic import writing

PLAIN_EVERY = 10.0  # seconds between lines where there is no terminal


@dataclass
class Tally:
    """What was done in one stage, over all its portions."""

    total: int = 0
    cached: int = 0
    done: int = 0
    failed: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.done}/{self.total}, {self.cached} cached, {self.failed} failed"


class Display(ABC):
    """A run's view of the person watching; see `pipeline.events.Listener`."""

    def __init__(self) -> None:
        self.stages: dict[str, Tally] = {}
        self.stage = ""
        self._begun = 0.0
        self._left = 0  # of the portion of a stage that is on

    def hear(self, event: Event) -> None:
        """See `Listener.hear`."""
        match event:
            case Said(message):
                self.say(message)
            case StageBegun(stage, total, cached):
                self._begin(stage, total, cached)
            case Advanced(failed):
                tally = self.stages[self.stage]
                tally.done, tally.failed = tally.done + 1, tally.failed + failed
                self._left -= 1
                self.show()
            case StageEnded():
                self.stages[self.stage].seconds += time.monotonic() - self._begun
                self._left = 0
                self.show()
            case RowsMade(_, done, total):
                self.show_rows(done, total)

    def _begin(self, stage: str, total: int, cached: int) -> None:
        if self._left:  # of a portion that was broken off, to be gone through again
            self.stages[self.stage].total -= self._left
        self.stage, self._begun, self._left = stage, time.monotonic(), total - cached
        tally = self.stages.setdefault(stage, Tally())
        tally.total, tally.cached, tally.done = tally.total + total, tally.cached + cached, tally.done + cached
        self.show()

    @abstractmethod
    def say(self, message: str) -> None:
        """Shows a line of text that stays."""

    @abstractmethod
    def show(self) -> None:
        """Shows how far the stage is that is on."""

    @abstractmethod
    def show_rows(self, done: int, total: int) -> None:
        """Shows how many rows are made, of so many at the most."""

    @abstractmethod
    def finish(self) -> None:
        """Leaves a line for each stage."""


class Silent(Display):
    """Shows nothing."""

    def say(self, message: str) -> None:
        """See `Display.say`."""

    def show(self) -> None:
        """See `Display.show`."""

    def show_rows(self, done: int, total: int) -> None:
        """See `Display.show_rows`."""

    def finish(self) -> None:
        """See `Display.finish`."""


class Live(Display):
    """A bar for the rows and one for each stage: done / total, cached, failed, time left."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._bars: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("[bold]{task.description:<12}"),
            BarColumn(bar_width=20),  # the only one that gives way where the terminal is narrow
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True, table_column=Column(no_wrap=True)),
            console=console,
        )

    def say(self, message: str) -> None:
        """See `Display.say`."""
        self._console.print(message, highlight=False, markup=False)

    def show(self) -> None:
        """See `Display.show`."""
        tally = self.stages[self.stage]
        self._update(self.stage, tally.done, tally.total, f"{tally.cached} cached  {tally.failed} failed")

    def show_rows(self, done: int, total: int) -> None:
        """See `Display.show_rows`."""
        self._update("rows", done, total, "")

    def finish(self) -> None:
        """See `Display.finish`."""
        self._progress.stop()

    def _update(self, name: str, done: int, total: int, told: str) -> None:
        self._progress.start()
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(name, total=total, told=told)
        self._progress.update(self._bars[name], completed=done, total=total, told=told)


class Plain(Display):
    """A line every ten seconds, and one for each stage at the end."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._last = time.monotonic()
        self._rows = ""

    def say(self, message: str) -> None:
        """See `Display.say`."""
        print(message, file=self._stream, flush=True)

    def show(self) -> None:
        """See `Display.show`."""
        if time.monotonic() - self._last >= PLAIN_EVERY:
            self._last = time.monotonic()
            self.say(f"{self.stage}: {self.stages[self.stage]}{self._rows}")

    def show_rows(self, done: int, total: int) -> None:
        """See `Display.show_rows`."""
        self._rows = f"; rows: {done}/{total}"

    def finish(self) -> None:
        """See `Display.finish`."""
        for stage, tally in self.stages.items():
            self.say(f"{stage}: {tally}, {tally.seconds:.1f} s")
        self.stages = {}


@contextmanager
def quiet(log: Path) -> Iterator[TextIO]:
    """Sends file descriptors 1 and 2 to `log` for as long as it is entered; yields a stream to the real stderr.

    Raises:
        StorageError: The log cannot be written.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    with writing(log):
        target = log.open("ab")
    saved = [os.dup(descriptor) for descriptor in (1, 2)]
    with Screen(os.dup(2), sys.stderr.encoding) as screen, target:
        for descriptor in (1, 2):
            os.dup2(target.fileno(), descriptor)
        logging.captureWarnings(capture=True)
        try:
            yield screen
        finally:
            logging.captureWarnings(capture=False)
            for stream, descriptor, original in zip((sys.stdout, sys.stderr), (1, 2), saved, strict=True):
                _drain(stream, descriptor)
                os.dup2(original, descriptor)
                os.close(original)


def _drain(stream: TextIO, descriptor: int) -> None:
    """Writes what a stream still holds to where it belongs: else it would turn up on the terminal."""
    try:
        stream.flush()
    except OSError:  # a full disk: what libraries had to say is lost
        silence(descriptor)
        stream.flush()


def display_on(stream: TextIO) -> Display:
    """Returns the display that suits the stream: live on a terminal, plain lines elsewhere."""
    console = Console(file=stream)
    return Live(console) if console.is_terminal else Plain(stream)
