"""Tables for the terminal."""

import io
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evalkit.analysis.findings import plain
from evalkit.record import Report, Row, TrialSummary
from evalkit.trial import Trial, varying_settings

SHOWN = ("sim", "wer", "rtf")  # beside what the sweep decides by


def result_table(report: Report, rows: Sequence[Row]) -> str:
    """Returns a row a trial: its settings, n, how many failed or are flagged, its main scores with their intervals.

    How many were not run has a column where some were not.
    """
    flagged = Counter(row.trial for row in rows if row.flags)
    varying = _varying(report.trials)
    metrics = list(dict.fromkeys([report.primary, *report.guards, *SHOWN]))
    is_whole = not any(trial.n_not_run for trial in report.trials)
    table = Table(box=None, pad_edge=False)
    for heading in [*(varying or ["trial"]), "n", "failed", *([] if is_whole else ["not run"]), "flagged"]:
        table.add_column(heading, justify="right")
    for metric in metrics:
        table.add_column(metric.upper(), justify="right")
    for trial in report.trials:
        values = {"engine": trial.engine, **trial.settings}
        names = [plain(values.get(key)) for key in varying] or [trial.id]
        scores = [_score(trial, metric) for metric in metrics]
        counts = [trial.n, trial.n_failed, *([] if is_whole else [trial.n_not_run]), flagged[trial.id]]
        table.add_row(*(escape(name) for name in names), *map(str, counts), *scores)
    return rendered(table)


def calibration_table(report: Report) -> str:
    """Returns a row a voice: what scores of its own recordings are, by which the others are to be read."""
    encoders = list(report.encoders)
    table = Table(box=None, pad_edge=False)
    table.add_column("voice")
    for encoder in encoders:
        table.add_column(f"{encoder} floor", justify="right")
        table.add_column("ceiling", justify="right")
    table.add_column("ASR WER", justify="right")
    for name, one in report.calibration.items():
        ends = [one.speakers.get(encoder) for encoder in encoders]
        cells = [value for end in ends for value in ((end.floor, end.ceiling) if end else (None, None))]
        table.add_row(escape(name), *(_number(value) for value in [*cells, one.asr_wer]))
    errors = [
        f"{name}: equal error rate {_number(one.eer)} "
        f"over {one.n_same} pairs of one speaker and {one.n_different} of two"
        for name, one in report.encoders.items()
        if one is not None
    ]
    return "\n".join([rendered(table), *errors])


def concordance_lines(report: Report) -> list[str]:
    """Returns a line for each encoder beside the primary one: how alike it ranks the trials."""
    return [
        f"{one.encoder}: Kendall's tau {_number(one.tau)} with the primary encoder's ranks, "
        f"{len(one.moved)} trials moved"
        for one in report.concordance
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def plain_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns text in columns; the last one may be long and is never folded."""
    widths = [max(len(row[column]) for row in [headings, *rows]) for column in range(len(headings) - 1)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in [headings, *rows]
    ]
    return "\n".join(lines)


def _varying(trials: Sequence[TrialSummary]) -> list[str]:
    return varying_settings([Trial(trial.id, trial.engine, trial.settings) for trial in trials])


def _score(trial: TrialSummary, metric: str) -> str:
    summary = trial.summary.get(metric)
    if summary is None or summary.value is None:
        return "-"
    if metric == "rtf":
        return f"{summary.value:.2f}"
    if summary.low is None or summary.high is None:
        return f"{summary.value:.3f}"
    return f"{summary.value:.3f} [{summary.low:.3f}, {summary.high:.3f}]"


def rendered(table: Table) -> str:
    """Returns a table as text, as wide as it must be."""
    page = io.StringIO()
    Console(file=page, width=400).print(table)  # as wide as it must be: a folded table cannot be read
    return "\n".join(line.rstrip() for line in page.getvalue().rstrip().splitlines())
