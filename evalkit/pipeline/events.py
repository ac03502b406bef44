"""Events: what a run tells whoever listens (the display, later trackers and pages). Nothing waits for an answer."""

from dataclasses import dataclass
from typing import Protocol

from evalkit.row import Row


@dataclass(frozen=True)
class Said:
    """A line for the person watching, which stays."""

    message: str


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


Event = Said | StageBegun | Advanced | StageEnded | LoadingBegun | LoadingEnded | RowsMade


class Listener(Protocol):
    """Whoever wants to know."""

    def hear(self, event: Event) -> None:
        """Takes note of an event."""


class Deaf:
    """Takes note of nothing: for steps within a step, and for use as a library."""

    def hear(self, event: Event) -> None:
        """See `Listener.hear`."""
