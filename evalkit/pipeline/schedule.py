"""The seam of a schedule: given the rows so far, which utterances are to be made next. `Grid` wants all, in turn."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Protocol

from evalkit.pipeline.plan import Plan, Planned
from evalkit.row import Row

Batch = Sequence[Planned]
BATCH = 64  # utterances: rows appear soon, and judges still hear many at a time


class Schedule(Protocol):
    """Decides what is asked next."""

    def next(self, rows: Sequence[Row]) -> Batch | None:
        """Returns the next utterances, given the rows so far; None where nothing more is wanted."""


class Grid:
    """The whole plan, one batch after the other.

    Args:
        plan: What there is.
        size: Most utterances a batch; None: all that engines of one family say, so that each model is loaded once.
    """

    def __init__(self, plan: Plan, size: int | None = BATCH) -> None:
        self._parts = iter([plan.utterances(cells) for cells in plan.families])
        self._size = size
        self._waiting: Iterator[Planned] = iter(())

    def next(self, rows: Sequence[Row]) -> Batch | None:
        """See `Schedule.next`; the rows do not matter."""
        for part in chain([self._waiting], self._parts):
            self._waiting = part
            if batch := list(islice(part, self._size)):
                return batch
        return None
