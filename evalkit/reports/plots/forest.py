"""Differences one below the other: every comparison of a metric, and what one of them is in each voice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.analysis.estimates import difference
from evalkit.analysis.findings import is_told
from evalkit.analysis.stats import together
from evalkit.analysis.summary import chance_of, fair
from evalkit.record import Comparison
from evalkit.reports.plots.axis import numbered
from evalkit.reports.plots.drawing import Plot, Sheet, keyed, legend_height, shown, sideways
from evalkit.reports.plots.marks import Spot, in_legend, marks
from evalkit.reports.plots.results import TOGETHER, Results, difference_in_words, ends_of, scope_note
from evalkit.reports.plots.rows import lay_rows, room_for_rows, row_height
from evalkit.reports.plots.theme import BETTER, GRID, MUTED, UNTOLD, WORSE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 40
FEWEST = 4  # utterances of a voice: of fewer, in many voices at once, an interval reaches beyond all that can be
KINDS = {"told better": BETTER, "told worse": WORSE, "not told": UNTOLD}


@dataclass(frozen=True)
class Forest:
    """Differences in a metric by name, what they are of, and the plot's names and title."""

    metric: str
    rows: Sequence[tuple[str, Comparison]]
    of: str
    note: str
    names: Sequence[str]
    title: str


def forests(results: Results) -> Iterator[Plot]:
    """Gives a plot of all comparisons for each metric that decides."""
    base = results.baseline
    for metric in results.metrics if base else ():
        rows = [
            (results.label(results.named[one.trial], base), one)
            for one in results.compared(metric)
            if one.trial in results.named
        ]
        if base and rows:
            note, title = f"baseline: {shown(results.label(base))}", f"{metric.upper()}: every trial minus the baseline"
            names = (metric, "differences")
            yield _plot(results, Forest(metric, rows, "trials from the baseline", note, names, title))


def gains_by_voice(results: Results) -> Iterator[Plot]:
    """Gives what the best trial, or the foremost, gains over the baseline in each voice, where that can be told."""
    metric, base, best = results.report.primary, results.baseline, results.foremost
    if metric not in results.metrics or base is None or best is None or base == best:
        return
    rows = _by_voice(results, metric, (base.id, best.id))
    if len(rows) > 1 and any(ends_of(one) for _, one in rows) and all(one.n_pairs >= FEWEST for _, one in rows):
        what = "best" if results.best else "foremost"
        note = f"{what}: {shown(results.label(best, base))}; baseline: {shown(results.label(base, best))}"
        title = f"{metric.upper()} by voice: the {what} trial minus the baseline"
        names = (metric, "differences", "by", "voice")
        yield _plot(results, Forest(metric, rows, f"voices, {note}", note, names, title))


def _by_voice(results: Results, metric: str, pair: tuple[str, str]) -> list[tuple[str, Comparison]]:
    """Returns a trial's difference from the baseline in each voice, with intervals for just these texts."""
    columns, record = results.columns, results.record(metric)
    scores = fair(columns.scores(metric), record, columns.heard).only([columns.trials.index(id) for id in pair])
    names = list(columns.layout.names)
    found = [
        (name, difference(scores.without(set(names) - {name}), 0, 1, chance_of(record), "panel")) for name in names
    ]
    known = [(name, one) for name, one in found if one is not None]
    placed = together([one for _, one in known])
    base, trial = pair
    return [
        (name, Comparison(trial, base, metric, one.value, one.low, one.high, one.adjusted_p, one.n_pairs, one.scope))
        for (name, _), one in zip(known, placed, strict=True)
    ]


def _plot(results: Results, forest: Forest) -> Plot:
    sign = results.sign(forest.metric)
    ordered = sorted(forest.rows, key=lambda one: -sign * one[1].difference)
    drawn, more = ordered[:MOST_ROWS], len(ordered) - MOST_ROWS
    labels, told = [name for name, _ in drawn], [one for _, one in drawn]
    kinds = [_kind(one, sign) for one in told]
    seen = [kind for kind in KINDS if kind in kinds]
    left_out = [f"{more} more, further down, are left out."] if more > 0 else []
    sheet = Sheet(
        forest.title,
        [forest.note, *scope_note(told, TOGETHER), *left_out],
        height=len(drawn) * row_height(labels),
        left=room_for_rows(labels),
        above=0.1 + legend_height(seen),
        is_upright=False,
    )
    figure, axes = sheet.axes()
    lay_rows(axes, labels)
    for at, (one, kind) in enumerate(zip(told, kinds, strict=True)):
        marks(axes, [Spot(one.difference, at, level=ends_of(one))], KINDS[kind])
    _lay(axes, told)
    sideways(axes, f"difference in {results.axis(forest.metric)}")
    keyed(axes, sheet, [(kind, in_legend(KINDS[kind])) for kind in seen])
    return Plot.of(forest.names, sheet.title, [_in_words(results, forest, ordered), *left_out], figure)


def _kind(told: Comparison, sign: int) -> str:
    return "told better" if is_told(told, sign) else "told worse" if is_told(told, -sign) else "not told"


def _lay(axes: "Axes", drawn: Sequence[Comparison]) -> None:
    """Lays the level axis so that zero is on it."""
    seen = [0.0, *(end for one in drawn for end in (one.difference, *(ends_of(one) or ())))]
    pad = 0.06 * (max(seen) - min(seen)) or 0.05
    axes.set_xlim(min(seen) - pad, max(seen) + pad)
    axes.axvline(0, color=MUTED, linewidth=1.0, zorder=1)
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    numbered(axes.xaxis)


def _in_words(results: Results, forest: Forest, ordered: Sequence[tuple[str, Comparison]]) -> str:
    """Returns how many differences are told, the best and the worst of them."""
    kinds = [_kind(one, results.sign(forest.metric)) for _, one in ordered]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in KINDS if kind in kinds)
    named = [f"{difference_in_words(one)} for {name}" for name, one in ordered]
    ends = f"From {named[0]} to {named[-1]}" if len(named) > 1 else f"It is {named[0]}"
    return f"Difference in {results.axis(forest.metric)}, of {len(ordered)} {forest.of}: {counts}. {ends}."
