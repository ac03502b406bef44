"""`evalkit compare A B`: the paired differences of two runs, B minus A, and in what else they differ."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from evalkit.analysis.differences import Compared, differences
from evalkit.analysis.disagreements import Disagreement, disagreements
from evalkit.analysis.pairing import Match, Run, matched, timed_elsewhere
from evalkit.commands.screen import show
from evalkit.errors import DataError
from evalkit.reports.baselines import BASELINES, find_baseline, read_run
from evalkit.reports.decisions import (
    compared_data,
    compared_lines,
    compared_notes,
    compared_table,
    disagreement_lines,
    line,
    markdown,
)
from evalkit.reports.files import rounded
from evalkit.reports.layout import folded, terminal_width

WIDE = 10_000  # columns: nothing is folded
ABOUT = """\
A is the baseline, B the candidate: a run's folder, its report.json, or the name of a baseline.
Trials are matched by their settings (the engine's version may differ), rows by voice, text and seed.
"""


def run_compare(typed: Sequence[str]) -> int:
    """Does what was typed after `compare`; returns the exit code.

    Raises:
        DataError: A run that cannot be read, or two whose scores do not compare.
    """
    parsed = _parser().parse_args(typed)
    found = [find_baseline(named, parsed.baselines) for named in (parsed.a, parsed.b)]
    runs, matches, differing = matched_runs(*found)
    compared = _chosen(differences(*runs, matches), parsed.metrics, runs)
    notes, width = compared_notes(compared, matches, timed_elsewhere(*runs)), terminal_width()
    if parsed.json:
        show(json.dumps(rounded(compared_data(compared, runs, differing)), indent=2, sort_keys=True))
    elif parsed.markdown:
        title = f"{runs[1].report.run_id} against {runs[0].report.run_id}"
        told = disagreement_lines(differing, WIDE, most=len(differing))
        show(markdown(title, *compared_table(compared, matches), [*notes, *told]))
    else:
        lines = [*disagreement_lines(differing, width), "", *compared_lines(compared, matches, width)]
        show("\n".join([*lines, *(part for note in notes for part in folded(note, width, "", "  "))]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evalkit compare", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("a", metavar="A", help="the baseline")
    parser.add_argument("b", metavar="B", help="the candidate")
    parser.add_argument("--metrics", metavar="NAMES", help="only these, with commas between them")
    parser.add_argument("--baselines", metavar="DIR", type=Path, default=BASELINES, help=f"default: {BASELINES}")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="print a table of Markdown")
    form.add_argument("--json", action="store_true", help="print it all as JSON, and nothing else")
    return parser


def _chosen(compared: Sequence[Compared], typed: str | None, runs: tuple[Run, Run]) -> list[Compared]:
    """Returns the comparisons of the metrics that were typed; of all where none were."""
    if not compared:
        raise DataError(f"{runs[0].name} and {runs[1].name} share no utterance that both scored")
    known = list(dict.fromkeys(one.metric for one in compared))
    wanted = known if typed is None else [name.strip() for name in typed.split(",")]
    if unknown := [name for name in wanted if name not in known]:
        raise DataError(f"--metrics: {unknown[0]!r} is not compared; there are: {', '.join(known)}")
    return [one for one in compared if one.metric in wanted]


def matched_runs(baseline: Path, candidate: Path) -> tuple[tuple[Run, Run], list[Match], list[Disagreement]]:
    """Returns two runs that compare, their matching trials, and in what else they differ.

    Raises:
        DataError: One cannot be read or is not complete, or their scores do not compare; the message has the fields.
    """
    runs = read_run(baseline), read_run(candidate)
    for run in runs:
        if run.report.status == "interrupted":
            raise DataError(f"{run.name} is interrupted; finish it first, type: {line(run.report.provenance.command)}")
    found = disagreements(*runs)
    if barriers := [one for one in found if one.is_barrier]:
        told = "\n".join(disagreement_lines(barriers, terminal_width(), most=len(barriers)))
        raise DataError(f"scores of {runs[0].name} and {runs[1].name} do not compare; {told}")
    return runs, matched(runs[0].report, runs[1].report), found
