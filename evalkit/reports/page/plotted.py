"""The plots of a page: drawn by `reports/plots`, written as SVG beside the other pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from evalkit.record import Report
from evalkit.row import Row
from evalkit.store.atomic import write_text


@dataclass(frozen=True)
class Plot:
    """A plot: its file's name, its title, and what it shows in words."""

    file: str
    title: str
    alternative: str


def write_plots(folder: Path, report: Report, rows: Sequence[Row]) -> list[Plot]:
    """Draws the plots of a run into a folder.

    Raises:
        StorageError: The disk refused.
    """
    if find_spec("evalkit.reports.plots") is None:
        return []
    from evalkit.reports.plots import figures  # brings matplotlib

    found = []
    for name, title, alternative, svg in figures(report, rows):
        write_text(folder / f"{name}.svg", svg)
        found.append(Plot(f"{name}.svg", title, alternative))
    return found
