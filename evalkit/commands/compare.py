"""`evalkit compare A B`: the paired differences of two runs, B minus A, and in what else they differ."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from evalkit.analysis.differences import differences
from evalkit.analysis.pairing import Disagreement, Match, Run, disagreements, matched
from evalkit.commands.screen import show
from evalkit.errors import DataError
from evalkit.reports.baselines import BASELINES, find_baseline, read_run
from evalkit.reports.decisions import (
    compared_data,
    compared_notes,
    compared_table,
    disagreement_lines,
    markdown,
)
from evalkit.reports.files import rounded
from evalkit.reports.layout import fitted, folded, terminal_width

ABOUT = """\
A is the baseline, B the candidate: a run's folder, its report.json, or the name of a baseline.
Trials are matched by their settings (the engine's version may differ), rows by voice, text and seed.
"""


def run_compare(typed: Sequence[str]) -> int:
    """Does what was typed after `compare`; returns the exit code.

    Raises:
        DataError: A run that cannot be read, or two whose scores do not compare.
    """
    parser = argparse.ArgumentParser(
        prog="evalkit compare", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("a", metavar="A", help="the baseline")
    parser.add_argument("b", metavar="B", help="the candidate")
    parser.add_argument("--metrics", metavar="NAMES", help="only these, with commas between them")
    parser.add_argument("--baselines", metavar="DIR", type=Path, default=BASELINES, help=f"default: {BASELINES}")
    parser.add_argument("--markdown", action="store_true", help="print a table of Markdown")
    parser.add_argument("--json", action="store_true", help="print it all as JSON, and nothing else")
    parsed = parser.parse_args(typed)
    runs, matches, found = matched_runs(
        find_baseline(parsed.a, parsed.baselines), find_baseline(parsed.b, parsed.baselines)
    )
    compared = differences(*runs, matches)
    if parsed.metrics is not None:
        known = dict.fromkeys(one.metric for one in compared)
        wanted = [name for name in parsed.metrics.split(",") if name]
        if unknown := [name for name in wanted if name not in known]:
            raise DataError(f"--metrics: {unknown[0]!r} is not compared; there are: {', '.join(known)}")
        compared = [one for one in compared if one.metric in wanted]
    if not compared:
        raise DataError(f"{runs[0].name} and {runs[1].name} share no utterance that both scored")
    headings, rows = compared_table(compared, matches)
    notes, width = compared_notes(compared), terminal_width()
    if parsed.json:
        show(json.dumps(rounded(compared_data(compared, runs, found)), indent=2, sort_keys=True))
    elif parsed.markdown:
        title = f"{runs[1].report.run_id} against {runs[0].report.run_id}"
        show(markdown(title, headings, rows, [*notes, *disagreement_lines(found, 10_000)]))
    else:
        lines = [*disagreement_lines(found, width), "", *fitted(headings, rows, width, 2)]
        show("\n".join([*lines, *(line for note in notes for line in folded(note, width, "", "  "))]))
    return 0


def matched_runs(baseline: Path, candidate: Path) -> tuple[tuple[Run, Run], list[Match], list[Disagreement]]:
    """Returns two runs that compare, their matching trials, and in what else they differ.

    Raises:
        DataError: One cannot be read or is not complete, or their scores do not compare; the message has the fields.
    """
    runs = read_run(baseline), read_run(candidate)
    for run in runs:
        if run.report.status == "interrupted":
            raise DataError(f"{run.name} is interrupted; finish it first, type: {run.report.provenance.command}")
    found = disagreements(*runs)
    if barriers := [one for one in found if one.is_barrier]:
        told = "\n".join(disagreement_lines(barriers, terminal_width()))
        raise DataError(f"scores of {runs[0].name} and {runs[1].name} do not compare; {told}")
    return runs, matched(runs[0].report, runs[1].report), found
