"""`evalkit report RUN`: makes what a run's report and rows can be read as, from what lies in its folder."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from evalkit.analysis.pairing import Run
from evalkit.commands.page import kept_choice, kept_sources
from evalkit.commands.screen import show
from evalkit.reports.baselines import read_run
from evalkit.reports.page.sounds import AudioChoice
from evalkit.reports.page.writer import write_page

ABOUT = """\
Makes the page of a run anew, from its report, its rows, and the sounds that are still in the store.
"""


def run_report(typed: Sequence[str]) -> int:
    """Does what was typed after `report`; returns the exit code.

    Raises:
        DataError: A run that cannot be read.
        StorageError: The disk refused.
    """
    parsed = _parser().parse_args(typed)
    run = read_run(parsed.run)
    show(f"page: {_page(run, parsed)}")
    return 0


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
    return parser
