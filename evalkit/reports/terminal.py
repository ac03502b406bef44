"""What a run says at its end: tables as wide as the terminal, and why utterances failed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from evalkit.analysis.calibration import is_no_better_than_chance
from evalkit.analysis.findings import SCOPES, label, plain
from evalkit.errors import form_of
from evalkit.metrics.speed import TIMINGS
from evalkit.record import FloorAndCeiling, Report, TrialSummary
from evalkit.reports.files import LOG_FILE, REPORT_FILE, ROWS_FILE
from evalkit.reports.layout import aligned, fits, fitted, folded, listed, terminal_width
from evalkit.row import PromptRecord, Row
from evalkit.trial import Trial, values_of, varying_settings

SHOWN = ("sim", "wer", "rtf")  # beside what the sweep decides by
LENGTH_SHOWN = "real s"  # of prompts, beside the length that was asked for
MISSED = 0.05  # share of its length by which a trial's prompts must miss it, on average over voices, to be told
NOT_TIMED = "cached"  # the sound is there, its time was taken by another run
MOST_REASONS = 5
BRACKETS = {
    "population": f"brackets: {SCOPES['population']}",
    "panel": f"brackets: {SCOPES['panel']}: one says nothing of others",
}
BASELINE = "baseline (the others where they differ): "


def closing_lines(report: Report, rows: Sequence[Row], folder: Path, width: int | None) -> list[str]:
    """Returns all that a run says at its end, in lines; the last one is the run's folder.

    Args:
        report: The run's.
        rows: The same.
        folder: Where both lie.
        width: Columns in which the finding is folded; None: it stays one line, for other programs.
    """
    lines = [result_table(report, rows), *failure_lines(rows, folder), ""]
    lines += [calibration_table(report), *concordance_lines(report)]
    if report.cost and report.cost.cached == len(rows):
        lines.append(f"Nothing was synthesised: all {report.cost.cached} utterances came from the store.")
    lines += [report.finding] if width is None else folded(report.finding, width)
    return "\n".join([*lines, f"report: {folder / REPORT_FILE}", str(folder)]).split("\n")


def result_table(report: Report, rows: Sequence[Row]) -> str:
    """Returns each trial's settings, n, how many failed or are flagged, its main scores with their intervals.

    How many were not run is said where some were not.
    """
    width, (headings, numbers) = terminal_width(), _numbers(report, rows)
    lines = _wide(report, headings, numbers, width) or _two_lines(report, headings, numbers, width)
    return "\n".join([*lines, *(part for note in result_notes(report, rows) for part in folded(note, width))])


def result_cells(report: Report, rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Returns the headings and rows of the same table, settings by their whole names, however wide that is."""
    names, (headings, numbers) = varying_in(report), _numbers(report, rows)
    values = [[plain(value) for value in _values(trial, names)] or [trial.id] for trial in report.trials]
    cells = [[*named, *numbers[trial.id]] for named, trial in zip(values, report.trials, strict=True)]
    return [*(names or ["trial"]), *headings], cells


def result_notes(report: Report, rows: Sequence[Row]) -> list[str]:
    """Returns what stands below that table: the engines' versions, and what the brackets are."""
    return [_versions(report.trials), *([_brackets(rows)] if rows else [])]


def _numbers(report: Report, rows: Sequence[Row]) -> tuple[list[str], dict[str, list[str]]]:
    """Returns headings, and below them what is known of each trial."""
    flagged = Counter(row.trial for row in rows if row.flags)
    cached = {row.trial for row in rows if row.cached}
    is_whole = not any(trial.n_not_run for trial in report.trials)
    metrics = list(dict.fromkeys([report.primary, *report.guards, *SHOWN]))
    real = _real_seconds(report.trials, rows)
    counted = ["n", "failed", *([] if is_whole else ["not run"]), "flagged", *(metric.upper() for metric in metrics)]
    numbers = {}
    for trial in report.trials:
        counts = [trial.n, trial.n_failed, *([] if is_whole else [trial.n_not_run]), flagged[trial.id]]
        scores = [_score(trial, metric, trial.id in cached) for metric in metrics]
        numbers[trial.id] = [*([real[trial.id]] if real else []), *map(str, counts), *scores]
    return [*([LENGTH_SHOWN] if real else []), *counted], numbers


