"""A metric against each setting that varies: numbers on a true axis, a line for whatever else varies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.record import Summary, TrialSummary
from evalkit.reports.plots.axis import Axis, metric_axis
from evalkit.reports.plots.drawing import Plot, Sheet, keyed, legend_height, shown, sideways, upright
from evalkit.reports.plots.marks import Spot, beside, in_legend, marks
from evalkit.reports.plots.results import (
    OWN,
    Results,
    ends_of,
    in_words,
    scope_note,
    setting_axis,
    summary_of,
    value_name,
    value_of,
)
from evalkit.reports.plots.theme import SERIES
from evalkit.reports.terminal import short_names
from evalkit.trial import values_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LINES = len(SERIES)
APART = 6.0  # points between lines at one value, so that their intervals do not cover each other


@dataclass(frozen=True)
class Line:
    """Trials that differ in one setting only, and what they share that other lines do not."""

    name: str
    trials: Sequence[TrialSummary]


def by_setting(results: Results) -> Iterator[Plot]:
    """Gives a plot for each setting in which some trials alone differ, and each metric that decides."""
    for key in results.varying:
        for metric in results.metrics:
            if lines := lines_of(results, metric, key):
                yield _plot(results, metric, key, lines)


def lines_of(results: Results, metric: str, key: str) -> list[Line]:
    """Returns the lines of a metric against a setting, those first that hold the best trial and the baseline."""
    others = [one for one in results.varying if one != key]
    groups: dict[str, list[TrialSummary]] = {}
    for trial in results.valued(metric):
        values = values_of(trial)
        if key in values:
            groups.setdefault(repr([values.get(one) for one in others]), []).append(trial)
    found = [trials for trials in groups.values() if len({repr(values_of(one)[key]) for one in trials}) > 1]
    differing = [one for one in others if len({repr(values_of(trials[0]).get(one)) for trials in found}) > 1]
    return [Line(_name(trials[0], differing), trials) for trials in _foremost_first(results, metric, found)]


def _name(trial: TrialSummary, keys: Sequence[str]) -> str:
    values, shorts = values_of(trial), short_names(keys)
    return ", ".join(f"{shown(short)}={value_name(values.get(key))}" for short, key in zip(shorts, keys, strict=True))


def _foremost_first(results: Results, metric: str, found: Sequence[list[TrialSummary]]) -> list[list[TrialSummary]]:
    """Returns all lines in their order; of more than can be told apart, those that matter most."""
    if len(found) <= MOST_LINES:
        return list(found)
    marked = {one.id for one in (results.best, results.baseline) if one}
    sign = results.sign(metric)

    def rank(trials: Sequence[TrialSummary]) -> tuple[bool, float]:
        most = max(sign * (value_of(one, metric) or 0.0) for one in trials)
        return not any(one.id in marked for one in trials), -most

    return sorted(found, key=rank)


def _plot(results: Results, metric: str, key: str, lines: Sequence[Line]) -> Plot:
    drawn = lines[:MOST_LINES]
    axis = Axis.of([values_of(trial)[key] for line in drawn for trial in line.trials])
    told = [summary_of(trial, metric) for line in drawn for trial in line.trials]
    names = [line.name for line in drawn] if len(drawn) > 1 else []
    left_out = _left_out(len(lines) - len(drawn), len(results.report.trials) - sum(len(one.trials) for one in lines))
    sheet = Sheet(
        f"{metric.upper()} against {shown(key)}",
        [*scope_note(told, OWN), *left_out],
        right=results.room_for_levels(metric),
        above=0.26 + legend_height(names),
    )
    figure, axes = sheet.axes()
    axis.lay(axes)
    for at, line in enumerate(drawn):
        spots = [_spot(axis.place(values_of(one)[key]), summary_of(one, metric)) for one in line.trials]
        _draw(axes, axis, sorted(spots, key=lambda one: one.x), (at, len(drawn)))
    metric_axis(axes, results, metric, told)
    sideways(axes, setting_axis(key))
    upright(axes, results.axis(metric), sheet)
    if names:
        keyed(axes, sheet, [(name, in_legend(SERIES[at], is_joined=axis.is_number)) for at, name in enumerate(names)])
    said = [_in_words(results, (metric, key), drawn), *left_out]
    return Plot.of((metric, "by", key), sheet.title, said, figure)


def _spot(x: float, summary: Summary) -> Spot:
    return Spot(x, summary.value or 0.0, upright=ends_of(summary))


def _draw(axes: "Axes", axis: Axis, spots: Sequence[Spot], place: tuple[int, int]) -> None:
    """Draws a line, a little beside the others so that intervals do not cover each other; only numbers are joined."""
    at, count = place
    series, shift = SERIES[at], beside(axes, (at - (count - 1) / 2) * min(APART, 24 / count))
    if joined := [one for one in spots if axis.is_joined(one.x)]:
        look = {"color": series.colour, "linestyle": series.line, "transform": shift}
        axes.plot([one.x for one in joined], [one.y for one in joined], **look)
    marks(axes, spots, series, transform=shift)


def _left_out(lines: int, trials: int) -> list[str]:
    """Returns sentences about what a plot has no place for."""
    more = [f"{lines} more line{'s are' if lines > 1 else ' is'} left out."] if lines else []
    if trials:
        more.append(
            f"Left out: {trials} trial{'s' if trials > 1 else ''} without a value, or with other differences too."
        )
    return more


def _in_words(results: Results, asked: tuple[str, str], lines: Sequence[Line]) -> str:
    """Returns each line's first and last value, and its best."""
    metric, key = asked
    told = []
    for line in lines:
        values = Axis.of([values_of(one)[key] for one in line.trials])
        trials = sorted(line.trials, key=lambda one: values.place(values_of(one)[key]))
        best = max(trials, key=lambda one: results.sign(metric) * (value_of(one, metric) or 0.0))
        shown_ones = dict.fromkeys(one.id for one in (trials if len(trials) < 4 else (trials[0], best, trials[-1])))
        parts = [_point(results.named[id], metric, key) for id in shown_ones]
        told.append(f"{line.name + ': ' if len(lines) > 1 else ''}{', '.join(parts)}")
    return f"{results.axis(metric)} against {setting_axis(key)}. {'; '.join(told)}."


def _point(trial: TrialSummary, metric: str, key: str) -> str:
    return f"{in_words(summary_of(trial, metric))} at {value_name(values_of(trial)[key])}"
