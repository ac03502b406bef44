"""How plots look: colours, marks and line styles that differ in hue, in shape and in grey, on light and on dark paper.

A figure is drawn in the light colours, each of which stands for one thing only; `vector` makes them variables, of which
a dark scheme has other values. Hues are after Okabe and Ito (2008), lighter or darker where they would be faint.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from evalkit.reports.plots.library import matplotlib

PAPERS = {"light": "#ffffff", "dark": "#15171a"}  # what plots are looked at on; they bring no paper of their own
INK, MUTED, GRID, BLUE, RUST, GREEN, PLUM, AMBER, PAPER = (
    *("#1c1e21", "#5c6066", "#dfe1e4"),
    *("#0072b2", "#c85200", "#00845f", "#a84f86", "#8f6400"),
    "#fefefe",
)
DARK = {
    INK: "#eceef0",
    MUTED: "#a3a8ae",
    GRID: "#34383d",
    BLUE: "#56b4e9",
    RUST: "#f0803c",
    GREEN: "#2fc39a",
    PLUM: "#d98fbb",
    AMBER: "#e6a91a",
    PAPER: PAPERS["dark"],
}
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    BLUE: "--blue",
    RUST: "--rust",
    GREEN: "--green",
    PLUM: "--plum",
    AMBER: "--amber",
    PAPER: "--paper",
}

WIDTH = 4.8  # inches; at 345 pixels, as wide as a telephone shows it, a point of text is a pixel
TEXT, SMALL, TITLE = 9.6, 9.2, 11.0  # points
EM = 0.58 / 72  # inches, of a sign on average, a point of size


@dataclass(frozen=True)
class Series:
    """How a series is told from the others: each of the three alone would do."""

    colour: str
    marker: str
    line: Any


SERIES = (
    Series(BLUE, "o", "-"),
    Series(RUST, "s", (0, (5, 2))),
    Series(GREEN, "^", (0, (1, 1.2))),
    Series(PLUM, "D", (0, (6, 1.5, 1, 1.5))),
    Series(AMBER, "v", (0, (3, 1, 1, 1, 1, 1))),
    Series(MUTED, "P", (0, (9, 2))),
)
BETTER, WORSE, UNTOLD = SERIES[0], SERIES[1], Series(MUTED, "D", (0, (2, 3)))
CANDIDATE, BASELINE = SERIES[0], Series(RUST, "s", "-")

_STYLE: dict[str, Any] = {
    "text.parse_math": False,  # names are data: `$` is a sign like others
    "text.usetex": False,
    "text.color": INK,
    "font.family": ["DejaVu Sans"],  # measures; browsers show their own, which is no wider
    "font.size": TEXT,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelsize": SMALL,
    "axes.linewidth": 0.7,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "figure.facecolor": "none",
    "figure.dpi": 72,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.7,
    "ytick.major.size": 0,
    "lines.linewidth": 1.6,
    "lines.markersize": 6,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "evalkit",
    "savefig.facecolor": "none",
}


@contextmanager
def themed() -> Iterator[None]:
    """Draws in this look what is drawn inside; whatever was set before is so again afterwards."""
    with matplotlib().rc_context(_STYLE):
        yield
