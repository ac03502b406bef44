"""Writes a run's page: `index.html` and the folder `page/` beside it, which holds all that it needs.

Whatever comes from reports is data: escaped where it stands in the page, and never part of a path.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalkit.errors import DataError
from evalkit.record import Report
from evalkit.reports.ballots import ears
from evalkit.reports.gates import KeptGate, read_gate
from evalkit.reports.page import pictures
from evalkit.reports.page.contents import contents
from evalkit.reports.page.folder import made_anew
from evalkit.reports.page.plotted import Plotted, write_plots
from evalkit.reports.page.rendering import SCRIPTS, embedded, rendered, write_assets
from evalkit.reports.page.sounds import FOLDER, AudioChoice, Numbered, Sources, wanted, write_sounds
from evalkit.reports.page.top import top
from evalkit.reports.page.worst import comparing, shown, worst
from evalkit.row import Row
from evalkit.store.atomic import write_text

PAGE_FILE = "index.html"
PAGE_FOLDER = "page"
PARTS = (
    ("trials", "Trials"),
    ("plots", "Plots"),
    ("listening", "Listening"),
    ("worst", "Worst"),
    ("utterances", "Utterances"),
)


def write_page(folder: Path, report: Report, rows: Sequence[Row], sources: Sources, audio: AudioChoice) -> Path:
    """Writes the page of a run into its folder, in place of the one that is there; returns the path of `index.html`.

    Args:
        folder: Of the run.
        report: Its report.
        rows: Its rows.
        sources: Where its sounds come from.
        audio: Which sounds the page is to have.

    Raises:
        StorageError: The disk refused.
    """
    with made_anew(folder / PAGE_FOLDER) as page:
        data = _contents(page, report, rows, sources, audio) | {"ears": _ears(folder, report)}
        plots = write_plots(page / pictures.FOLDER, report, rows)
        scripts, styles = write_assets(page, SCRIPTS)
        html = rendered("page.html.j2", **_shown(folder, report, rows, data, plots), scripts=scripts, styles=styles)
    write_text(folder / PAGE_FILE, html)
    return folder / PAGE_FILE


def _contents(page: Path, report: Report, rows: Sequence[Row], sources: Sources, audio: AudioChoice) -> dict[str, Any]:
    """Writes sounds and pictures into the page's folder; returns the page's data."""
    numbered = Numbered()
    data = contents(report, rows, sources.held_out, numbered)
    found = worst(report, rows)
    bad = [rows[one.row] for one in found]
    chosen = wanted(audio, numbered, bad, sources.held_out)
    written = write_sounds(page / FOLDER, chosen, sources.sound)
    drawn = pictures.write_pictures(page / pictures.FOLDER, _addresses(bad), sources.sound)
    files = {address: f"{PAGE_FOLDER}/{pictures.FOLDER}/{name}" for address, name in drawn.items()}
    return {
        **data,
        "sounds": numbered.columns(chosen, written),
        "worst": shown(found, rows, comparing(report), files),
    }


def _addresses(rows: Sequence[Row]) -> list[str]:
    numbered = Numbered()
    for row in rows:
        numbered.number(row.audio)
    return list(numbered.addresses)


def _shown(
    folder: Path, report: Report, rows: Sequence[Row], data: dict[str, Any], plots: Sequence[Plotted]
) -> dict[str, Any]:
    return {
        "run": data["run"],
        "top": top(report, rows, _verdict(folder, report)),
        "contents": embedded(data),
        "plots": plots,
        "parts": [(id, name) for id, name in PARTS if id != "plots" or plots],
    }


def _ears(folder: Path, report: Report) -> dict[str, Any] | None:
    """Returns what ears said of the run; a file that is none says nothing."""
    try:
        return ears(folder, report)
    except DataError:
        return None


def _verdict(folder: Path, report: Report) -> KeptGate | None:
    """Returns the verdict that was kept of the run; a file that is none says nothing."""
    try:
        return read_gate(folder, report.run_id)
    except DataError:
        return None
