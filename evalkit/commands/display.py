"""What a person sees while a run works: bars on a terminal, plain lines elsewhere, always on stderr."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Task, TaskID, TextColumn

from evalkit.commands.bars import Bars, Told
from evalkit.commands.standings import Standings
from evalkit.commands.tally import Tally, clock_time
from evalkit.names import visible
from evalkit.pipeline.events import (
    Advanced,
    Event,
    LoadingBegun,
    LoadingEnded,
    RowsMade,
    RunBegun,
    Said,
    StageBegun,
    StageEnded,
)
from evalkit.row import Row

PLAIN_EVERY = 10.0  # seconds between lines where there is no terminal
WORTH_SAYING = 1.0  # seconds of loading that are told of afterwards
NAME_WIDTH, BAR_WIDTH, WITH_BAR = 21, 10, 70  # columns; a narrower terminal has no bars


class Display(ABC):
    """A run's view of the person watching; see `pipeline.events.Listener`."""

    def __init__(self) -> None:
        self.stages: dict[str, Tally] = {}
        self.stage = ""
        self._left = 0  # of the portion of a stage that is on
        self.loading: tuple[str, float] | None = None
        self.since = time.monotonic()
        self.standings: Standings | None = None

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
                tally = self.stages[self.stage]
                tally.seconds, tally.begun = tally.passed(time.monotonic()), None
                self._left = 0
                self.show()
            case LoadingBegun(model):
                self.loading = model, time.monotonic()
                self.show_loading()
            case LoadingEnded():
                self._loaded()
            case RunBegun():
                self.standings = Standings.of(event)
            case RowsMade(rows, done, total):
                self._add(rows)
                self.show_rows(done, total)

    def _add(self, rows: Sequence[Row]) -> None:
        if self.standings is not None:
            self.standings.add(rows)

    def _begin(self, stage: str, total: int, cached: int) -> None:
        if self._left:  # of a portion that was broken off, to be gone through again
            self.stages[self.stage].total -= self._left
        self.stage, self._left = stage, total - cached
        tally = self.stages.setdefault(stage, Tally())
        tally.total, tally.cached, tally.done = tally.total + total, tally.cached + cached, tally.done + cached
        tally.begun = time.monotonic()
        self.show()

    def _loaded(self) -> None:
        if self.loading is None:
            return
        (model, since), self.loading = self.loading, None
        seconds = time.monotonic() - since
        tally = self.stages.get(self.stage)
        if tally is not None and tally.begun is not None:
            tally.loading += seconds
        self.show_loading()
        if seconds >= WORTH_SAYING:
            self.say(f"loaded {model}: took {clock_time(seconds)}")

    @abstractmethod
    def say(self, message: str) -> None:
        """Shows a line of text that stays."""

    @abstractmethod
    def show(self) -> None:
        """Shows how far the stage is that is on."""

    @abstractmethod
    def show_loading(self) -> None:
        """Shows what is being loaded, or no more."""

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

    def show_loading(self) -> None:
        """See `Display.show_loading`."""

    def show_rows(self, done: int, total: int) -> None:
        """See `Display.show_rows`."""

    def finish(self) -> None:
        """See `Display.finish`."""


