"""The plan as a table: what `dry_run=true` prints."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from evalkit.analysis.findings import plain
from evalkit.pipeline.plan import Plan
from evalkit.reports.terminal import rendered
from evalkit.trial import varying_settings


def plan_table(plan: Plan, cached: int, missing: Sequence[str]) -> str:
    """Returns the plan: cells, utterances, what is cached and to do, and the weights that are missing."""
    varying = varying_settings(plan.trials)
    table = Table(box=None, pad_edge=False)
    table.add_column("trial")
    for key in varying:
        table.add_column(key, justify="right")
    for trial in plan.trials:
        values = {"engine": trial.engine, **trial.settings}
        table.add_row(trial.id, *(escape(plain(values.get(key))) for key in varying))
    per_cell = plan.size // len(plan.cells)
    lines = [
        f"{plan.name}: {plan.question}",
        rendered(table),
        f"{len(plan.cells)} trials x {per_cell} utterances = {plan.size}: {cached} cached, {plan.size - cached} to do",
        f"voices: {', '.join(voice.name for voice in plan.voices)}",
        f"probes: {', '.join(probe.id for probe in plan.probes.probes)} "
        f"({plan.probes.name}, version {plan.probes.version})",
        f"judges: {', '.join(judge.name for judge in plan.judges.all)}",
    ]
    if missing:
        lines.append(f"weights missing: {', '.join(missing)}; type: python -m evalkit fetch {' '.join(missing)}")
    else:
        lines.append("weights missing: none")
    return "\n".join(lines)
