"""Runs written by hand: reports and rows without a model, as tests of comparing and gating need them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.analysis.pairing import Run
from evalkit.record import MetricRecord, Provenance, Report, TrialSummary
from evalkit.reports.files import write_report, write_rows
from evalkit.row import ErrorRecord, Row

SIM = MetricRecord("cosine", True, "hum", (-1.0, 1.0))
WER = MetricRecord("ratio", False, "whistle", (0.0, None), "reference words")
FAILED = MetricRecord("share", False, None, (0.0, 1.0), counts=True)
RTF = MetricRecord("ratio", False, None, (0.0, None), "audio seconds")
METRICS = {"failed": FAILED, "sim": SIM, "wer": WER, "rtf": RTF}

TOLD: Mapping[str, Any] = {
    "command": "python -m evalkit run",
    "commit": None,
    "dirty": None,
    "python": "3",
    "platform": "Linux x",
    "device": "cpu",
    "packages": {},
    "engines": {"e": {"revision": 1}},
    "judges": {"asr": {"judge": "whistle"}},
    "seeds": [0],
}

Table = Sequence[Sequence[float | None]]  # voices x probes; None: failed


def rows_of(trial: str, tables: Mapping[str, Table], *, seed: int = 0, **changes: Any) -> list[Row]:
    """Returns a row a cell, with each table's number as the score of that name; a cell that is None has failed."""
    shape = [range(len(axis)) for axis in (next(iter(tables.values())), next(iter(tables.values()))[0])]
    found = []
    for voice in shape[0]:
        for probe in shape[1]:
            scores = {name: table[voice][probe] for name, table in tables.items()}
            given = {"trial": trial, "engine": "e", "settings": {}, "voice": f"v{voice}", "probe": f"p{probe}"}
            row = Row(**{**given, "seed": seed, "language": "en", "text": f"text {probe}", **changes})
            if any(value is None for value in scores.values()):
                found.append(replace(row, state="failed", error=ErrorRecord("E", "m")))
            else:
                found.append(replace(row, scores=scores))
    return found


def run_of(
    rows: Sequence[Row],
    name: str = "run",
    *,
    trials: Mapping[str, Mapping[str, Any]] | None = None,
    told: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Run:
    """Returns a run of rows.

    Args:
        rows: Of it.
        name: Of it.
        trials: Settings by trial; else one without any.
        told: What differs in its provenance.
        changes: What differs in its report; `version` is every trial's.
    """
    version = changes.pop("version", "1")
    provenance = Provenance(**{**TOLD, **(told or {})})
    summaries = [
        TrialSummary(id, "e", settings, sum(row.trial == id for row in rows), 0, {}, version=version)
        for id, settings in (trials or {"t": {}}).items()
    ]
    voices = {row.voice: [f"{row.voice}a", f"{row.voice}b"] for row in rows}
    given = {
        "run_id": name,
        "plan": "",
        "sweep": "s",
        "question": "",
        "created": "",
        "status": "complete",
        "config": {},
    }
    given |= {"metrics": METRICS, "trials": summaries, "recordings": voices, "provenance": provenance}
    return Run(name, Report(**{**given, **changes}), rows)


def written(run: Run, folder: Path) -> Path:
    """Writes a run's files; returns their folder."""
    folder.mkdir(parents=True)
    write_report(folder, run.report)
    write_rows(folder, run.rows)
    return folder
