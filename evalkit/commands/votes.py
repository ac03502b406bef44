"""`evalkit votes RUN VOTES...`: what listeners said of a run's sounds, and how far the metrics agree with them."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from evalkit.analysis.votes import heard
from evalkit.commands.screen import show, tell
from evalkit.errors import DataError
from evalkit.reports.ballots import VOTES_FILE, merged, read_ballots, read_heard, write_heard
from evalkit.reports.baselines import read_run
from evalkit.reports.files import rounded
from evalkit.reports.hearing import heard_lines
from evalkit.reports.layout import folded, terminal_width

ABOUT = f"""\
Merges the votes that listeners exported from a run's page with those that were merged before, says what they say,
and keeps it all in {VOTES_FILE} in the run's folder, from which `report` shows it on the page.
Without VOTES it says again what is there.
"""


def run_votes(typed: Sequence[str]) -> int:
    """Does what was typed after `votes`; returns the exit code.

    Raises:
        DataError: A run or votes that cannot be read, votes that are of another run, or none at all.
        StorageError: The disk refused.
    """
    parsed, width = _parser().parse_args(typed), terminal_width()
    run = read_run(parsed.run)
    before = None if parsed.anew else read_heard(run)
    earlier = list(before.ballots) if before else []
    ballots, notes = merged([*earlier, *read_ballots(parsed.votes, run)])
    if not ballots:
        raise DataError(
            f"there are no votes of {run.name} yet: open its index.html, vote in the section Listening, export, and "
            f"type: python -m evalkit votes {run.name} VOTES.json"
        )
    for note in notes:
        tell("\n".join(folded(note, width, "", "  ")))
    found = heard(ballots, run)
    if parsed.votes:
        write_heard(Path(run.name), found)
    if parsed.json:
        told = {key: value for key, value in asdict(found).items() if key != "ballots"}
        show(json.dumps(rounded(told), indent=2, sort_keys=True))
        return 0
    lines = heard_lines(found, run.report, width)
    if parsed.votes:
        then = f"python -m evalkit report {run.name}"
        lines += ["", *folded(f"kept in {Path(run.name) / VOTES_FILE}; to show it on the page, type: {then}", width)]
    show("\n".join(lines))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evalkit votes", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="a run's folder, or its report.json")
    parser.add_argument("votes", metavar="VOTES", type=Path, nargs="*", help="files that its page exported")
    parser.add_argument("--anew", action="store_true", help="forget the votes that were merged before")
    parser.add_argument("--json", action="store_true", help="print it all as JSON, and nothing else")
    return parser
