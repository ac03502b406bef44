"""The plan as a table: what `dry_run=true` prints."""

from collections.abc import Sequence

from evalkit.analysis.findings import plain
from evalkit.pipeline.plan import Plan
from evalkit.record import TrialSummary
from evalkit.reports.layout import aligned, fits, folded, terminal_width
from evalkit.reports.terminal import settings_told, short_names
from evalkit.trial import varying_settings


def plan_table(plan: Plan, cached: int, missing: Sequence[str]) -> str:
    """Returns the plan: cells, utterances, what is cached and to do, and the weights that are missing."""
    width, per_cell = terminal_width(), plan.size // len(plan.cells)
    versions = dict.fromkeys(f"{trial.engine} version {trial.version}" for trial in plan.trials)
    told = [
        f"{len(plan.cells)} trials x {per_cell} utterances = {plan.size}: {cached} cached, {plan.size - cached} to do",
        f"engines: {', '.join(versions)}",
        f"voices: {', '.join(voice.name for voice in plan.voices)}",
        f"probes: {', '.join(probe.id for probe in plan.probes.probes)} "
        f"({plan.probes.name}, version {plan.probes.version})",
        f"judges: {', '.join(judge.name for judge in plan.judges.all)}",
        f"weights missing: {', '.join(missing)}; type: python -m evalkit fetch {' '.join(missing)}"
        if missing
        else "weights missing: none",
    ]
    told += [f"note: {remark}" for remark in plan.remarks]
    lines = [*folded(f"{plan.name}: {plan.question}", width), *_trials(plan, width)]
    return "\n".join([*lines, *(line for one in told for line in folded(one, width, "", "  "))])


def _trials(plan: Plan, width: int) -> list[str]:
    """Returns a column a setting, or each trial's settings below its name where that is too wide."""
    trials = [TrialSummary(one.id, one.engine, one.settings, 0, 0, {}) for one in plan.trials]
    names = varying_settings(plan.trials)
    values = [{"engine": trial.engine, **trial.settings} for trial in trials]
    rows = [[trial.id, *(plain(own.get(name)) for name in names)] for trial, own in zip(trials, values, strict=True)]
    for shown in (names, short_names(names)):
        if fits(table := aligned(["trial", *shown], rows), width):
            return table
    told = [(trial.id, settings_told(trial, trials, plan.decision.baseline, names)) for trial in trials]
    return [line for id, settings in told for line in [id, *folded(settings, width, "    ")]]