class Live(Display):
    """A bar for the rows, one for each stage and one for what is being loaded, with the time so far and left."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._bars: dict[str, TaskID] = {}
        bars = [BarColumn(bar_width=BAR_WIDTH)] if console.width >= WITH_BAR else []
        self._taken = NAME_WIDTH + 1 + (BAR_WIDTH + 1) * len(bars)
        name = TextColumn(f"[bold]{{task.fields[shown]:<{NAME_WIDTH}}}")
        self._progress = Bars([name, *bars, Told(self._told)], self._below, console)

    def say(self, message: str) -> None:
        """See `Display.say`."""
        self._console.print(visible(message), highlight=False, markup=False)

    def show(self) -> None:
        """See `Display.show`."""
        tally = self.stages[self.stage]
        self._update(self.stage, tally.done, tally.total)

    def show_loading(self) -> None:
        """See `Display.show_loading`."""
        if self.loading is not None:
            self._update("loading", 0, None)
        elif (bar := self._bars.pop("loading", None)) is not None:
            self._progress.remove_task(bar)

    def show_rows(self, done: int, total: int) -> None:
        """See `Display.show_rows`."""
        self._update("rows", done, total)

    def finish(self) -> None:
        """See `Display.finish`; the numbers so far make way for the report's."""
        self.standings = None
        self._progress.stop()

    def _update(self, name: str, done: int, total: int | None) -> None:
        self._progress.start()
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(name, total=total, shown=escape(visible(name)))
        self._progress.update(self._bars[name], completed=done, total=total)

    def _below(self) -> list[str]:
        """Returns what stands below the bars: the numbers so far, in the lines that these leave."""
        if self.standings is None:
            return []
        return self.standings.lines(self._console.width, self._console.height - len(self._bars) - 1)

    def _told(self, task: Task) -> str:
        """Returns what stands beside a bar: as much as there is room for, and no part of it cut."""
        now = time.monotonic()
        return _fitting(self._parts(task, now), self._console.width - self._taken)

    def _parts(self, task: Task, now: float) -> list[str]:
        """Returns what there is to say beside a bar, the most important first."""
        if task.total is None:
            model, since = self.loading or ("", now)
            return [visible(model), f"{clock_time(now - since)} so far"]
        done = f"{task.completed:.0f}/{task.total:.0f}"
        if (tally := self.stages.get(task.description)) is None:
            passed = clock_time(now - self.since)
            return [done, f"took {passed}" if task.finished else f"{passed} so far"]
        failed = [f"{tally.failed} failed"] if tally.failed else []
        return [done, *failed, tally.times(now), *([f"{tally.cached} cached"] if tally.cached else [])]


def _fitting(parts: Sequence[str], room: int) -> str:
    """Returns the first parts, as many as there is room for, the first one anyway."""
    told = parts[0]
    for part in parts[1:]:
        if len(told) + 2 + len(part) <= room:
            told += "  " + part
    return told


class Plain(Display):
    """A line every ten seconds, whatever is on, and one for each stage at the end.

    Args:
        stream: Where to.
        every: Seconds between lines.
    """

    def __init__(self, stream: TextIO, every: float = PLAIN_EVERY) -> None:
        super().__init__()
        self._stream = stream
        self._rows = ""
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, args=(every,), daemon=True)
        self._ticker.start()

    def say(self, message: str) -> None:
        """See `Display.say`."""
        self._stream.write(f"{visible(message)}\n")  # at once: two threads write here
        self._stream.flush()

    def show(self) -> None:
        """See `Display.show`; the next line will."""

    def show_loading(self) -> None:
        """See `Display.show_loading`; the next line will."""

    def show_rows(self, done: int, total: int) -> None:
        """See `Display.show_rows`."""
        best = self.standings.short() if self.standings is not None else ""
        self._rows = f"; rows: {done}/{total}" + (f"; {best}" if best else "")

    def finish(self) -> None:
        """See `Display.finish`."""
        self._over.set()
        self._ticker.join()
        for stage, tally in self.stages.items():
            loading = f", {tally.loading:.1f} s of it loading" if tally.loading >= WORTH_SAYING else ""
            self.say(f"{stage}: {tally}, {tally.seconds:.1f} s{loading}")
        self.stages = {}

    def _tick(self, every: float) -> None:
        while not self._over.wait(every):
            if line := self._now():
                self.say(line)

    def _now(self) -> str | None:
        """Returns what is on."""
        now, loading, tally = time.monotonic(), self.loading, self.stages.get(self.stage)
        if loading is not None:
            return f"loading {loading[0]}: {clock_time(now - loading[1])} so far"
        if tally is None or tally.begun is None:
            return None
        return f"{self.stage}: {tally}, {tally.times(now)}{self._rows}"


def display_on(stream: TextIO) -> Display:
    """Returns the display that suits the stream: live on a terminal, plain lines elsewhere."""
    console = Console(file=stream)
    return Live(console) if console.is_terminal else Plain(stream)
