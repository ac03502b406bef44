"""`evalkit gate CANDIDATE --baseline B`: is the candidate worse than the baseline by more than the margins allow?"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.analysis.margins import read_margins
from evalkit.analysis.pairing import require_all
from evalkit.analysis.verdicts import Gate, judge
from evalkit.commands.compare import WIDE, matched_runs
from evalkit.commands.screen import show, tell
from evalkit.errors import DataError, StorageError
from evalkit.reports.baselines import BASELINES, find_baseline, keep, read_run
from evalkit.reports.decisions import (
    VERDICTS,
    disagreement_lines,
    gate_data,
    gate_lines,
    gate_sentence,
    junit,
    markdown,
    verdict_rows,
)
from evalkit.reports.files import rounded
from evalkit.reports.gates import keep_gate
from evalkit.reports.layout import terminal_width
from evalkit.resources import locate, resource
from evalkit.store.atomic import write_text

EXIT_CODES = {"pass": 0, "regression": 1, "inconclusive": 3}
ABOUT = """\
Per metric: pass, regression or inconclusive, by the margins of configs/gate.yaml.
Exit code: 0 pass, 1 regression, 2 cannot be gated, 3 inconclusive.
"""


def run_gate(typed: Sequence[str]) -> int:
    """Does what was typed after `gate`; returns the exit code.

    Raises:
        DataError: A run or margins that cannot be read, runs whose scores do not compare, or a file that cannot be
            written.
    """
    parser = _parser()
    parsed = parser.parse_args(typed)
    try:
        return _done(parser, parsed)
    except StorageError as error:  # whose own code, 1, would read as a regression
        raise DataError(str(error)) from error


def _done(parser: argparse.ArgumentParser, parsed: argparse.Namespace) -> int:
    if parsed.update_baseline is not None:
        if parsed.baseline is not None:
            parser.error("--update-baseline keeps the candidate, --baseline compares with another: type one of the two")
        folder = keep(read_run(parsed.candidate), parsed.update_baseline, parsed.reason or "", parsed.baselines)
        show(str(folder))
        return 0
    if parsed.reason is not None:
        parser.error("--reason says why a baseline is kept: it goes with --update-baseline")
    if parsed.baseline is None:
        parser.error("say what to compare with: --baseline NAME or DIR")
    return _gated(parsed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evalkit gate", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("candidate", metavar="CANDIDATE", type=Path, help="a run's folder, or its report.json")
    parser.add_argument("--baseline", metavar="NAME|DIR", help="a name below --baselines, or a run's folder")
    parser.add_argument("--margins", metavar="FILE", help="default: configs/gate.yaml")
    parser.add_argument("--scope", choices=["panel", "population"], default="panel",
                        help="panel: these voices and texts; population: new ones too (default: panel)")  # fmt: skip
    parser.add_argument("--inconclusive", choices=["pass", "fail"], help="end with 0 or 1 in place of 3")
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write the verdict as Markdown")
    parser.add_argument("--junit", metavar="FILE", type=Path, help="write it as JUnit's XML")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write it as JSON")
    parser.add_argument("--baselines", metavar="DIR", type=Path, default=BASELINES, help=f"default: {BASELINES}")
    parser.add_argument("--update-baseline", metavar="NAME", help="keep the candidate under that name")
    parser.add_argument("--reason", metavar="TEXT", help="why it is kept")
    return parser


def _gated(parsed: argparse.Namespace) -> int:
    margins = read_margins(locate(parsed.margins) if parsed.margins else resource("configs/gate.yaml"))
    runs, matches, found = matched_runs(find_baseline(parsed.baseline, parsed.baselines), parsed.candidate)
    if runs[0].report.status != "complete":
        raise DataError(f"{runs[0].name} is {runs[0].report.status}: only a complete run can be a baseline")
    require_all(*runs, matches)
    gate, width = judge(*runs, matches, margins, parsed.scope), terminal_width()
    show("\n".join([*disagreement_lines(found, width), "", *gate_lines(gate, width)]))
    told = rounded(gate_data(gate, runs, found))
    _keep(Path(runs[1].name), told)
    title = f"Gate: {runs[1].report.run_id} against {runs[0].report.run_id}"
    sentences = [gate_sentence(gate), *disagreement_lines(found, WIDE, most=len(found))]
    for path, text in (
        (parsed.markdown, markdown(title, VERDICTS, verdict_rows(gate), sentences)),
        (parsed.junit, junit(gate, inconclusive_fails=parsed.inconclusive != "pass")),
        (parsed.json, json.dumps(told, indent=2, sort_keys=True) + "\n"),
    ):
        if path is not None:
            write_text(path, text)
    return _exit_code(gate, parsed.inconclusive)


def _keep(folder: Path, told: Mapping[str, Any]) -> None:
    """Keeps the verdict beside the candidate's report, for its page; where nothing can be written it is only told."""
    try:
        keep_gate(folder, told)
    except StorageError as error:
        tell(f"the verdict is not kept beside the run: {error}")


def _exit_code(gate: Gate, inconclusive: str | None) -> int:
    code = EXIT_CODES[gate.state]
    if gate.state != "inconclusive" or inconclusive is None:
        return code
    tell(f"inconclusive is taken for {'passed' if inconclusive == 'pass' else 'failed'}, as --inconclusive says")
    return 0 if inconclusive == "pass" else 1
