"""Marks with their intervals; a mark is open where no interval can be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.reports.plots.theme import PAPER, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.transforms import Transform

Ends = tuple[float, float]


@dataclass(frozen=True)
class Spot:
    """A point, and its intervals along the two axes where it has them."""

    x: float
    y: float
    level: Ends | None = None
    upright: Ends | None = None

    @property
    def is_sure(self) -> bool:
        """Whether it has an interval."""
        return self.level is not None or self.upright is not None


def marks(
    axes: "Axes", spots: Sequence[Spot], series: Series, *, size: float = 6, weight: float = 1.3, **more: Any
) -> None:
    """Draws points of a series with their intervals, `weight` points thick; `more` is matplotlib's, for all of them."""
    line = {"colors": series.colour, "linewidths": weight, **more}
    if level := [(one.y, *one.level) for one in spots if one.level]:
        axes.hlines(*zip(*level, strict=True), **line)
    if upright := [(one.x, *one.upright) for one in spots if one.upright]:
        axes.vlines(*zip(*upright, strict=True), **line)
    for is_sure in (True, False):
        if own := [one for one in spots if one.is_sure is is_sure]:
            look = {**_mark(series, is_open=not is_sure), "markersize": size, "linestyle": "none", **more}
            axes.plot([one.x for one in own], [one.y for one in own], zorder=3, **look)


def in_legend(series: Series, *, is_joined: bool = False, is_open: bool = False) -> "Line2D":
    """Returns what stands for a series in a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle=series.line if is_joined else "none", **_mark(series, is_open=is_open))


def beside(axes: "Axes", right: float, up: float = 0.0) -> "Transform":
    """Returns the transform of what is drawn some points beside its place: its data stay true."""
    from matplotlib.transforms import ScaledTranslation

    return axes.transData + ScaledTranslation(right / 72, up / 72, axes.figure.dpi_scale_trans)


def _mark(series: Series, *, is_open: bool) -> dict[str, Any]:
    face = PAPER if is_open else series.colour
    return {"marker": series.marker, "color": series.colour, "markerfacecolor": face, "markeredgewidth": 1.3}
