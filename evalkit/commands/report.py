"""`evalkit report RUN`: makes what a run's report and rows can be read as, from what lies in its folder."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from evalkit.analysis.pairing import Run
from evalkit.commands.page import kept_choice, kept_sources
from evalkit.commands.screen import show
from evalkit.reports.baselines import BASELINES, find_baseline, read_run
from evalkit.reports.markdown import run_markdown
from evalkit.reports.page.sounds import AudioChoice
from evalkit.reports.page.writer import write_page

if TYPE_CHECKING:
    from evalkit.reports.exports import Form

ABOUT = """\
Makes the page of a run anew, from its report, its rows, and the sounds that are still in the store;
or, with --markdown, --csv or --parquet, what else it can be read as, and no page.
"""


def run_report(typed: Sequence[str]) -> int:
    """Does what was typed after `report`; returns the exit code.

    Raises:
        DataError: A run that cannot be read.
        StorageError: The disk refused.
    """
    parsed = _parser().parse_args(typed)
    run = read_run(find_baseline(str(parsed.run), parsed.baselines))
    if parsed.markdown:
        show(run_markdown(run).rstrip())
    elif parsed.form:
        show("\n".join(map(str, _tables(run, parsed.form, parsed.out or Path(run.name)))))
    else:
        show(f"page: {_page(run, parsed)}")
    return 0


def _tables(run: Run, form: "Form", folder: Path) -> list[Path]:
    from evalkit.reports.exports import write_tables
    from evalkit.reports.frames import LoadedReport  # pandas takes longer to import than most commands need

    return write_tables(LoadedReport(run), folder, form)


def _page(run: Run, parsed: argparse.Namespace) -> Path:
    report, audio = run.report, parsed.audio or kept_choice(run.report)
    return write_page(Path(run.name), report, run.rows, kept_sources(report, parsed.store), audio)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evalkit report", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="a run's folder, or its report.json")
    parser.add_argument("--audio", choices=get_args(AudioChoice),
                        help="sounds that the page has (default: as the run was told, else all)")  # fmt: skip
    parser.add_argument("--store", metavar="DIR", type=Path, help="where sounds lie (default: as the report says)")
    _add_forms(parser)
    return parser


def _add_forms(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="print the tables and the finding as Markdown")
    for name, told in (("csv", "CSV, in which no text is a formula"), ("parquet", "Parquet (evalkit[parquet])")):
        form.add_argument(f"--{name}", action="store_const", const=name, dest="form",
                          help=f"write rows, trials, comparisons and voices as {told}")  # fmt: skip
    parser.add_argument("--out", metavar="DIR", type=Path, help="where these files go (default: the run's folder)")
    parser.add_argument("--baselines", metavar="DIR", type=Path, default=BASELINES, help=f"default: {BASELINES}")
