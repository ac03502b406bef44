"""evalkit: evidence for tuning zero-shot voice cloning engines."""

from typing import TYPE_CHECKING

from evalkit.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from evalkit.reports.frames import LoadedReport

__all__ = ["__version__", "load_report"]


def load_report(path: "str | Path") -> "LoadedReport":
    """Loads a report into pandas: `.rows`, `.trials`, `.comparisons`, `.voices`.

    Args:
        path: A run's folder, the `report.json` in it, or the name of a baseline below `reports/baselines`.

    Raises:
        DataError: There is none, it cannot be read, or its rows are not those of its report.
    """
    from evalkit.reports import frames  # pandas takes longer to import than all that a command needs

    return frames.load_report(path)