def _brackets(rows: Sequence[Row]) -> str:
    alone = min(len({row.voice for row in rows}), len({row.probe for row in rows})) < 2
    return BRACKETS["panel" if alone else "population"]


def _real_seconds(trials: Sequence[TrialSummary], rows: Sequence[Row]) -> dict[str, str]:
    """Returns the mean length of each trial's prompts over voices; nothing if no trial's miss theirs."""
    prompts: dict[str, dict[str, PromptRecord]] = {}
    for row in rows:
        if row.prompt is not None:
            prompts.setdefault(row.trial, {})[row.voice] = row.prompt
    missed, shown = False, {}
    for trial in trials:
        own = prompts.get(trial.id, {}).values()
        misses = [abs(one.seconds / one.wanted_seconds - 1) for one in own if one.wanted_seconds]
        missed |= bool(misses) and sum(misses) / len(misses) > MISSED
        shown[trial.id] = f"{sum(one.seconds for one in own) / len(own):.1f}" if own else "-"
    return shown if missed else {}


def _wide(
    report: Report, headings: Sequence[str], numbers: Mapping[str, Sequence[str]], width: int
) -> list[str] | None:
    """Returns a table with a column a setting, by its whole name or its last part; None where neither fits."""
    names = varying_in(report)
    for shown in (names or ["trial"], short_names(names) or ["trial"]):
        values = [[plain(value) for value in _values(trial, names)] or [trial.id] for trial in report.trials]
        rows = [[*named, *numbers[trial.id]] for named, trial in zip(values, report.trials, strict=True)]
        if fits(table := aligned([*shown, *headings], rows, 0), width):
            return table
    return None


def _two_lines(report: Report, headings: Sequence[str], numbers: Mapping[str, Sequence[str]], width: int) -> list[str]:
    """Returns each trial's settings, and its numbers below them."""
    table = aligned(headings, [numbers[trial.id] for trial in report.trials], 0)
    narrow = fits(table, width - 2)
    lines = [f"  {table[0]}"] if narrow else []
    for trial, line in zip(report.trials, table[1:], strict=True):
        lines += folded(settings_told(trial, report.trials, report.baseline, varying_in(report)), width, "", "    ")
        lines += [f"  {line}"] if narrow else listed(headings, numbers[trial.id], width, "  ")
    return lines


def settings_told(
    trial: TrialSummary, trials: Sequence[TrialSummary], baseline: str | None, names: Sequence[str]
) -> str:
    """Returns a trial's settings: those in which it differs from the baseline's, which has all that vary."""
    base = next((one for one in trials if one.id == baseline), None)
    if base is not None and base.id != trial.id:
        return label(trial, base, names)
    whole = ", ".join(f"{name}={plain(value)}" for name, value in zip(names, _values(trial, names), strict=True))
    return f"{BASELINE if base and len(trials) > 1 else ''}{whole or trial.id}"


def varying_in(report: Report) -> list[str]:
    """Returns the settings that differ between trials; in the order of their names if nobody wrote down another."""
    found = varying_settings([Trial(trial.id, trial.engine, trial.settings, trial.version) for trial in report.trials])
    return [
        *(name for name in report.varying if name in found),
        *(name for name in found if name not in report.varying),
    ]


def short_names(names: Sequence[str]) -> list[str]:
    """Returns the last parts of settings' names; the whole of those that share it with another."""
    last = Counter(name.rpartition(".")[2] for name in names)
    return [short if last[short := name.rpartition(".")[2]] == 1 else name for name in names]


def _values(trial: TrialSummary, names: Sequence[str]) -> list[object]:
    values = values_of(trial)
    return [values.get(name) for name in names]


def _versions(trials: Sequence[TrialSummary]) -> str:
    versions = dict.fromkeys((trial.engine, trial.version) for trial in trials)
    told = ", ".join(f"{engine} version {version or 'unknown'}" for engine, version in versions)
    return f"{'engines' if len(versions) > 1 else 'engine'}: {told}"


def _score(trial: TrialSummary, metric: str, is_cached: bool) -> str:
    summary = trial.summary.get(metric)
    if summary is None or summary.value is None:
        return NOT_TIMED if is_cached and metric in TIMINGS else "-"
    if metric == "rtf":
        return f"{summary.value:.2f}"
    if summary.low is None or summary.high is None:
        return f"{summary.value:.3f}"
    return f"{summary.value:.3f} [{summary.low:.3f}, {summary.high:.3f}]"


