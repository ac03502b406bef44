"""Runs as others are held against: read from where they lie, or kept under a name with who, when and why.

A baseline is a folder `reports/baselines/NAME` with the run's report and rows as they were, and a `baseline.json`.
"""

import getpass
import hashlib
import json
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from evalkit.analysis.pairing import Run
from evalkit.errors import DataError
from evalkit.names import name_fault, text_fault, visible
from evalkit.record import Report
from evalkit.reports.files import LONGEST_REPORT, REPORT_FILE, ROWS_FILE, read_report, read_rows, row_line
from evalkit.row import Row
from evalkit.store.atomic import write_text
from evalkit.textfile import read_text

BASELINES = Path("reports/baselines")
ABOUT_FILE = "baseline.json"
LARGEST = 1e18  # of a score or a weight: nothing that is measured is larger, and squares of squares stay numbers


def read_run(path: Path) -> Run:
    """Reads a run: its folder, or the `report.json` in it.

    Raises:
        DataError: There is none, it is none, or its rows are not those of its report.
    """
    folder = path.parent if path.name == REPORT_FILE else path
    report, rows = read_report(folder), list(read_rows(folder))
    if fault := _report_fault(report):
        raise DataError(f"{folder / REPORT_FILE} {fault}")
    if fault := _rows_fault(report, rows):
        raise DataError(f"{folder / ROWS_FILE} {fault}")
    return Run(str(folder), report, rows)


def _report_fault(report: Report) -> str | None:
    """Returns why no report that evalkit wrote is like this; None if it may be one."""
    ids = [trial.id for trial in report.trials]
    if not ids:
        return "has no trials"
    if twice := next((id for id in ids if ids.count(id) > 1), None):
        return f"has the trial {twice!r} twice"
    for name, metric in report.metrics.items():
        low, high = metric.bounds
        if low is not None and high is not None and low > high:
            return f"says of metric {name!r} that it is at least {low:g} and at most {high:g}"
        if not 0 <= metric.repeatability <= LARGEST:
            return f"says of metric {name!r} that it repeats within {metric.repeatability:g}"
    return None


def _rows_fault(report: Report, rows: Iterable[Row]) -> str | None:
    """Returns why rows are not those of a report; None if they may be."""
    counts, seen = {trial.id: 0 for trial in report.trials}, set()
    for row in rows:
        where = f"voice {row.voice!r}, probe {row.probe!r}, seed {row.seed}"
        if row.trial not in counts:
            return f"has a row of trial {row.trial!r}, which {REPORT_FILE} does not have"
        if (utterance := (row.trial, row.voice, row.probe, row.seed)) in seen:
            return f"has an utterance twice: trial {row.trial!r}, {where}"
        measured = [*row.scores.items(), *row.weights.items()]
        if large := next((name for name, value in measured if abs(value) > LARGEST), None):
            return f"says of {where} that {large!r} is beyond {LARGEST:g}, which nothing that is measured can be"
        seen.add(utterance)
        counts[row.trial] += 1
    if wrong := next((trial for trial in report.trials if counts[trial.id] != trial.n), None):
        return (
            f"has {counts[wrong.id]} rows of trial {wrong.id!r}, {REPORT_FILE} speaks of {wrong.n}: the two are not of "
            "one run, or one is damaged"
        )
    return None


def find_baseline(named: str, baselines: Path) -> Path:
    """Returns the folder of a baseline: a run's folder or report, else one that is kept under that name.

    Raises:
        DataError: There is neither, or what is kept is not what was.
    """
    path = Path(named)
    if _is_there(path / REPORT_FILE) or (path.name == REPORT_FILE and _is_there(path)):
        return path
    if not name_fault(named) and _is_there(baselines / named / REPORT_FILE):
        _require_whole(baselines / named)
        return baselines / named
    known = sorted(one.parent.name for one in baselines.glob(f"*/{REPORT_FILE}"))
    raise DataError(
        f"there is no run at {named!r}, and no baseline of that name below {baselines}; kept there: "
        f"{', '.join(known) or 'none'}; keep one: python -m evalkit gate RUN --update-baseline NAME --reason '...'"
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long a name, a folder that may not be looked into
        return False


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
    if fault := text_fault(reason):
        raise DataError(f"--reason {fault}")
    if run.report.status != "complete":
        raise DataError(f"{run.name} is {run.report.status}: only a complete run can be a baseline")
    folder = baselines / name
    text = read_text(Path(run.name) / REPORT_FILE, "report", most=LONGEST_REPORT)
    rows = "".join(f"{row_line(row)}\n" for row in run.rows)
    about = {
        "name": name,
        "kept": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "by": _who(),
        "reason": reason.strip(),
        "run_id": run.report.run_id,
        "report_sha256": _sha256(text),
        "rows_sha256": _sha256(rows),
        "replaced": _run_kept(folder),
    }
    write_text(folder / ROWS_FILE, rows)
    write_text(folder / REPORT_FILE, text)
    write_text(folder / ABOUT_FILE, json.dumps(about, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    return folder


def _run_kept(folder: Path) -> str | None:
    """Returns the run that a baseline holds; None where there is none, or one that cannot be read."""
    try:
        return read_report(folder).run_id
    except DataError:  # a damaged one is kept anew, too
        return None


def _require_whole(folder: Path) -> None:
    """Does nothing if a kept baseline is what was kept.

    Raises:
        DataError: It is not, or nothing says what was.
    """
    try:
        about = json.loads(read_text(folder / ABOUT_FILE, "record of a baseline"))
        told = {name: about[key] for name, key in ((REPORT_FILE, "report_sha256"), (ROWS_FILE, "rows_sha256"))}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{folder / ABOUT_FILE} does not say what was kept; keep the baseline anew") from error
    for name, sha256 in told.items():
        if _sha256(read_text(folder / name, "baseline", most=LONGEST_REPORT)) != sha256:
            raise DataError(f"{folder / name} is not what was kept as a baseline; bring it back, or keep one anew")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _who() -> str:
    """Returns who keeps a baseline: as git knows them, else the user's name."""
    try:
        done = subprocess.run(
            ["git", "config", "user.name"], capture_output=True, text=True, errors="replace", check=False
        )
        return visible(done.stdout.strip() or getpass.getuser())
    except (OSError, KeyError):
        return "unknown"
