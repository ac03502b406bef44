"""A page over all runs below a folder: what each found, and how what a gate looks at went from run to run."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from evalkit.errors import DataError
from evalkit.record import MetricRecord, Report, TrialSummary
from evalkit.reports.files import REPORT_FILE, read_report
from evalkit.reports.gates import KeptGate, read_gate
from evalkit.reports.labels import labels_of
from evalkit.reports.page.folder import made_anew
from evalkit.reports.page.plotted import Plotted, written
from evalkit.reports.page.rendering import rendered, write_assets
from evalkit.reports.page.writer import PAGE_FILE
from evalkit.store.atomic import write_text

if TYPE_CHECKING:
    from evalkit.reports.plots import Moment, Plot

FOLDER = "_index"  # no sweep's name begins like this
DEEPEST = 3  # folders below the given one: a run lies two below it


@dataclass(frozen=True)
class Listed:
    """A run in the index.

    Attributes:
        folder: Where it lies, from the index.
        report: Its report.
        best: The best trial's settings and what it came to, in words; empty without one.
        verdict: Of the last gate.
        link: To its page; None where it has none.
    """

    folder: str
    report: Report
    best: str
    verdict: KeptGate | None
    link: str | None


@dataclass(frozen=True)
class Sweep:
    """All runs of a sweep, the newest first, and the trends over them; `steady` metrics are the same in all runs."""

    name: str
    runs: Sequence[Listed]
    trends: Sequence[Plotted] = ()
    steady: Sequence[str] = ()


def write_index(folder: Path, gated: Sequence[str]) -> tuple[Path, list[str]]:
    """Writes the page over all runs below a folder; returns its path, and what is wrong with reports that it lacks.

    Args:
        folder: Of reports.
        gated: The metrics that a gate looks at.

    Raises:
        StorageError: The disk refused.
    """
    runs, damaged = _read(folder)
    with made_anew(folder / FOLDER) as page:
        sweeps = [_sweep(page, at, name, runs, gated) for at, name in enumerate(_names(runs))]
        _, styles = write_assets(page, ())
        html = rendered("runs.html.j2", sweeps=sweeps, damaged=damaged, styles=styles, folder=FOLDER)
    write_text(folder / PAGE_FILE, html)
    return folder / PAGE_FILE, damaged


def _names(runs: Sequence[Listed]) -> list[str]:
    return sorted({run.report.sweep for run in runs})


def _read(folder: Path) -> tuple[list[Listed], list[str]]:
    runs, damaged = [], []
    for path in _folders(folder):
        try:
            runs.append(_listed(path, folder))
        except DataError as error:
            damaged.append(str(error).replace(f"{folder}{os.sep}", ""))  # a page tells nobody where it was made
    return sorted(runs, key=lambda run: (run.report.created, run.folder), reverse=True), damaged


def _folders(folder: Path) -> Iterator[Path]:
    """Gives the folders with a report in them; links are not followed."""
    for place, names, files in os.walk(folder):
        path = Path(place)
        names[:] = sorted(name for name in names if len(path.relative_to(folder).parts) < DEEPEST)
        if REPORT_FILE in files:
            yield path


def _listed(path: Path, root: Path) -> Listed:
    """Returns a run.

    Raises:
        DataError: Its report or its verdict is damaged.
    """
    report, place = read_report(path), path.relative_to(root).as_posix()
    best = next((trial for trial in report.trials if trial.id == report.best), None)
    link = f"{quote(place)}/{PAGE_FILE}" if (path / PAGE_FILE).is_file() else None
    return Listed(place, report, _best(report, best) if best else "", read_gate(path, report.run_id), link)


def _best(report: Report, best: TrialSummary) -> str:
    summary = best.summary.get(report.primary)
    value = "" if summary is None or summary.value is None else f": {report.primary.upper()} {summary.value:.3f}"
    return f"{labels_of(report)[best.id]}{value}"


def _sweep(page: Path, at: int, name: str, runs: Sequence[Listed], gated: Sequence[str]) -> Sweep:
    own = [run for run in runs if run.report.sweep == name]
    plots, steady = _trends([run.report for run in own], gated)
    return Sweep(name, own, written(page, plots, f"{at}-"), steady)


def _trends(reports: Sequence[Report], gated: Sequence[str]) -> "tuple[list[Plot], list[str]]":
    """Returns plots of what differs from run to run, and the names of what does not."""
    from evalkit.reports.plots import trend  # brings matplotlib

    plots, steady = [], []
    once = list({report.run_id: report for report in reports}.values())  # a kept baseline is a copy of its run
    for metric, moments in _moments(once, gated).items():
        if len({moment.summary.value for moment in moments}) == 1:
            steady.append(metric)
        elif plot := trend(metric, _record(once, metric), moments):
            plots.append(plot)
    return plots, steady


def _moments(reports: Sequence[Report], gated: Sequence[str]) -> "Mapping[str, Sequence[Moment]]":
    """Returns what the baseline trial came to in each run, by metric; of those that two runs or more have."""
    from evalkit.reports.plots import Moment

    found: dict[str, list[Moment]] = {}
    decisive = [name for report in reports for name in (report.primary, *report.guards)]
    for report in reports:
        base = next((trial for trial in report.trials if trial.id == report.baseline), None)
        for name in dict.fromkeys([*decisive, *gated]):
            if base and name in report.metrics and (summary := base.summary.get(name)) and summary.value is not None:
                series = _series(report, base, name)
                found.setdefault(name, []).append(Moment(report.created, summary, report.provenance.commit, series))
    return {name: moments for name, moments in found.items() if len(moments) > 1}


def _series(report: Report, base: TrialSummary, metric: str) -> str:
    """Returns what runs must share for their values to be one line: the baseline's settings, and who judged."""
    judge = report.metrics[metric].judge
    return f"{labels_of(report)[base.id]}{f', {judge}' if judge else ''}"


def _record(reports: Sequence[Report], metric: str) -> MetricRecord:
    return next(report.metrics[metric] for report in reports if metric in report.metrics)
