"""The plots of a page: drawn by `reports/plots`, written as SVG beside the other pictures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.record import Report
from evalkit.row import Row
from evalkit.store.atomic import write_text

if TYPE_CHECKING:
    from evalkit.reports.plots import Plot


@dataclass(frozen=True)
class Plotted:
    """A plot that was written: its file's name, its title, and what it shows in words."""

    file: str
    title: str
    alternative: str


def write_plots(folder: Path, report: Report, rows: Sequence[Row]) -> list[Plotted]:
    """Draws the plots of a run into a folder.

    Raises:
        StorageError: The disk refused.
    """
    from evalkit.reports.plots import figures  # brings matplotlib

    return written(folder, figures(report, rows))


def written(folder: Path, plots: "Iterable[Plot]", beginning: str = "") -> list[Plotted]:
    """Writes plots as SVG; returns them in their order.

    Args:
        folder: Where to.
        plots: Each with another name.
        beginning: Of their files' names.

    Raises:
        StorageError: The disk refused.
    """
    from evalkit.reports.plots import svg

    found = []
    for plot in plots:
        file = f"{beginning}{plot.name}.svg"
        write_text(folder / file, svg(plot))
        found.append(Plotted(file, plot.title, plot.alternative))
    return found
