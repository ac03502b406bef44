"""Axes: where the values of a setting stand, numbers on a true scale; and those of metrics, with their levels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.analysis.findings import plain
from evalkit.digest import Scalar
from evalkit.record import Summary
from evalkit.reports.decisions import LARGE, number
from evalkit.reports.plots.drawing import shown
from evalkit.reports.plots.results import Results, ends_of
from evalkit.reports.plots.theme import MUTED, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis as Scale

LOGARITHMIC = 20  # times the least value that the largest is: then steps are steps of a factor
SIGNS_ACROSS = 52  # of tick labels, that fit beside each other


@dataclass(frozen=True)
class Axis:
    """Where the values of a setting stand.

    Attributes:
        values: In the order of the axis.
        places: Of each.
        is_number: Whether the places are the values; a `null` among them then stands apart, behind the last.
    """

    values: Sequence[Scalar]
    places: Sequence[float]
    is_number: bool

    @classmethod
    def of(cls, values: Sequence[Scalar]) -> "Axis":
        """Returns the axis of the values that trials have; not numbers keep their order."""
        told = list({repr(value): value for value in values}.values())
        numbers = sorted(one for one in told if isinstance(one, int | float) and not isinstance(one, bool))
        others = [one for one in told if isinstance(one, bool) or not isinstance(one, int | float)]
        if len(numbers) < 2 or any(one is not None for one in others):
            return cls(told, list(map(float, range(len(told)))), is_number=False)
        places = list(map(float, numbers))
        if others:
            places.append(places[-1] / 0.6 if _grows(places) else places[-1] + 0.2 * (places[-1] - places[0]))
        return cls([*numbers, *others], places, is_number=True)

    @property
    def is_logarithmic(self) -> bool:
        """Whether steps are of a factor."""
        return self.is_number and _grows(self.places)

    def place(self, value: Scalar) -> float:
        """Returns where a value stands."""
        return next(place for one, place in zip(self.values, self.places, strict=True) if repr(one) == repr(value))

    def is_joined(self, place: float) -> bool:
        """Whether a line may go through a place: between numbers it says something, between names nothing."""
        return self.is_number and any(
            one == place and value is not None for value, one in zip(self.values, self.places, strict=True)
        )

    def lay(self, axes: "Axes") -> None:
        """Gives the axis its ticks: the values themselves, without names where those would touch."""
        if self.is_logarithmic:
            axes.set_xscale("log")
        axes.set_xlim(*self._limits())
        axes.set_xticks(list(self.places), self._names())
        axes.tick_params(axis="x", which="minor", length=0, labelbottom=False)

    def _steps(self) -> list[float]:
        return [math.log(place) for place in self.places] if self.is_logarithmic else list(self.places)

    def _limits(self) -> tuple[float, float]:
        steps = self._steps()
        pad = 0.08 * (steps[-1] - steps[0]) if self.is_number else 0.5
        low, high = steps[0] - pad, steps[-1] + pad
        return (math.exp(low), math.exp(high)) if self.is_logarithmic else (low, high)

    def _names(self) -> list[str]:
        steps, most = self._steps(), max(5, SIGNS_ACROSS // len(self.values) - 1)
        sign = (steps[-1] - steps[0] + 2 * (0 if self.is_number else 0.5)) / SIGNS_ACROSS
        names, free = list[str](), -math.inf
        for value, step in zip(self.values, steps, strict=True):
            name = shown(plain(value), most)
            half = (len(name) + 1) * sign / 2
            names.append(name if step - half >= free else "")
            free = step + half if names[-1] else free
        return names


def _grows(numbers: Sequence[float]) -> bool:
    return numbers[0] > 0 and numbers[-1] >= LOGARITHMIC * numbers[0]


def numbered(scale: "Scale", most: int = 5) -> None:
    """Gives the axis of a metric few ticks, written as numbers are everywhere."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    scale.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    scale.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))


def tick(value: float) -> str:
    """Returns a number as a tick's label."""
    told = f"{value:g}" if abs(value) < LARGE else number(value)
    return "0" if abs(value) < 1e-12 else told.replace("-", "−")


def room(values: Sequence[float], bounds: tuple[float | None, float | None]) -> tuple[float, float]:
    """Returns the ends of a metric's axis: around the values, hardly beyond what the metric can be."""
    low, high = min(values), max(values)
    pad = 0.08 * (high - low) or 0.1 * abs(high) or 0.05
    slack = 0.04 * (high - low + 2 * pad)  # for half a mark that stands at a bound
    least, most = bounds
    first = low - pad if least is None or low - pad > least else least - slack
    last = high + pad if most is None or high + pad < most else most + slack
    return first, last


def metric_axis(axes: "Axes", results: Results, metric: str, told: Sequence[Summary]) -> None:
    """Lays the upright axis of a metric, wide enough for its means and intervals, with its levels."""
    seen = [one for summary in told for one in (summary.value, *(ends_of(summary) or ())) if one is not None]
    axes.set_ylim(*room(seen, results.record(metric).bounds))
    numbered(axes.yaxis)
    level_lines(axes, results.ends(metric))


def level_lines(axes: "Axes", ends: tuple[float, float] | None) -> None:
    """Draws what other speakers and the speakers' own recordings come to; of what lies beyond the axis, its name."""
    low, high = axes.get_ylim()
    for name, level in zip(("floor", "ceiling"), ends or (), strict=False):
        mark, at, aligned = (" ↑", high, "top") if level > high else (" ↓", low, "bottom")
        if low <= level <= high:
            mark, at, aligned = "", level, "center"
            axes.axhline(level, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)), zorder=1)
        told = f" {name}\n {number(level)}{mark}"
        axes.text(1, at, told, transform=axes.get_yaxis_transform(), va=aligned, color=MUTED, size=SMALL)
