"""A run as Markdown: the tables and sentences that it ended with, for an issue or a pull request."""

from evalkit.analysis.findings import is_told, label
from evalkit.analysis.pairing import Run
from evalkit.record import Comparison, Report
from evalkit.reports.decisions import ends, line, markdown, signed
from evalkit.reports.terminal import result_cells, result_notes, settings_told, varying_in
from evalkit.row import FAILED

COMPARED = ("trial", "metric", "difference", "95 % interval", "pairs")
WHICH = "those of what the sweep decides by and of its guards, and whatever else is told: its interval excludes 0 (*)"
MINUS = "differences are trial minus baseline, over the utterances that both scored"


def run_markdown(run: Run) -> str:
    """Returns a run's trials with intervals, its finding and notes, and the comparisons that matter, as Markdown."""
    report, rows = run.report, run.rows
    headings, cells = result_cells(report, rows)
    sentences = [report.question, report.finding, *result_notes(report, rows), *report.notes]
    parts = [markdown(f"{report.sweep} {report.run_id}", headings, cells, [one for one in sentences if one.strip()])]
    if shown := _shown(report):
        cells = [_cells(one, report) for one in shown]
        parts.append(markdown("Compared with the baseline", COMPARED, cells, _notes(report)))
    return "\n".join(parts)


def _shown(report: Report) -> list[Comparison]:
    always = {report.primary, *report.guards}
    return [one for one in report.comparisons if one.metric in always or _is_told(one) or _failed_otherwise(one)]


def _failed_otherwise(one: Comparison) -> bool:
    return one.metric == FAILED and one.difference != 0


def _is_told(one: Comparison) -> bool:
    return is_told(one, 1) or is_told(one, -1)


def _cells(one: Comparison, report: Report) -> list[str]:
    pairs = f"{one.n_pairs}{'*' if _is_told(one) else ''}"
    return [_name(one.trial, report), line(one.metric), signed(one.difference), ends(one.low, one.high), pairs]


def _name(trial: str, report: Report) -> str:
    trials = {one.id: one for one in report.trials}
    own, base = trials.get(trial), trials.get(report.baseline or "")
    return label(own, base, varying_in(report)) if own and base else trial


def _notes(report: Report) -> list[str]:
    base = [trial for trial in report.trials if trial.id == report.baseline]
    named = [settings_told(trial, report.trials, trial.id, varying_in(report)) for trial in base]
    return [*named, MINUS, f"shown are {WHICH}"]
