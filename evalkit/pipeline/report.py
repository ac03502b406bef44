"""The report of a run: begun before any work, and filled with the numbers of the rows so far."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from evalkit import provenance
from evalkit.analysis import findings, summary
from evalkit.analysis.calibration import mean_ends
from evalkit.analysis.concordance import concordance
from evalkit.analysis.findings import Question
from evalkit.analysis.scores import Columns, tabulated
from evalkit.engines.base import memory
from evalkit.metrics.scoring import metric_records
from evalkit.pipeline.closed_loop import is_its_own_judge
from evalkit.pipeline.evidence import Yardsticks
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.workspace import Workspace
from evalkit.record import Cost, Provenance, Report, Status, TrialSummary
from evalkit.row import Row
from evalkit.trial import varying_settings


def begun(plan: Plan, run_id: str, command: str) -> Report:
    """Returns the report of a run that has not begun: should it never end, this says what was wanted."""
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
            judges={**plan.judged_by(), "ears": plan.ears.fingerprint()},
            seeds=list(plan.seeds),
        ),
        config=plan.config,
        metrics=metric_records(judges.metrics, judges.asr.name),
        baseline=plan.decision.baseline,
        primary=plan.decision.primary,
        guards=list(plan.decision.guards),
        varying=varying_settings(plan.trials),
        notes=[
            *plan.remarks,
            *(
                f"voice {voice.name}: no held-out clip, so that its sim is against its own prompt clips: who copies "
                "them would win, and it takes no part in comparisons of sim; keep clips aside: held_out/, or "
                "use: held_out"
                for voice in plan.voices
                if not voice.held_out_clips
            ),
            *_of_itself(plan),
            *_of_languages(plan),
        ],
    )


def _of_languages(plan: Plan) -> list[str]:
    return [
        f"language {code}: the table of languages lacks it, so that rates, normaliser and counts of words are those of "
        "any language with spaces between words; it can be added, see docs/languages.md"
        for code in plan.languages.unknown(plan.codes)
    ]


def _of_itself(plan: Plan) -> list[str]:
    if not is_its_own_judge(plan):
        return []
    return [
        f"prompt.text=closed_loop: its words are chosen with the encoder ({plan.judges.speakers[0].name}) and the "
        "clips that score them, so its sim flatters; with two encoders (judge.speakers) the other one chooses"
    ]


def calibrated(report: Report, yardsticks: Yardsticks) -> Report:
    """Returns the report with what scores can be, and notes on voices and judges that cannot be relied on."""
    return replace(
        report,
        calibration=yardsticks.calibration,
        encoders=yardsticks.encoders,
        recordings=yardsticks.addresses,
        notes=[*report.notes, *yardsticks.remarks, *yardsticks.doubts],
    )


def with_numbers(report: Report, plan: Plan, rows: Sequence[Row], status: Status) -> Report:
    """Returns the report with the numbers of rows, which may be all or those so far."""
    columns = tabulated(rows, [trial.id for trial in plan.trials])
    found = summary.numbers(plan.trials, columns, report.metrics, plan.decision.baseline)
    scored = any(row.state == "scored" for row in rows)
    report = replace(
        report,
        status=status if scored or status == "interrupted" else "failed",
        trials=found.trials,
        comparisons=found.comparisons,
        baseline=found.baseline,
        notes=[*report.notes, *_gaps(rows), *_replaced(found.trials, plan, found.baseline)],
    )
    if found.baseline is None:
        return replace(report, finding="Nothing could be scored." if status != "interrupted" else "")
    return _decided(report, plan, columns, found.baseline)


def _decided(report: Report, plan: Plan, columns: Columns, baseline: str) -> Report:
    """Returns the report with its best trial, and the finding in a sentence."""
    primary = report.metrics[report.primary]
    question = Question(
        baseline,
        report.primary,
        higher_is_better=bool(primary.higher_is_better),
        guards={guard: bool(report.metrics[guard].higher_is_better) for guard in report.guards},
        varying=report.varying,
        left_out=sorted(columns.heard) if primary.compares_with == "references" else (),
        ends=mean_ends(report.calibration.values(), primary.judge) if primary.unit == "cosine" else None,
    )
    best = findings.leader(report.trials, report.comparisons, question)
    ahead = [one.trial for one in findings.ahead_of_baseline(report.trials, report.comparisons, question)]
    rivals = summary.not_told_apart(best, ahead, columns, report.primary, primary) if best else []
    others = [speaker.name for speaker in plan.judges.speakers[1:]]
    agreed = concordance(report.trials, report.comparisons, others, best if report.primary == "sim" else None)
    sentence = findings.find(report.trials, report.comparisons, rivals, question) + findings.contest(agreed)
    return replace(report, best=best, concordance=agreed, finding=sentence)


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


def _gaps(rows: Sequence[Row]) -> list[str]:
    """Returns a sentence for each metric that could not be taken everywhere, with the first reason."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        for metric, reason in row.missing.items():
            reasons.setdefault(metric, []).append(reason)
    return [f"{metric} is missing in {len(found)} rows: {found[0]}" for metric, found in reasons.items()]


def _replaced(trials: Sequence[TrialSummary], plan: Plan, baseline: str | None) -> list[str]:
    if baseline == plan.decision.baseline:
        return []
    named = {trial.id: trial for trial in trials}
    other = None if baseline is None else named[baseline]
    return [findings.replaced(named[plan.decision.baseline], other, varying_settings(plan.trials))]


def cost_of(workspace: Workspace, rows: Sequence[Row], wall_seconds: float) -> Cost:
    """Returns what a run cost."""
    made = sum(not row.cached and row.audio is not None for row in rows)
    inside = workspace.clock.model_seconds
    return Cost(
        wall_seconds=wall_seconds,
        model_seconds=inside,
        overhead=1 - inside / wall_seconds if made else None,
        peak_memory_bytes=memory()[0],
        synthesised=made,
        cached=sum(row.cached for row in rows),
    )
