"""Two settings at once: a table of a metric's means, the stronger the colour the better."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.analysis.findings import plain
from evalkit.digest import Scalar
from evalkit.record import TrialSummary
from evalkit.reports.decisions import number
from evalkit.reports.plots.axis import Axis
from evalkit.reports.plots.drawing import Plot, Sheet, shown, sideways, upright
from evalkit.reports.plots.results import Results, ends_of, in_words, setting_axis, summary_of, value_name, value_of
from evalkit.reports.plots.theme import BLUE, INK, SMALL
from evalkit.reports.terminal import short_names
from evalkit.trial import values_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PAIRS = 3
MOST_ACROSS, MOST_DOWN = 7, 12
WITH_INTERVALS = 4  # columns
FAINT, FULL = 0.06, 0.46  # how much colour a cell has; ink is read on all of it


@dataclass(frozen=True)
class Table:
    """Trials by the values of two settings; whatever else varies is the same in all."""

    across: str
    down: str
    columns: Sequence[Scalar]
    rows: Sequence[Scalar]
    cells: Mapping[tuple[int, int], TrialSummary]  # by column and row
    fixed: str
    left_out: int


def interactions(results: Results) -> Iterator[Plot]:
    """Gives a table of the primary metric for each two settings of which trials form a grid, the first few."""
    metric = results.report.primary
    if metric in results.metrics:
        tables = (_table(results, metric, *pair) for pair in itertools.combinations(results.varying, 2))
        grids = (one for one in tables if one is not None)
        yield from (_plot(results, metric, one) for one in itertools.islice(grids, MOST_PAIRS))


def _table(results: Results, metric: str, one: str, other: str) -> Table | None:
    """Returns the trials that are as the foremost one in all but two settings; None if they are no grid."""
    middle = results.foremost or results.baseline
    if middle is None:
        return None
    fixed = {key: values_of(middle).get(key) for key in results.varying if key not in (one, other)}
    own = [
        trial
        for trial in results.valued(metric)
        if all(repr(values_of(trial).get(key)) == repr(value) for key, value in fixed.items())
        and {one, other} <= set(values_of(trial))
    ]
    ones, others = (Axis.of([values_of(trial)[key] for trial in own]).values if own else [] for key in (one, other))
    if min(len(ones), len(others)) < 2 or len(own) < len(ones) + len(others):
        return None
    across, down, columns, rows = (one, other, ones, others) if len(ones) <= len(others) else (other, one, others, ones)
    columns, rows = columns[:MOST_ACROSS], rows[:MOST_DOWN]
    cells = {
        (at, to): trial
        for trial in own
        if (at := _at(columns, values_of(trial)[across])) is not None
        and (to := _at(rows, values_of(trial)[down])) is not None
    }
    shorts = zip(short_names(list(fixed)), fixed, strict=True)
    told = ", ".join(f"{shown(short)}={value_name(fixed[key])}" for short, key in shorts)
    return Table(across, down, columns, rows, cells, told, len(own) - len(cells))


def _at(values: Sequence[Scalar], wanted: Scalar) -> int | None:
    return next((at for at, value in enumerate(values) if repr(value) == repr(wanted)), None)


def _plot(results: Results, metric: str, table: Table) -> Plot:
    names = [shown(plain(value), 12) for value in table.rows]
    left_out = [f"{table.left_out} more cells are left out."] if table.left_out else []
    sheet = Sheet(
        f"{metric.upper()} by {shown(table.across)} and {shown(table.down)}",
        [
            *([f"at {table.fixed}"] if table.fixed else []),
            "the stronger the colour the better; framed: the best",
            *left_out,
        ],
        height=0.44 * len(table.rows),
        left=0.2 + 0.075 * max(map(len, names)),
        above=0.28,
    )
    figure, axes = sheet.axes()
    _draw(axes, results, metric, table)
    axes.set_xlim(-0.5, len(table.columns) - 0.5)
    axes.set_ylim(len(table.rows) - 0.5, -0.5)
    across = max(4, 44 // len(table.columns) - 2)
    axes.set_xticks(range(len(table.columns)), [shown(plain(value), across) for value in table.columns])
    axes.set_yticks(range(len(table.rows)), names)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    sideways(axes, setting_axis(table.across))
    upright(axes, setting_axis(table.down), sheet)
    axes.grid(visible=False)
    said = [_in_words(results, metric, table), *left_out]
    return Plot.of((metric, "by", table.across, "and", table.down), sheet.title, said, figure)


def _draw(axes: "Axes", results: Results, metric: str, table: Table) -> None:
    from matplotlib.patches import Rectangle

    values = {place: results.sign(metric) * (value_of(one, metric) or 0.0) for place, one in table.cells.items()}
    least, most = min(values.values()), max(values.values())
    for (x, y), value in values.items():
        alpha = FAINT + (FULL - FAINT) * ((value - least) / (most - least) if most > least else 0.5)
        axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=BLUE, alpha=alpha, linewidth=0))
        if value == most > least:
            axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, fill=False, edgecolor=INK, linewidth=1.2))
        axes.text(x, y, _cell(results, metric, table, (x, y)), ha="center", va="center", size=SMALL)


def _cell(results: Results, metric: str, table: Table, place: tuple[int, int]) -> str:
    summary = summary_of(table.cells[place], metric)
    ends = ends_of(summary) if len(table.columns) <= WITH_INTERVALS else None
    return number(summary.value) + (f"\n[{number(ends[0])}, {number(ends[1])}]" if ends else "")


def _in_words(results: Results, metric: str, table: Table) -> str:
    """Returns the best and the worst cell."""
    ordered = sorted(table.cells.values(), key=lambda one: results.sign(metric) * (value_of(one, metric) or 0.0))
    told = [
        f"{in_words(summary_of(one, metric))} at {shown(table.across)} {value_name(values_of(one)[table.across])}, "
        f"{shown(table.down)} {value_name(values_of(one)[table.down])}"
        for one in (ordered[-1], ordered[0])
    ]
    size = f"{len(table.cells)} of {len(table.rows)} x {len(table.columns)} cells"
    return f"Table of {results.axis(metric)}, {size}. Best: {told[0]}; worst: {told[1]}."
