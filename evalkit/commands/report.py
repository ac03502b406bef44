"""`evalkit report RUN`: makes what a run's report and rows can be read as, from what lies in its folder."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from evalkit import provenance
from evalkit.analysis.margins import read_margins
from evalkit.analysis.pairing import Run
from evalkit.commands.page import kept_choice, kept_sources
from evalkit.commands.screen import show, tell
from evalkit.errors import ConfigError, DataError
from evalkit.reports.ballots import read_heard
from evalkit.reports.baselines import BASELINES, find_baseline, read_run
from evalkit.reports.markdown import run_markdown
from evalkit.reports.page.runs import write_index
from evalkit.reports.page.sounds import AudioChoice
from evalkit.reports.page.writer import write_page
from evalkit.resources import resource

ABOUT = """\
Makes the page of a run anew, from its report, its rows, and the sounds that are still in the store; or, with --index,
a page over all runs below a folder, with the trend of what configs/gate.yaml names; or, with --markdown, --csv or
--parquet, what else a run can be read as, and no page.
"""


def run_report(typed: Sequence[str]) -> int:
    """Does what was typed after `report`; returns the exit code.

    Raises:
        ConfigError: A store that is not there.
        DataError: A run that cannot be read.
        PackageError: Parquet is wanted, and its package is not here.
        StorageError: The disk refused.
    """
    parser = _parser()
    parsed = parser.parse_args(typed)
    if (parsed.run is None) == (parsed.index is None):
        parser.error("say of what: a run's folder, or --index with the folder of all reports")
    if parsed.out is not None and not parsed.form:
        parser.error("--out is for --csv and --parquet; the page lies in the run's folder")
    if parsed.index is not None:
        return _index(parsed.index)
    run = read_run(find_baseline(str(parsed.run), parsed.baselines))
    if parsed.markdown:
        show(run_markdown(run).rstrip())
    elif parsed.form:
        _tables(run, parsed)
    else:
        _page(run, parsed)
    return 0


def _index(folder: Path) -> int:
    if not folder.is_dir():
        raise DataError(f"there are no reports at {folder}; name their folder: --index DIR")
    path, damaged = write_index(folder, list(read_margins(resource("configs/gate.yaml"))))
    for one in damaged:
        tell(f"left out of the index: {one}")
    show(f"page: {path}")
    return 0


def _page(run: Run, parsed: argparse.Namespace) -> None:
    if parsed.store is not None and not parsed.store.is_dir():
        raise ConfigError(
            f"--store {parsed.store}: there is no such folder; leave it out to look where the run kept its"
        )
    try:
        read_heard(run)
    except DataError as error:
        anew = provenance.command_line(["votes", run.name, "VOTES.json", "--anew"])
        tell(f"what listeners said is left out of the page: {error}; to merge votes anew, type: {anew}")
    report, audio = run.report, parsed.audio or kept_choice(run.report)
    path = write_page(Path(run.name), report, run.rows, kept_sources(report, parsed.store), audio)
    show(f"page: {path}")


def _tables(run: Run, parsed: argparse.Namespace) -> None:
    from evalkit.reports.exports import write_tables
    from evalkit.reports.frames import LoadedReport  # pandas takes longer to import than most commands need

    folder = parsed.out or Path(run.name)
    show("\n".join(map(str, write_tables(LoadedReport(run), folder, parsed.form))))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evalkit report", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", nargs="?", type=Path, help="a run's folder, or its report.json")
    parser.add_argument("--audio", choices=get_args(AudioChoice),
                        help="sounds that the page has (default: as the run was told, else all)")  # fmt: skip
    parser.add_argument("--store", metavar="DIR", type=Path, help="where sounds lie (default: as the report says)")
    parser.add_argument("--baselines", metavar="DIR", type=Path, default=BASELINES, help=f"default: {BASELINES}")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--index", metavar="DIR", type=Path, help="make DIR/index.html over all runs below DIR")
    form.add_argument("--markdown", action="store_true", help="print the tables and the finding as Markdown")
    for name, told in (("csv", "CSV, in which no text is a formula"), ("parquet", "Parquet (needs pyarrow)")):
        form.add_argument(f"--{name}", action="store_const", const=name, dest="form",
                          help=f"write rows, trials, comparisons and voices as {told}")  # fmt: skip
    parser.add_argument("--out", metavar="DIR", type=Path, help="where these files go (default: the run's folder)")
    return parser
