"""Rows of a plot: names at the left, one below the other, each with its marks."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalkit.reports.plots.drawing import LINE, shown
from evalkit.reports.plots.theme import EM, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIGNS, LINES = 24, 4  # of a name: in a line, and lines
GAP = 0.11  # inches between rows


def lay_rows(axes: "Axes", names: Sequence[str]) -> None:
    """Gives each row its name, the first on top."""
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [_folded(name) for name in names])
    axes.spines["left"].set_visible(False)


def row_height(names: Sequence[str]) -> float:
    """Returns the inches of a row."""
    return max((_folded(name).count("\n") + 1 for name in names), default=1) * SMALL * LINE + GAP


def room_for_rows(names: Sequence[str]) -> float:
    """Returns the inches that names take."""
    return max((len(line) for name in names for line in _folded(name).split("\n")), default=1) * SMALL * EM + 0.1


def _folded(name: str) -> str:
    lines = textwrap.wrap(shown(name, SIGNS * LINES - 4), SIGNS) or [""]
    return "\n".join([*lines[: LINES - 1], shown(" ".join(lines[LINES - 1 :]), SIGNS)]).rstrip("\n")
