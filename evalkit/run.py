"""A run: from a plan, through the stages, to rows and a report."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalkit import findings, provenance, scoring
from evalkit.agreement import agreement
from evalkit.calibration import doubts
from evalkit.engines.base import memory
from evalkit.errors import NothingScoredError
from evalkit.judged import Judged, judge
from evalkit.plan import Plan
from evalkit.prompt import Prompt
from evalkit.prompting import make_prompts, notes_on
from evalkit.report import Cost, Provenance, Report, Row
from evalkit.report_files import write_report, write_rows
from evalkit.rows import Context, entries_of, prompt_words, row_of
from evalkit.stages import Bench, Failure, synthesise
from evalkit.trial import varying_settings


@dataclass(frozen=True)
class Outcome:
    """A finished run."""

    report: Report
    rows: list[Row]


def execute(plan: Plan, bench: Bench, folder: Path, books: Path, command: str, *, started: float) -> Outcome:
    """Runs a plan into `folder`.

    A report with the status `interrupted` is there from the start: whatever stops the process, the same command finds
    it and goes on.

    Args:
        plan: What to do.
        bench: Store and display.
        folder: The run's own.
        books: Folder of the voices' reference texts.
        command: As typed, for the record.
        started: `time.perf_counter()` when the command began, so that its cost counts the start-up too.

    Raises:
        NothingScoredError: Every utterance failed; report and rows are written all the same.
    """
    report = _unfinished(plan, bench.run_id, command)
    write_report(folder, report)
    prompts = make_prompts(plan, bench, books)
    for note in (doubts := notes_on(plan, prompts)):
        bench.display.say(note)
    report = replace(report, notes=[*report.notes, *doubts])
    entries = entries_of(plan, prompts)
    failures = synthesise(bench, {entry.key: entry.job for entry in entries if entry.job})
    judged = judge(
        plan,
        bench,
        {entry.key: entry.probe.language for entry in entries if entry.job and entry.key not in failures},
        {entry.prompt.audio.sha256: entry.prompt for entry in entries if isinstance(entry.prompt, Prompt)},
    )
    context = Context(judged, failures, prompt_words(entries, plan.judges.normalizer), bench)
    rows = write_rows(folder, (row_of(entry, context) for entry in entries))
    report = _calibrated(report, judged, bench)
    finished = replace(_with_numbers(report, plan, rows), cost=_cost(bench, rows, time.perf_counter() - started))
    write_report(folder, finished)
    if finished.status == "failed":
        raise NothingScoredError(_nothing_scored(rows, folder))
    return Outcome(finished, rows)


def _unfinished(plan: Plan, run_id: str, command: str) -> Report:
    commit, dirty = provenance.commit()
    judges = plan.judges
    return Report(
        run_id=run_id,
        plan=plan.sha256,
        sweep=plan.name,
        question=plan.question,
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        status="interrupted",
        provenance=Provenance(
            command=command,
            commit=commit,
            dirty=dirty,
            python=provenance.python(),
            platform=provenance.machine(),
            device=plan.device,
            packages=provenance.packages(),
            engines=_engines(plan),
            judges={**judges.fingerprint(), "reference": plan.reference.fingerprint()},
            seeds=list(plan.seeds),
        ),
        config=plan.config,
        metrics=scoring.metric_records(judges.metrics, judges.asr.name),
        notes=_notes(plan),
    )


def _engines(plan: Plan) -> dict[str, Any]:
    """Returns each engine's identity by name; where knobs change its weights, the others by name and trial."""
    found: dict[str, Any] = {}
    for cell in plan.cells:
        identity = _without_knobs(cell.engine.fingerprint())
        if identity not in found.values():
            name = cell.engine.name
            found[f"{name} in {cell.trial.id}" if name in found else name] = identity
    return found


def _without_knobs(fingerprint: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fingerprint.items() if key != "knobs"}  # each trial has its own


def _notes(plan: Plan) -> list[str]:
    return [
        f"voice {voice.name}: no held-out clip; sim is against its own prompt clips, which favours copying them"
        for voice in plan.voices
        if not voice.held_out_clips
    ]


def _calibrated(report: Report, judged: Judged, bench: Bench) -> Report:
    """Returns the report with what scores can be, and with notes on voices and judges that cannot be relied on."""
    found = [*judged.unread, *(note for name, one in judged.calibration.items() for note in doubts(name, one))]
    for model, opinions in judged.quality.items():
        if refused := [opinion for opinion in opinions.values() if isinstance(opinion, Failure)]:
            found.append(f"{model} could not score {len(refused)} of {len(opinions)} syntheses: {refused[0].message}")
    for note in found:
        bench.display.say(note)
    return replace(report, calibration=judged.calibration, encoders=judged.encoders, notes=[*report.notes, *found])


def _with_numbers(report: Report, plan: Plan, rows: list[Row]) -> Report:
    metrics = plan.judges.metrics
    trials = scoring.summarise(plan.trials, rows, metrics)
    comparisons = scoring.compare_with_first(plan.trials, rows, metrics) if len(trials) > 1 else []
    best = findings.leader(comparisons)
    ahead = [comparison.trial for comparison in findings.ahead_of_first(comparisons)]
    rivals = scoring.not_told_apart(best, ahead, rows, findings.PRIMARY) if best else []
    others = [speaker.name for speaker in plan.judges.speakers[1:]]
    agreed = agreement(trials, comparisons, others, best)
    sentence = findings.find(trials, comparisons, rivals, varying_settings(plan.trials))
    sentence += findings.contest(agreed)
    scored = any(row.error is None for row in rows)
    return replace(
        report,
        status="complete" if scored else "failed",
        trials=trials,
        comparisons=comparisons,
        best=best,
        agreement=agreed,
        finding=sentence if scored else "Nothing could be scored.",
    )


def _cost(bench: Bench, rows: list[Row], wall_seconds: float) -> Cost:
    made = sum(not row.cached and row.audio is not None for row in rows)
    return Cost(
        wall_seconds=wall_seconds,
        model_seconds=bench.clock.model_seconds,
        overhead=1 - bench.clock.model_seconds / wall_seconds if made else None,
        peak_memory_bytes=memory()[0],
        synthesised=made,
        cached=sum(row.cached for row in rows),
    )


def _nothing_scored(rows: list[Row], folder: Path) -> str:
    first = next(row.error for row in rows if row.error)
    return (
        f"nothing could be scored: all {len(rows)} utterances failed, "
        f"the first with {first.type}: {first.message}; the rows are in {folder}"
    )
