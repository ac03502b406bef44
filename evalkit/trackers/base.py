"""The seam of a tracker: its settings, which begin a track, and the track, which is told of one run.

A tracker takes no part in a run: it is no part of the plan, and whatever it raises changes no number (`following.py`).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from packaging.requirements import Requirement
from pydantic import ConfigDict

from evalkit.distributions import complaint
from evalkit.errors import PackageError
from evalkit.record import Report
from evalkit.resources import extra
from evalkit.trial import Trial

STRICT = ConfigDict(extra="forbid", strict=True)
PLACE = ".evalkit"  # below the current folder, where nobody says another: as the store
End = Literal["complete", "failed", "stopped"]  # stopped by the person: the same command goes on


@dataclass(frozen=True)
class Beginning:
    """A run before its first row.

    Attributes:
        report: What was asked, and where the numbers will come from; it has none yet.
        trials: In the order of the grid.
        folder: Of the run.
    """

    report: Report
    trials: Sequence[Trial]
    folder: Path


class Track(ABC):
    """One run in a tracker."""

    @abstractmethod
    def measured(self, report: Report, rows: int) -> None:
        """Takes down the numbers so far.

        Args:
            report: With the numbers of the rows so far.
            rows: How many these are: the step.
        """

    @abstractmethod
    def finish(self, report: Report, end: End, folder: Path) -> None:
        """Takes down the rest, and closes.

        Args:
            report: The last one; without numbers where the run ended before there were any.
            end: How the run ended.
            folder: Of the run, with all its files.
        """


class Tracker(ABC):
    """A tracker's settings. Subclasses are frozen pydantic dataclasses (`@dataclass(frozen=True, config=STRICT)`).

    Attributes:
        name: As it is typed.
        extra: The extra of evalkit that installs what it needs.
    """

    name: ClassVar[str]
    extra: ClassVar[str] = ""

    @property
    def packages(self) -> tuple[str, ...]:
        """The distributions that it needs, as requirements."""
        return ()

    def require(self) -> None:
        """Does nothing if the packages that it needs are here.

        Raises:
            PackageError: They are not; the message has the command that brings them.
        """
        if wrong := [told for package in self.packages if (told := complaint(Requirement(package)))]:
            raise PackageError(f"tracker={self.name} {', '.join(wrong)}; type: pip install {extra(self.extra)}")

    @abstractmethod
    def begin(self, beginning: Beginning) -> Track:
        """Begins to track a run; goes on with the track of an earlier attempt where the tool can.

        Raises:
            Exception: Whatever the tool raises if it cannot.
        """
