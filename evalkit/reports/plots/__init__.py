"""Plots of a report: pure functions from its numbers to figures, for the page and for notebooks."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from evalkit.record import Report
from evalkit.reports.plots.by_setting import by_setting
from evalkit.reports.plots.drawing import Plot
from evalkit.reports.plots.results import Results
from evalkit.reports.plots.theme import themed
from evalkit.reports.plots.vector import svg
from evalkit.row import Row


def figures(report: Report, rows: Sequence[Row]) -> list[Plot]:
    """Returns the plots of a report, in the order in which they are looked at; where little was scored, few or none.

    Args:
        report: A run's.
        rows: The same; those of trials that the report does not have are left out.
    """
    results = Results(report, rows)
    with themed():
        return _named(list(chain(by_setting(results))))


def _named(plots: Sequence[Plot]) -> list[Plot]:
    """Returns plots whose names differ, whatever their settings are called."""
    found: dict[str, Plot] = {}
    for plot in plots:
        name, more = plot.name, 2
        while name in found:
            name, more = f"{plot.name}-{more}", more + 1
        found[name] = replace(plot, name=name)
    return list(found.values())


__all__ = ["Plot", "figures", "svg"]