def failure_lines(rows: Sequence[Row], folder: Path) -> list[str]:
    """Returns why utterances failed, by reason, and what is flagged in how many; nothing where nothing is."""
    wrong, width = [row for row in rows if row.state != "scored"], terminal_width()
    lines = _reasons(wrong, len(rows), folder, width) if wrong else []
    if flagged := sum(bool(row.flags) for row in rows):
        flags = Counter(flag for row in rows for flag in row.flags).most_common()
        told = ", ".join(f"{flag} {count}" for flag, count in flags)
        lines += folded(f"{flagged} of {len(rows)} utterances are flagged: {told}", width, "", "  ")
    return lines


def _reasons(wrong: Sequence[Row], total: int, folder: Path, width: int) -> list[str]:
    by_reason: dict[tuple[str, str, str], list[Row]] = {}
    for row in wrong:
        if row.error is not None:
            by_reason.setdefault((row.state, row.error.type, form_of(row.error.message)), []).append(row)
    reasons = sorted(by_reason.values(), key=len, reverse=True)
    lines = [f"{len(wrong)} of {total} utterances were not scored:"]
    for alike in reasons[:MOST_REASONS]:
        lines += folded(_reason(alike), width, f"{len(alike):5}  ", " " * 7)
    if more := reasons[MOST_REASONS:]:
        lines.append(f"{sum(map(len, more)):5}  for {len(more)} other reasons")
    where = f"tracebacks: {folder / LOG_FILE}; each utterance: {folder / ROWS_FILE}"
    return [*lines, *folded(where, width, " " * 7)]


def _reason(alike: Sequence[Row]) -> str:
    first, error = alike[0], alike[0].error
    message = " ".join(f"{error.type}: {error.message}".split()) if error else ""
    state = "not run, " if first.state == "not_run" else ""
    return f"{state}{message} (first: {first.trial}, voice {first.voice}, probe {first.probe}, seed {first.seed})"


def calibration_table(report: Report) -> str:
    """Returns a row a voice: what scores of its own recordings are, by which the others are to be read."""
    encoders, width = list(report.encoders), terminal_width()
    headings = ["voice", *(head for name in encoders for head in (f"{name} floor", "ceiling")), "ASR WER"]
    rows = [
        [name, *(value for encoder in encoders for value in _ends(one.speakers.get(encoder))), _number(one.asr_wer)]
        for name, one in report.calibration.items()
    ]
    table = aligned(headings, rows)
    if not fits(table, width):
        table = _by_encoder(report, width)
    return "\n".join([*table, *(line for told in encoder_lines(report) for line in folded(told, width, "", "  "))])


def _by_encoder(report: Report, width: int) -> list[str]:
    """Returns the same with a row for each voice and encoder."""
    rows = [
        [name, encoder, *_ends(one.speakers.get(encoder)), _number(one.asr_wer)]
        for name, one in report.calibration.items()
        for encoder in report.encoders
    ]
    return fitted(["voice", "encoder", "floor", "ceiling", "ASR WER"], rows, width, 2)


def _ends(ends: FloorAndCeiling | None) -> tuple[str, str]:
    return (_number(ends.floor), _number(ends.ceiling)) if ends else (_number(None), _number(None))


def encoder_lines(report: Report) -> list[str]:
    """Returns a line for each encoder whose errors are known: how well it tells the given voices apart."""
    return [
        f"{name}: equal error rate {_number(one.eer)} over {one.n_same} pairs of one speaker and {one.n_different} of "
        f"two{', no better than chance' if is_no_better_than_chance(one) else ''}"
        for name, one in report.encoders.items()
        if one is not None
    ]


def concordance_lines(report: Report) -> list[str]:
    """Returns a line for each encoder beside the primary one: how alike it ranks the trials."""
    told = [
        f"{one.encoder}: Kendall's tau {_number(one.tau)} with the primary encoder's ranks, "
        f"{len(one.moved)} trials moved"
        for one in report.concordance
    ]
    return [line for one in told for line in folded(one, terminal_width(), "", "  ")]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
