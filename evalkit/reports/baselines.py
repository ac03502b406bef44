"""Runs as others are held against: read from where they lie, or kept under a name with who, when and why.

A baseline is a folder `reports/baselines/NAME` with the run's report and rows as they were, and a `baseline.json`.
"""

import getpass
import hashlib
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from evalkit.analysis.pairing import Run
from evalkit.errors import DataError
from evalkit.names import name_fault
from evalkit.reports.files import LONGEST_REPORT, REPORT_FILE, ROWS_FILE, read_report, read_rows, row_line
from evalkit.store.atomic import write_text
from evalkit.textfile import read_text

BASELINES = Path("reports/baselines")
ABOUT_FILE = "baseline.json"


def read_run(path: Path) -> Run:
    """Reads a run: its folder, or the `report.json` in it.

    Raises:
        DataError: There is none, it is none, or its rows are not those of its report.
    """
    folder = path.parent if path.name == REPORT_FILE else path
    report, rows = read_report(folder), list(read_rows(folder))
    counts = {trial.id: 0 for trial in report.trials}
    for row in rows:
        if row.trial not in counts:
            raise DataError(f"{folder / ROWS_FILE} has a row of trial {row.trial!r}, which {REPORT_FILE} does not have")
        counts[row.trial] += 1
    if wrong := next((trial for trial in report.trials if counts[trial.id] != trial.n), None):
        raise DataError(
            f"{folder / ROWS_FILE} has {counts[wrong.id]} rows of trial {wrong.id}, {REPORT_FILE} speaks of {wrong.n}: "
            "the two are not of one run, or one is damaged"
        )
    return Run(str(folder), report, rows)


def find_baseline(named: str, baselines: Path) -> Path:
    """Returns the folder of a baseline: a run's folder or report, else one that is kept under that name.

    Raises:
        DataError: There is neither.
    """
    path = Path(named)
    if (path / REPORT_FILE).exists() or (path.name == REPORT_FILE and path.exists()):
        return path
    if not name_fault(named) and (baselines / named / REPORT_FILE).exists():
        return baselines / named
    known = sorted(one.parent.name for one in baselines.glob(f"*/{REPORT_FILE}"))
    raise DataError(
        f"there is no run at {named!r}, and no baseline of that name below {baselines}; kept there: "
        f"{', '.join(known) or 'none'}; keep one: python -m evalkit gate RUN --update-baseline NAME --reason '...'"
    )


def keep(run: Run, name: str, reason: str, baselines: Path) -> Path:
    """Keeps a run as a baseline, in place of the one of that name; returns its folder.

    Raises:
        DataError: A name that is none, no reason, or a run that did not finish.
        StorageError: The disk refused.
    """
    if fault := name_fault(name):
        raise DataError(f"--update-baseline {name!r} {fault}")
    if not reason.strip():
        raise DataError("a baseline is kept for a reason that others can read: --reason 'why this run, why now'")
    if run.report.status != "complete":
        raise DataError(f"{run.name} is {run.report.status}: only a complete run can be a baseline")
    folder = baselines / name
    folder.mkdir(parents=True, exist_ok=True)
    text = read_text(Path(run.name) / REPORT_FILE, "report", most=LONGEST_REPORT)
    about = {
        "name": name,
        "kept": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "by": _who(),
        "reason": reason.strip(),
        "run_id": run.report.run_id,
        "report_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "replaced": read_report(folder).run_id if (folder / REPORT_FILE).exists() else None,
    }
    write_text(folder / ROWS_FILE, "".join(f"{row_line(row)}\n" for row in run.rows))
    write_text(folder / REPORT_FILE, text)
    write_text(folder / ABOUT_FILE, json.dumps(about, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    return folder


def _who() -> str:
    """Returns who keeps a baseline: as git knows them, else the user's name."""
    try:
        done = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)
        return done.stdout.strip() or getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
