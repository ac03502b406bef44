"""Events: what a run tells whoever listens (the display, trackers). Nothing waits for an answer."""

from dataclasses import dataclass
from typing import Protocol

from evalkit.record import Report
from evalkit.row import Row
from evalkit.trial import Trial


@dataclass(frozen=True)
class Said:
    """A line for the person watching, which stays."""

    message: str


@dataclass(frozen=True)
class RunBegun:
    """A run begins: its trials in the order of the grid, and the metric that decides between them."""

    trials: tuple[Trial, ...]
    primary: str
    higher_is_better: bool


@dataclass(frozen=True)
class StageBegun:
    """A portion of a stage begins: `total` more items, of which `cached` are there already."""

    stage: str
    total: int
    cached: int


@dataclass(frozen=True)
class Advanced:
    """One more item of the stage that is on is done."""

    failed: bool = False


@dataclass(frozen=True)
class StageEnded:
    """The portion is done."""


@dataclass(frozen=True)
class LoadingBegun:
    """A model is being loaded, which can take minutes."""

    model: str


@dataclass(frozen=True)
class LoadingEnded:
    """It is loaded, or cannot be."""


@dataclass(frozen=True)
class RowsMade:
    """More rows are written; `done` of `total` so far."""

    rows: tuple[Row, ...]
    done: int
    total: int


@dataclass(frozen=True)
class ReportMade:
    """The report with the numbers of so many rows is written: now and then, and at the end."""

    report: Report
    rows: int


Event = Said | RunBegun | StageBegun | Advanced | StageEnded | LoadingBegun | LoadingEnded | RowsMade | ReportMade


class Listener(Protocol):
    """Whoever wants to know."""

    def hear(self, event: Event) -> None:
        """Takes note of an event."""


class Deaf:
    """Takes note of nothing: for steps within a step, and for use as a library."""

    def hear(self, event: Event) -> None:
        """See `Listener.hear`."""
