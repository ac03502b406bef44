"""Tables for the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evalkit.findings import plain
from evalkit.plan import Plan
from evalkit.report import Report, TrialSummary
from evalkit.trial import Trial, varying_settings

COLUMNS = (("sim", "SIM", ".3f"), ("wer", "WER", ".3f"), ("rtf", "RTF", ".2f"))


def result_table(report: Report) -> str:
    """Returns a row a trial: its settings, n, failed, and its main scores with their intervals."""
    varying = _varying(report.trials)
    table = Table(box=None, pad_edge=False)
    for key in varying or ["trial"]:
        table.add_column(key, justify="right")
    for heading in ("n", "failed", *(heading for _, heading, _ in COLUMNS)):
        table.add_column(heading, justify="right")
    for trial in report.trials:
        values = {"engine": trial.engine, **trial.settings}
        names = [plain(values.get(key)) for key in varying] or [trial.id]
        scores = [_score(trial, metric, form) for metric, _, form in COLUMNS]
        table.add_row(*(escape(name) for name in names), str(trial.n), str(trial.n_failed), *scores)
    return _render(table)


def plain_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns text in columns; the last one may be long and is never folded."""
    widths = [max(len(row[column]) for row in [headings, *rows]) for column in range(len(headings) - 1)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in [headings, *rows]
    ]
    return "\n".join(lines)


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
        _render(table),
        f"{len(plan.cells)} trials x {per_cell} utterances = {plan.size}: {cached} cached, {plan.size - cached} to do",
        f"voices: {', '.join(voice.name for voice in plan.voices)}",
        f"probes: {', '.join(probe.id for probe in plan.probes.probes)} "
        f"({plan.probes.name}, version {plan.probes.version})",
        f"judges: {plan.judges.speaker.name}, {plan.judges.asr.name}",
    ]
    if missing:
        lines.append(f"weights missing: {', '.join(missing)}; type: python -m evalkit fetch {' '.join(missing)}")
    else:
        lines.append("weights missing: none")
    return "\n".join(lines)


def _varying(trials: Sequence[TrialSummary]) -> list[str]:
    return varying_settings([Trial(trial.id, trial.engine, trial.settings) for trial in trials])


def _score(trial: TrialSummary, metric: str, form: str) -> str:
    summary = trial.summary.get(metric)
    if summary is None or summary.value is None:
        return "-"
    if metric == "rtf" or summary.low is None or summary.high is None:
        return format(summary.value, form)
    return f"{summary.value:{form}} [{summary.low:{form}}, {summary.high:{form}}]"


def _render(table: Table) -> str:
    console = Console(width=400)  # as wide as it must be: a folded table cannot be read
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())
