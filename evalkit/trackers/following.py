"""Following a run: the listener between a run and its trackers, which keeps the run from whatever becomes of them.

Trackers are told of numbers whenever an interim report is made, and no more often than their share of the time allows.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from evalkit.errors import TrackerError
from evalkit.names import without_credentials
from evalkit.pipeline.attempts import Failure, attempt
from evalkit.pipeline.events import Event, Listener, ReportMade, Said
from evalkit.trackers.base import Beginning, End, Track, Tracker

SHARE = 0.02  # of a run's time that telling a tracker may take


@dataclass
class _Told:
    """A tracker's track, and what it was told."""

    name: str
    track: Track
    rows: int = 0
    not_before: float = 0.0
    fault: str = ""


@dataclass
class Following:
    """Passes a run's events on to another listener, and its numbers to trackers.

    A tracker that fails is named once; it is told again later on, and at the end.
    """

    beginning: Beginning
    listener: Listener
    clock: Callable[[], float] = time.monotonic
    _told: list[_Told] = field(default_factory=list)
    _latest: ReportMade | None = None

    def begin(self, trackers: Sequence[Tracker]) -> None:
        """Begins the tracks.

        Raises:
            TrackerError: One cannot begin; those that could are closed.
        """
        for tracker in trackers:
            track = attempt(partial(tracker.begin, self.beginning))
            if isinstance(track, Failure):
                self.finish("failed")
                raise TrackerError(
                    f"tracker={tracker.name} cannot begin: {said(track)}; nothing was done yet. Mend it, or leave "
                    f"{tracker.name} out"
                )
            self._told.append(_Told(tracker.name, track))

    def hear(self, event: Event) -> None:
        """See `Listener.hear`."""
        self.listener.hear(event)
        if not isinstance(event, ReportMade):
            return
        self._latest = event
        for one in self._told:
            if self.clock() >= one.not_before:
                self._tell(one, event)

    def finish(self, end: End) -> None:
        """Tells each tracker the last numbers and how the run ended."""
        report = self._latest.report if self._latest else self.beginning.report
        for one in self._told:
            if self._latest and one.rows != self._latest.rows:
                self._tell(one, self._latest)
            failed = _tried(partial(one.track.finish, report, end, self.beginning.folder))
            if isinstance(failed, Failure):
                self._say(f"tracker={one.name}: the end of the run could not be told: {said(failed)}")
            elif one.fault and not self._behind(one):
                self._say(f"tracker={one.name}: it has all numbers now")
        self._told = []

    def _behind(self, one: _Told) -> bool:
        return self._latest is not None and one.rows != self._latest.rows

    def _tell(self, one: _Told, event: ReportMade) -> None:
        begun = self.clock()
        failed = _tried(partial(one.track.measured, event.report, event.rows))
        now = self.clock()
        one.not_before = now + (now - begun) / SHARE
        if not isinstance(failed, Failure):
            one.rows = event.rows
        elif not one.fault:
            one.fault = said(failed)
            self._say(f"tracker={one.name} fails, the run goes on without it: {one.fault}")

    def _say(self, message: str) -> None:
        self.listener.hear(Said(message))


def _tried(call: Callable[[], None]) -> Failure | None:
    """As `attempt`; after the person's Ctrl-C too what a tracker raises is its own fault, and not another Ctrl-C."""
    try:
        return attempt(call)
    except KeyboardInterrupt as stop:
        if stop.__cause__ is None or isinstance(stop.__cause__, KeyboardInterrupt):
            raise
        return Failure.of(stop.__cause__)


def said(failure: Failure) -> str:
    """Returns why a tracker failed, in a line without passwords."""
    return without_credentials(f"{failure.type}: {' '.join(failure.message.split())}")


@contextmanager
def followed(trackers: Sequence[Tracker], beginning: Callable[[], Beginning], listener: Listener) -> Iterator[Listener]:
    """Yields the listener of a run that trackers follow, until it is left: then the run has ended.

    Args:
        trackers: That follow it.
        beginning: Gives what they are told first; not asked where there are none.
        listener: That is told all.

    Raises:
        TrackerError: One cannot begin.
    """
    if not trackers:
        yield listener
        return
    following = Following(beginning(), listener)
    following.begin(trackers)
    end: End = "failed"
    try:
        yield following
        end = "complete"
    except KeyboardInterrupt:
        end = "stopped"
        raise
    finally:
        following.finish(end)
