"""How small a difference a sweep can tell, by its number of voices: for who plans the next one."""

from collections.abc import Sequence

from evalkit.analysis.power import POWER, VOICES, Need, Size, curve, spreads_in
from evalkit.record import Report
from evalkit.reports.decisions import number
from evalkit.reports.plots.axis import Axis, numbered
from evalkit.reports.plots.drawing import Plot, Sheet, keyed, legend_height, sideways, upright
from evalkit.reports.plots.marks import in_legend
from evalkit.reports.plots.results import Results
from evalkit.reports.plots.theme import SERIES, themed
from evalkit.row import Row

FEWEST = 4  # voices: what fewer tell is so much less that the rest could not be seen
TIMES = (1, 2, 4)  # as many texts as the sweep has


def power_curve(report: Report, rows: Sequence[Row], metric: str | None = None) -> Plot | None:
    """Returns the smallest difference that is told, against the number of voices, for the texts there are and for more.

    Args:
        report: A run's.
        rows: The same.
        metric: The report's primary one unless told.

    Returns:
        None where the report does not say what its differences spread by.
    """
    results, name = Results(report, rows), metric or report.primary
    spreads = spreads_in(report, name) if name in report.metrics else None
    if spreads is None:
        return None
    probes, comparisons = len({row.probe for row in rows}), max(1, len(report.trials) - 1)
    counts = [count for count in dict.fromkeys(times * probes for times in TIMES) if count > 1]
    sizes = [Size(voices, count) for count in counts for voices in sorted({*VOICES, len(results.columns.layout.names)})]
    found = curve(spreads, [size for size in sizes if size.voices >= FEWEST], comparisons)
    with themed():
        return _plot(results, name, found, comparisons) if found else None


def _plot(results: Results, metric: str, found: Sequence[Need], comparisons: int) -> Plot:
    lines: dict[int, list[Need]] = {}
    for need in found:
        lines.setdefault(need.size.probes, []).append(need)
    names = [f"{probes} texts" for probes in lines]
    sheet = Sheet(
        f"{metric.upper()}: smallest difference that a sweep tells",
        [f"in {POWER:.0%} of sweeps, {comparisons} comparisons at once, each text said once a voice"],
        above=0.26 + legend_height(names),
    )
    figure, axes = sheet.axes()
    Axis.of([need.size.voices for need in found]).lay(axes)
    for series, own in zip(SERIES, lines.values(), strict=False):
        look = {"color": series.colour, "linestyle": series.line, "marker": series.marker}
        axes.plot([one.size.voices for one in own], [one.smallest for one in own], **look)
    axes.set_ylim(0, 1.08 * max(one.smallest for one in found))
    numbered(axes.yaxis)
    sideways(axes, "voices")
    upright(axes, f"difference in {metric.upper()} ({results.record(metric).unit})", sheet)
    keyed(axes, sheet, [(name, in_legend(one, is_joined=True)) for name, one in zip(names, SERIES, strict=False)])
    return Plot.of((metric, "power"), sheet.title, [_in_words(metric, lines, results)], figure)


def _in_words(metric: str, lines: dict[int, list[Need]], results: Results) -> str:
    """Returns what the sweep's own size tells, and what the largest of each number of texts does."""
    own = len(results.columns.layout.names)
    here = next((one for needs in lines.values() for one in needs if one.size.voices == own), None)
    told = [
        f"{number(needs[-1].smallest)} with {needs[-1].size.voices} voices and {probes} texts"
        for probes, needs in lines.items()
    ]
    now = f" With {own} voices and {here.size.probes} texts it is {number(here.smallest)};" if here else ""
    return f"Smallest difference in {metric.upper()} that is told in {POWER:.0%} of sweeps.{now} {', '.join(told)}."
