"""The last verdict of a gate over a run, kept beside its report, so that whoever reads the run sees it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass as validated

from evalkit.analysis.verdicts import State
from evalkit.errors import DataError
from evalkit.reports.baselines import ABOUT_FILE
from evalkit.reports.files import strict_json, write_data
from evalkit.row import Number
from evalkit.textfile import read_text

GATE_FILE = "gate.json"
VERSION = 1
_READ = ConfigDict(extra="ignore")


@validated(frozen=True, config=_READ)
class KeptVerdict:
    """What a gate said of a metric; fields as in `analysis.verdicts.Verdict`."""

    metric: str
    state: State
    worsening: Number | None = None
    low: Number | None = None
    high: Number | None = None
    margin: Number | None = None


@validated(frozen=True, config=_READ)
class KeptGate:
    """What a gate said of a run, when, and against which baseline."""

    schema_version: int
    baseline_run: str
    candidate_run: str
    gated: str
    state: State
    sentence: str
    verdicts: list[KeptVerdict]


def keep_gate(folder: Path, told: Mapping[str, Any]) -> None:
    """Writes a verdict beside the report of the candidate, in place of an earlier one.

    A kept baseline stays as it was kept.

    Args:
        folder: The candidate's.
        told: The verdict as `decisions.gate_data` gives it, its numbers rounded.

    Raises:
        StorageError: The disk refused.
    """
    if (folder / ABOUT_FILE).exists():
        return
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = {**told, "schema_version": VERSION, "gated": now}
    write_data(folder / GATE_FILE, content)


def read_gate(folder: Path, run_id: str) -> KeptGate | None:
    """Returns the verdict that was kept of a run; None where there is none, or it is another run's.

    Raises:
        DataError: What lies there is no verdict.
    """
    path = folder / GATE_FILE
    if not path.exists():
        return None
    try:
        kept = _KEPT.validate_python(strict_json(read_text(path, "verdict")))
    except ValueError as error:
        raise DataError(f"{path} is not a verdict that `gate` wrote; delete it, and gate the run again") from error
    return kept if kept.schema_version == VERSION and kept.candidate_run == run_id else None


_KEPT: TypeAdapter[KeptGate] = TypeAdapter(KeptGate)
