"""A plot and the sheet it is drawn on: a title, what must be said beside it, and axes, all placed by hand in inches."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.names import visible
from evalkit.reports.plots.theme import EM, GRID, INK, MUTED, SMALL, TEXT, TITLE, WIDTH

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EDGE, LINE = 0.08, 1.35 / 72  # inches: around the sheet; of a line of text, a point of size
NOTE_EM = 0.55 / 72  # as `EM`, of sentences
LONGEST, LONGEST_KEY = 40, 54  # signs of a name in a plot, in a legend


@dataclass(frozen=True)
class Plot:
    """A figure that can stand in a page.

    Attributes:
        name: A file's, without its suffix; another one for each plot of a report.
        title: What it shows; it is drawn too.
        alternative: The same in a sentence or two, with the numbers that matter, for who does not see it.
        figure: Drawn in the light colours, on no paper.
    """

    name: str
    title: str
    alternative: str
    figure: "Figure"

    @classmethod
    def of(cls, names: Sequence[str], title: str, said: Sequence[str], figure: "Figure") -> "Plot":
        """Returns a plot named after parts that may be any text, whose alternative is sentences, fit for XML."""
        return cls(file_name(*names), one_line(title), one_line(" ".join(said)), figure)


@dataclass(frozen=True)
class Sheet:
    """What a figure has beside its axes.

    Attributes:
        title: Above all.
        notes: Below the title: what the intervals hold for, what is left out.
        height: Of the axes, in inches.
        left: Room for labels left of them, in inches.
        right: Room right of them, for half a tick's label or what levels are called, in inches.
        above: Room for a legend and the name of the upright axis, in inches.
        is_upright: Whether the upright axis has a name, above its ticks.
        below: Room for ticks and a name, in inches.
    """

    title: str
    notes: Sequence[str]
    height: float = 2.1
    left: float = 0.5
    right: float = 0.18
    above: float = 0.24
    below: float = 0.5
    is_upright: bool = True

    @property
    def width(self) -> float:
        """Of the axes, in inches."""
        return WIDTH - 2 * EDGE - self.left - self.right

    def axes(self) -> "tuple[Figure, Axes]":
        """Returns an empty figure and its axes."""
        from matplotlib.figure import Figure

        titles = textwrap.wrap(shown(self.title, 160), _signs(TITLE * EM * 1.08)) or [""]
        notes = [line for one in self.notes for line in textwrap.wrap(shown(one, 300), _signs(SMALL * NOTE_EM))]
        heads = (len(titles) * TITLE * LINE, len(notes) * SMALL * LINE + 0.06)
        whole = 2 * EDGE + sum(heads) + self.above + self.height + self.below
        figure = Figure(figsize=(WIDTH, whole))
        heading: tuple[tuple[float, list[str], dict[str, Any]], ...] = (
            (EDGE, titles, {"size": TITLE, "weight": "bold", "color": INK}),
            (EDGE + heads[0], notes, {"size": SMALL, "color": MUTED}),
        )
        for down, lines, look in heading:
            figure.text(EDGE / WIDTH, 1 - down / whole, "\n".join(lines), va="top", linespacing=1.3, **look)
        corner = ((EDGE + self.left) / WIDTH, (EDGE + self.below) / whole)
        return figure, figure.add_axes((*corner, self.width / WIDTH, self.height / whole))


def _signs(wide: float) -> int:
    """Returns how many signs, so wide in inches, fit across a sheet."""
    return int((WIDTH - 2 * EDGE) / wide)


def upright(axes: "Axes", text: str, sheet: Sheet) -> None:
    """Names the upright axis, in a line above its ticks, where it can be read without turning the head."""
    axes.set_ylabel(shown(text, 60), rotation=0, ha="left", va="bottom")
    axes.yaxis.set_label_coords(-sheet.left / sheet.width, 1 + 0.06 / sheet.height)
    axes.grid(axis="y", color=GRID, linewidth=0.7)


def sideways(axes: "Axes", text: str) -> None:
    """Names the level axis."""
    axes.set_xlabel(shown(text, 60), loc="right")


def keyed(axes: "Axes", sheet: Sheet, entries: "Sequence[tuple[str, Artist]]") -> None:
    """Puts a legend between the name of the upright axis and the notes; names may begin as they like."""
    drawn = axes.legend(
        [handle for _, handle in entries],
        ["-"] * len(entries),  # what begins with `_` would be left out
        loc="lower left",
        bbox_to_anchor=(
            -sheet.left / sheet.width,
            1 + ((TEXT * LINE + 0.1) if sheet.is_upright else 0.08) / sheet.height,
        ),
        ncols=columns_for([name for name, _ in entries]),
        fontsize=SMALL,
        borderpad=0,
        borderaxespad=0,
        handlelength=2.6,
        handletextpad=0.5,
        columnspacing=1.4,
        labelspacing=0.35,
    )
    for text, (name, _) in zip(drawn.get_texts(), entries, strict=True):
        text.set_text(shown(name, LONGEST_KEY))


def columns_for(names: Sequence[str]) -> int:
    """Returns how many entries of a legend stand beside each other."""
    widest = max((len(shown(name, LONGEST_KEY)) for name in names), default=1) * SMALL * EM + 3.1 * SMALL / 72 + 0.18
    return max(1, min(3, int((WIDTH - 0.8) / widest)))


def legend_height(names: Sequence[str]) -> float:
    """Returns the inches that a legend takes."""
    return -(-len(names) // columns_for(names)) * SMALL * LINE + 0.06 if names else 0.0


def one_line(text: str) -> str:
    """Returns a text in one line, fit for XML, that steers nothing."""
    return re.sub("[\ufffe\uffff]", "\ufffd", visible(" ".join(text.split())))


def shown(text: str, most: int = LONGEST) -> str:
    """Returns a name as a plot shows it: in one line, the middle of a long one left out."""
    plain, half = one_line(text), (most - 1) // 2
    return plain if len(plain) <= most else f"{plain[:half]}…{plain[-half:]}"


def file_name(*parts: str) -> str:
    """Returns a file's name of parts that may be any text."""
    words = [re.sub("[^a-z0-9]+", "-", part.lower()).strip("-")[:40] for part in parts]
    return "-".join(word for word in words if word) or "plot"
