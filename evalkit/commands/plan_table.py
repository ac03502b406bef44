"""The plan as a table: what `dry_run=true` prints."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from evalkit.analysis.findings import plain
from evalkit.analysis.power import POWER, Size, smallest, spreads_in
from evalkit.config.schema import PowerConfig
from evalkit.errors import DataError
from evalkit.pipeline.plan import Plan
from evalkit.record import Spreads, TrialSummary
from evalkit.reports.files import REPORT_FILE, read_report
from evalkit.reports.layout import aligned, fits, folded, terminal_width
from evalkit.reports.terminal import settings_told, short_names
from evalkit.resources import locate
from evalkit.trial import values_of, varying_settings


def plan_table(plan: Plan, cached: int, missing: Sequence[str], power: str) -> str:
    """Returns the plan: cells, utterances, what is cached and to do, the weights that are missing, and its power."""
    width, per_cell = terminal_width(), plan.size // len(plan.cells)
    versions = dict.fromkeys(f"{trial.engine} version {trial.version}" for trial in plan.trials)
    told = [
        f"{len(plan.cells)} trials x {per_cell} utterances = {plan.size}: {cached} cached, {plan.size - cached} to do",
        f"engines: {', '.join(versions)}",
        f"voices: {', '.join(voice.name for voice in plan.voices)}",
        f"probes: {', '.join(probe.id for probe in plan.probes.probes)} "
        f"({plan.probes.name}, version {plan.probes.version})",
        f"judges: {', '.join(judge.name for judge in plan.judges.all)}",
        power,
        f"weights missing: {', '.join(missing)}; type: python -m evalkit fetch {' '.join(missing)}"
        if missing
        else "weights missing: none",
    ]
    told += [f"note: {remark}" for remark in plan.remarks]
    lines = [*folded(f"{plan.name}: {plan.question}", width), *_trials(plan, width)]
    return "\n".join([*lines, *(line for one in told for line in folded(one, width, "", "  "))])


def _trials(plan: Plan, width: int) -> list[str]:
    """Returns a column a setting, or each trial's settings below its name where that is too wide."""
    trials = [TrialSummary(one.id, one.engine, one.settings, 0, 0, {}, version=one.version) for one in plan.trials]
    names = varying_settings(plan.trials)
    rows = [[trial.id, *(plain(values_of(trial).get(name)) for name in names)] for trial in plan.trials]
    for shown in (names, short_names(names)):
        if fits(table := aligned(["trial", *shown], rows), width):
            return table
    told = [(trial.id, settings_told(trial, trials, plan.decision.baseline, names)) for trial in trials]
    return [line for id, settings in told for line in [id, *folded(settings, width, "    ")]]


def power_told(plan: Plan, config: PowerConfig, reports: Path) -> str:
    """Returns a sentence on the smallest difference in the primary metric that the plan can tell, and by whose spreads.

    Args:
        plan: The plan.
        config: Which report or spreads to go by.
        reports: Folder of the sweep's reports.

    Raises:
        DataError: The report that was named is none.
    """
    metric, comparisons = plan.decision.primary, len(plan.cells) - 1
    if comparisons < 1:
        return "smallest difference: one trial, nothing to compare"
    spreads, source = _spreads(metric, config, reports)
    if spreads is None:
        return f"smallest difference: not known, no run of this sweep says what {metric} spreads by (power.report=DIR)"
    told = smallest(spreads, Size(len(plan.voices), len(plan.probes.probes), len(plan.seeds)), comparisons)
    if told is None:
        return "smallest difference: one voice or one text says nothing of others, whatever is found is of this panel"
    record = next(one for one in plan.judges.metrics if one.name == metric)
    if told > record.bounds[1] - record.bounds[0]:
        few = f"{len(plan.voices)} voices and {len(plan.probes.probes)} texts"
        return f"smallest difference: {few} are too few to tell any in {metric.upper()}"
    return (
        f"smallest difference in {metric.upper()} that {POWER:.0%} of such sweeps tell: {told:.3f} {record.unit} (for "
        f"new voices and texts, {comparisons} at once; spreads of {source})"
    )


def _spreads(metric: str, config: PowerConfig, reports: Path) -> tuple[Spreads | None, str]:
    if config.report is not None:
        path = locate(config.report)
        return spreads_in(read_report(path.parent if path.name == REPORT_FILE else path), metric), config.report
    for folder in sorted((path.parent for path in reports.glob(f"*/{REPORT_FILE}")), reverse=True):
        with suppress(DataError):  # somebody else's file; what runs leave can be read
            if spreads := spreads_in(read_report(folder), metric):
                return spreads, str(folder)
    return config.spreads.get(metric), "configs/run.yaml (power.spreads)"
