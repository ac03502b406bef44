"""A metric from run to run: for the index of runs, and what a gate looks at."""

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.record import MetricRecord, Summary
from evalkit.reports.plots.axis import numbered, room
from evalkit.reports.plots.drawing import Plot, Sheet, keyed, legend_height, shown, sideways, upright
from evalkit.reports.plots.marks import Spot, in_legend, marks
from evalkit.reports.plots.results import ends_of, in_words, scope_note
from evalkit.reports.plots.theme import SERIES, themed

MOST_RUNS = 30
NAMED = 4  # runs that have their name below the axis


@dataclass(frozen=True)
class Moment:
    """A metric of one run.

    Attributes:
        created: When it ran, as its report says; runs stand in this order.
        summary: What it came to.
        commit: The code's.
        series: What it is a run of: runs of one are joined.
    """

    created: str
    summary: Summary
    commit: str | None = None
    series: str = ""


def trend(name: str, metric: MetricRecord, points: Sequence[Moment]) -> Plot | None:
    """Returns a metric with its interval over runs, evenly spaced; None where no run has a value.

    Args:
        name: The metric's.
        metric: What it is.
        points: Of runs in any order; the last ones of many are drawn.
    """
    told = sorted((one for one in points if one.summary.value is not None), key=lambda one: one.created)
    if not told:
        return None
    with themed():
        return _plot(
            name,
            metric,
            told[-MOST_RUNS:],
            [f"{len(told) - MOST_RUNS} earlier runs are left out."] if len(told) > MOST_RUNS else [],
        )


def _plot(name: str, metric: MetricRecord, told: Sequence[Moment], left_out: Sequence[str]) -> Plot:
    kinds = list(dict.fromkeys(one.series for one in told))
    many = len(kinds) > len(SERIES)
    names = ["other", *kinds[1 - len(SERIES) :]] if many else kinds
    keys = names if len(names) > 1 else []
    notes = [*scope_note([one.summary for one in told], "each alone"), *left_out]
    sheet = Sheet(f"{name.upper()} from run to run", notes, above=0.26 + legend_height(keys), below=0.66, right=0.42)
    figure, axes = sheet.axes()
    for series, kind in zip(SERIES, names, strict=False):
        spots = [
            Spot(at, one.summary.value or 0.0, upright=ends_of(one.summary))
            for at, one in enumerate(told)
            if one.series == kind or (many and kind == "other" and one.series not in names)
        ]
        axes.plot([one.x for one in spots], [one.y for one in spots], color=series.colour, linestyle=series.line)
        marks(axes, spots, series)
    seen = [end for one in told for end in (one.summary.value, *(ends_of(one.summary) or ())) if end is not None]
    axes.set_ylim(*room(seen, metric.bounds))
    axes.set_xlim(-0.5, len(told) - 0.5)
    ticks = range(len(told) - 1, -1, -max(1, -(-len(told) // NAMED)))
    axes.set_xticks(list(ticks), [_when(told[at]) for at in ticks])
    numbered(axes.yaxis)
    sideways(axes, "run, by date and commit")
    way = {True: ", higher is better", False: ", lower is better", None: ""}[metric.higher_is_better]
    upright(axes, f"{name.upper()} ({metric.unit}){way}", sheet)
    if keys:
        keyed(axes, sheet, [(key, in_legend(one, is_joined=True)) for key, one in zip(keys, SERIES, strict=False)])
    return Plot.of((name, "trend"), sheet.title, [_in_words(name, told), *left_out], figure)


def _when(moment: Moment) -> str:
    return f"{shown(moment.created[:10], 10)}\n{shown((moment.commit or 'no commit')[:9], 9)}"


def _in_words(name: str, told: Sequence[Moment]) -> str:
    first, last = told[0], told[-1]
    ends = [
        f"{in_words(one.summary)} on {shown(one.created[:10], 10)}"
        for one in ((first, last) if first is not last else (last,))
    ]
    return f"{name.upper()} of {len(told)} runs: {', then '.join(ends)}."
