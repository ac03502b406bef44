"""The primary metric against the first guard: what one costs in the other, and which trials nothing beats in both."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from evalkit.record import TrialSummary
from evalkit.reports.plots.axis import numbered, room
from evalkit.reports.plots.drawing import (
    EDGE,
    LINE,
    Plot,
    Sheet,
    keyed,
    legend_height,
    shown,
    sideways,
    upright,
)
from evalkit.reports.plots.labels import name_spots
from evalkit.reports.plots.marks import Spot, in_legend, marks
from evalkit.reports.plots.results import OWN, Results, ends_of, in_words, scope_note, summary_of, value_of
from evalkit.reports.plots.theme import BETTER, BLUE, GRID, SMALL, UNTOLD, WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_NAMED = 12  # of more, no number could be told to be whose
CROWDED = 12  # trials, of more of which intervals stand back
SIGNS = 60  # of a line below the axes
FRONT, BEHIND = "front: none is better in both", "behind it"


def tradeoff(results: Results) -> Iterator[Plot]:
    """Gives the plot, where there are a primary metric, a guard, and two trials with both."""
    if results.report.primary in results.metrics and len(results.metrics) > 1:
        metric, guard = results.report.primary, next(one for one in results.metrics if one != results.report.primary)
        trials = [one for one in results.valued(metric) if value_of(one, guard) is not None]
        if len(trials) > 1:
            yield _plot(results, (metric, guard), trials)


def front(results: Results, pair: tuple[str, str], trials: Sequence[TrialSummary]) -> list[TrialSummary]:
    """Returns the trials that no other is better than in one of two metrics and at least as good in the other."""
    signs = [results.sign(metric) for metric in pair]

    def worth(trial: TrialSummary) -> list[float]:
        return [sign * (value_of(trial, metric) or 0.0) for sign, metric in zip(signs, pair, strict=True)]

    worths = [worth(trial) for trial in trials]
    return [
        trial
        for trial, own in zip(trials, worths, strict=True)
        if not any(all(a >= b for a, b in zip(other, own, strict=True)) and other != own for other in worths)
    ]


def _plot(results: Results, pair: tuple[str, str], trials: Sequence[TrialSummary]) -> Plot:
    metric, guard = pair
    ahead = front(results, pair, trials)
    named = _named(results, ahead, trials)
    lines = _key(results, named)
    told = [summary_of(one, of) for one in trials for of in pair]
    left_out = [f"{len(trials) - len(named)} are drawn without a number."] if len(trials) > len(named) else []
    behind = [one for one in trials if one not in ahead]
    keys = {FRONT: ahead, BEHIND: behind} if behind else {FRONT: ahead}
    sheet = Sheet(
        f"{metric.upper()} against {guard.upper()}",
        [*scope_note(told, OWN), *left_out],
        height=2.5,
        above=0.26 + legend_height(list(keys)),
        below=0.55 + len(lines) * SMALL * LINE,
    )
    figure, axes = sheet.axes()
    for own, series in ((behind, UNTOLD), (ahead, BETTER)):
        marks(axes, [_spot(one, pair) for one in own], series, weight=0.5 if len(trials) > CROWDED else 1.3)
    line = sorted((_spot(one, pair) for one in ahead), key=lambda one: (one.x, one.y))
    axes.plot([one.x for one in line], [one.y for one in line], color=BLUE, linestyle=(0, (4, 3)), linewidth=1.1)
    for of, scale, limit in ((guard, axes.xaxis, axes.set_xlim), (metric, axes.yaxis, axes.set_ylim)):
        seen = [one for trial in trials for one in _reach(trial, of)]
        limit(*room(seen, results.record(of).bounds))
        numbered(scale)
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    sideways(axes, results.axis(guard))
    upright(axes, results.axis(metric), sheet)
    keyed(axes, sheet, [(name, in_legend(series)) for name, series in zip(keys, (BETTER, UNTOLD), strict=False)])
    name_spots(
        axes, [(_spot(one, pair), str(at)) for at, one in enumerate(named, 1)], [_spot(one, pair) for one in trials]
    )
    _write(figure, lines)
    return Plot.of((metric, "against", guard), sheet.title, [_in_words(results, pair, trials), *left_out], figure)


def _spot(trial: TrialSummary, pair: tuple[str, str]) -> Spot:
    primary, guard = (summary_of(trial, metric) for metric in pair)
    return Spot(guard.value or 0.0, primary.value or 0.0, ends_of(guard), ends_of(primary))


def _reach(trial: TrialSummary, metric: str) -> list[float]:
    summary = summary_of(trial, metric)
    return [one for one in (summary.value, *(ends_of(summary) or ())) if one is not None]


def _named(results: Results, ahead: Sequence[TrialSummary], trials: Sequence[TrialSummary]) -> list[TrialSummary]:
    """Returns the trials that get a number, in their order: of too many the front, the baseline and the highest."""
    first = [one for one in (results.best, results.baseline, *ahead) if one is not None and one in trials]
    sign, metric = results.sign(results.report.primary), results.report.primary
    highest = sorted(trials, key=lambda one: -sign * (value_of(one, metric) or 0.0))
    kept = list({one.id: one for one in [*first, *highest]}.values())[:MOST_NAMED]
    return [one for one in trials if one in kept]


def _key(results: Results, named: Sequence[TrialSummary]) -> list[tuple[str, ...]]:
    """Returns what the numbers stand for, in lines of one or two: in what others are not the baseline."""
    base, told = results.baseline, list[list[str]]()
    for at, one in enumerate(named, 1):
        mark = " (best)" if one.id == results.report.best else " (baseline)" if one == base else ""
        name = results.label(one, None if one == base else base)
        told.append(textwrap.wrap(f"{at}: {shown(name, 2 * SIGNS - 20)}{mark}", SIGNS, subsequent_indent="    "))
    columns = 2 if all(len(one) == 1 and len(one[0]) <= SIGNS // 2 - 2 for one in told) else 1
    lines = [line for one in told for line in one]
    depth = -(-len(lines) // columns)
    return [tuple(lines[at::depth]) for at in range(depth)]


def _write(figure: "Figure", lines: Sequence[Sequence[str]]) -> None:
    height = figure.get_figheight()
    for at, line in enumerate(lines):
        y = (EDGE + (len(lines) - at) * SMALL * LINE) / height
        for column, text in enumerate(line):
            figure.text((EDGE + column * (WIDTH - EDGE) / 2) / WIDTH, y, text, va="top", size=SMALL)


def _in_words(results: Results, pair: tuple[str, str], trials: Sequence[TrialSummary]) -> str:
    """Returns the trials of the front, with both values."""
    ahead = front(results, pair, trials)
    most = ahead[:4]
    told = [
        f"{results.label(one)}: {pair[0].upper()} {in_words(summary_of(one, pair[0]))}, "
        f"{pair[1].upper()} {in_words(summary_of(one, pair[1]))}"
        for one in most
    ]
    more = f"; and {len(ahead) - len(most)} more" if len(ahead) > len(most) else ""
    return (
        f"{pair[0].upper()} against {pair[1].upper()} of {len(trials)} trials. On the front: {'; '.join(told)}{more}."
    )
