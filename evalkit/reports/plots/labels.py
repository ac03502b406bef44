"""Labels beside points, none over another or over a mark, as far as there is room."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalkit.reports.plots.marks import Spot
from evalkit.reports.plots.theme import EM, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Box = tuple[float, float, float, float]  # left, bottom, right, top in points
AROUND = ((1, 0.8), (1, -0.8), (-1, 0.8), (-1, -0.8), (1.3, 0), (-1.3, 0), (0, 1.2), (0, -1.2))
DISTANCES = (9, 16, 24, 34)  # points
ONE_PLACE = 4  # points within which marks share a label


def name_spots(axes: "Axes", named: Sequence[tuple[Spot, str]], marked: Sequence[Spot]) -> None:
    """Writes names beside points, over none that is marked; points at one place share a label.

    The limits of the axes are final by then.
    """
    at = np.asarray(axes.transData.transform([(spot.x, spot.y) for spot, _ in named]))
    groups = list(_together([(float(x), float(y), name) for (x, y), (_, name) in zip(at, named, strict=True)]))
    marks = axes.transData.transform([(spot.x, spot.y) for spot in marked])
    taken = [_around((float(x), float(y)), 7, 7) for x, y in marks]
    for x, y, name in groups:
        tried = list(_places((x, y), len(name) * SMALL * EM * 72))
        box = min(tried, key=lambda one: sum(_shared(one, other) for other in taken))
        taken.append(box)
        middle = ((box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y)
        own = axes.transData.inverted().transform((x, y))
        axes.annotate(
            name,
            (float(own[0]), float(own[1])),
            middle,
            textcoords="offset points",
            ha="center",
            va="center",
            size=SMALL,
        )


def _places(mark: tuple[float, float], wide: float) -> Iterator[Box]:
    """Gives where a label may stand, the nearest first."""
    for far in DISTANCES:
        for right, up in AROUND:
            beyond = right * (far + (wide - SMALL) / 2)
            yield _around((mark[0] + beyond, mark[1] + up * far), wide + 3, SMALL)


def _together(places: Sequence[tuple[float, float, str]]) -> Iterator[tuple[float, float, str]]:
    groups: list[list[tuple[float, float, str]]] = []
    for x, y, name in places:
        near = (one for one in groups if abs(one[0][0] - x) < ONE_PLACE and abs(one[0][1] - y) < ONE_PLACE)
        own = next(near, None)
        if own is None:
            groups.append([(x, y, name)])
        else:
            own.append((x, y, name))
    return ((group[0][0], group[0][1], ", ".join(name for _, _, name in group)) for group in groups)


def _around(middle: tuple[float, float], wide: float, high: float) -> Box:
    x, y = middle
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _shared(one: Box, other: Box) -> float:
    """Returns the area that two boxes share."""
    across, upright = (min(one[at + 2], other[at + 2]) - max(one[at], other[at]) for at in (0, 1))
    return max(0.0, across) * max(0.0, upright)
