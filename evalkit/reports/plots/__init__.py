"""Plots of a report: pure functions from its numbers to figures, for the page and for notebooks."""

from collections.abc import Sequence
from dataclasses import replace

from evalkit.record import Report
from evalkit.reports.plots.by_part import by_language, by_stratum, by_voice
from evalkit.reports.plots.by_setting import by_setting
from evalkit.reports.plots.drawing import Plot
from evalkit.reports.plots.forest import forests, gains_by_voice
from evalkit.reports.plots.interaction import interactions
from evalkit.reports.plots.results import Results
from evalkit.reports.plots.sizes import power_curve
from evalkit.reports.plots.theme import themed
from evalkit.reports.plots.tradeoff import tradeoff
from evalkit.reports.plots.trend import Moment, trend
from evalkit.reports.plots.vector import svg
from evalkit.row import Row

KINDS = (by_setting, interactions, tradeoff, by_voice, gains_by_voice, by_stratum, by_language, forests)


def figures(report: Report, rows: Sequence[Row]) -> list[Plot]:
    """Returns the plots of a report, in the order in which they are looked at; where little was scored, few or none.

    Args:
        report: A run's.
        rows: The same; those of trials that the report does not have are left out.
    """
    results = Results(report, rows)
    with themed():
        return _named([plot for kind in KINDS for plot in kind(results)])


def _named(plots: Sequence[Plot]) -> list[Plot]:
    """Returns plots whose names differ, whatever their settings are called."""
    found: dict[str, Plot] = {}
    for plot in plots:
        name, more = plot.name, 2
        while name in found:
            name, more = f"{plot.name}-{more}", more + 1
        found[name] = replace(plot, name=name)
    return list(found.values())


__all__ = ["Moment", "Plot", "figures", "power_curve", "svg", "trend"]
