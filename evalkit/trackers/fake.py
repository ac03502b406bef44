"""Tracker `fake`: the shipped fake. It writes down what it is told, and fails where it is told to."""

import json
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass

from evalkit.errors import TrackerError
from evalkit.record import Report
from evalkit.trackers.base import STRICT, Beginning, End, Track, Tracker
from evalkit.trackers.telling import files_of, names_of, numbers_of

Moment = Literal["begin", "measured", "finish"]


@dataclass(frozen=True, config=STRICT)
class Fake(Tracker):
    """The fake tracker.

    Attributes:
        file: Where to, a line of JSON each time that it is told something.
        fails_at: Raises then.
    """

    name: ClassVar[str] = "fake"

    file: str
    fails_at: Moment | None = None

    def begin(self, beginning: Beginning) -> Track:
        """See `Tracker.begin`."""
        track = _Diary(self, names_of(beginning.trials))
        track.note("begin", run=beginning.report.run_id)
        return track


@plain_dataclass(frozen=True)
class _Diary(Track):
    settings: Fake
    names: dict[str, str]

    def measured(self, report: Report, rows: int) -> None:
        """See `Track.measured`."""
        numbers = {self.names[trial.id]: numbers_of(trial, [report.primary]) for trial in report.trials}
        self.note("measured", rows=rows, numbers=numbers)

    def finish(self, report: Report, end: End, folder: Path) -> None:
        """See `Track.finish`."""
        self.note("finish", end=end, files=[str(file) for file in files_of(folder)])

    def note(self, moment: Moment, **told: object) -> None:
        """Writes a line, or raises a TrackerError."""
        if self.settings.fails_at == moment:
            raise TrackerError(f"told to fail at {moment}: http://me:secret@nowhere/api?token=secret")
        with Path(self.settings.file).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"moment": moment, **told}) + "\n")
