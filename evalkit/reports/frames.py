"""A report in pandas: rows, trials, comparisons and voices as tables, one column a metric, settings as columns.

What a report has is there under its own name; nothing is averaged, filled in or left out on the way.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from evalkit.analysis.findings import is_told
from evalkit.analysis.pairing import Run
from evalkit.metrics.failures import FLAGS
from evalkit.metrics.speed import AUDIO_SECONDS
from evalkit.record import FloorAndCeiling, Report, Summary, TrialSummary
from evalkit.reports.baselines import BASELINES, find_baseline, read_run
from evalkit.reports.columns import Column, Table, counts, names, numbers, settings, texts, truths
from evalkit.reports.page.sounds import FOLDER, file_name
from evalkit.reports.page.worst import worst
from evalkit.reports.page.writer import PAGE_FOLDER
from evalkit.row import FAILED, Row

SEPARATOR = ", "  # between flags, or names of clips: one cell holds them all


@dataclass(frozen=True, eq=False, repr=False)
class LoadedReport:
    """A run's report and rows, and tables of them; each is made when it is first asked for.

    Attributes:
        run: The run as it was read; functions of `evalkit.analysis` and `evalkit.reports` take it or its parts.
    """

    run: Run

    def __repr__(self) -> str:
        told = self.run
        return f"LoadedReport({told.name!r}: {len(told.report.trials)} trials, {len(told.rows)} rows)"

    @property
    def report(self) -> Report:
        """The report, as `report.json` has it."""
        return self.run.report

    @cached_property
    def rows(self) -> pd.DataFrame:
        """A row an utterance, failed ones too; a metric's column holds its value, NaN where it has none.

        `<metric>_weight` stands beside those that pool by a weight, `flag_<name>` for each way of failing.
        """
        return _rows_frame(self.run)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """A row a trial: of each metric `sim`, the 95 % interval `sim_low`, `sim_high`, `sim_n` and `sim_scope`."""
        return _trials_frame(self.report)

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """A row for each trial and metric: the trial minus the baseline, with interval, scope and spreads."""
        return _comparisons_frame(self.report)

    @cached_property
    def voices(self) -> pd.DataFrame:
        """A row for each voice and speaker encoder: floor and ceiling of its recordings, and the transcriber's WER."""
        return _voices_frame(self.report)

    @cached_property
    def worst(self) -> pd.DataFrame:
        """The rows of the worst utterances, each with the metric or flag that says so in a column `why`.

        Failed ones come first, then by the primary metric, the guards, each flag, and the other metrics.
        """
        found = worst(self.report, self.run.rows)
        table, rows = Table(), self.rows.iloc[[one.row for one in found]]
        table.add("worst", "why", names([one.why for one in found]))
        for name in rows:
            table.add("row", str(name), rows[name].array)
        return table.frame()

    def sound(self, address: str | None) -> Path | None:
        """Returns the file of a sound, named as in the rows' `audio` and `prompt_sound`, on the run's page.

        None where the page does not have it: `python -m evalkit report RUN` makes one that has what is in the store.
        """
        if not isinstance(address, str) or not re.fullmatch("[0-9a-f]{64}", address):
            return None
        path = Path(self.run.name) / PAGE_FOLDER / FOLDER / file_name(address)
        return path if path.is_file() else None


def load_report(path: str | Path, baselines: Path = BASELINES) -> LoadedReport:
    """Loads a report into pandas.

    Args:
        path: A run's folder, the `report.json` in it, or the name of a baseline.
        baselines: Where baselines are kept.

    Raises:
        DataError: There is none, it cannot be read, or its rows are not those of its report.
    """
    return LoadedReport(read_run(find_baseline(str(path), baselines)))


def _within(part: str, field: str) -> Callable[[Row], Any]:
    def value(row: Row) -> Any:
        whole = getattr(row, part)
        return None if whole is None else getattr(whole, field)

    return value


def _clips(row: Row) -> str | None:
    return None if row.prompt is None else SEPARATOR.join(row.prompt.clips)


def _heard(at: int) -> Callable[[Row], Any]:
    return lambda row: None if row.heard_language is None else row.heard_language[at]


_OF_PROMPTS: tuple[tuple[str, Callable[[Sequence[Any]], Column]], ...] = (
    ("seconds", numbers),
    ("wanted_seconds", numbers),
    ("text", texts),
    ("text_source", names),
    ("wer", numbers),
    ("text_wer", numbers),
    ("sound", texts),
    ("sha256", texts),
)
_OF_ROWS: tuple[tuple[str, Callable[[Sequence[Any]], Column], Callable[[Row], Any]], ...] = (
    ("seed", counts, lambda row: row.seed),
    ("language", names, lambda row: row.language),
    ("voice_language", names, lambda row: row.voice_language or row.language),
    ("stratum", names, lambda row: row.stratum),
    ("state", names, lambda row: row.state),
    ("cached", truths, lambda row: row.cached),
    ("text", texts, lambda row: row.text),
    ("hypothesis", texts, lambda row: row.hypothesis),
    ("intended_text", texts, lambda row: row.intended_text),
    *((f"prompt_{field}", kind, _within("prompt", field)) for field, kind in _OF_PROMPTS),
    ("prompt_clips", texts, _clips),
    ("audio", texts, lambda row: row.audio),
    ("synthesis", texts, lambda row: row.synthesis),
    ("synth_seconds", numbers, lambda row: row.synth_seconds),
    ("sim_reference", names, lambda row: row.sim_reference),
    *((field, counts, _within("edits", field)) for field in ("hits", "substitutions", "deletions", "insertions")),
    ("heard_language", names, _heard(0)),
    ("heard_language_probability", numbers, _heard(1)),
    ("bleed_at", names, lambda row: row.bleed_at),
    ("error_type", names, lambda row: row.error and row.error.type),
    ("error", texts, lambda row: row.error and row.error.message),
    ("missing", texts, lambda row: "; ".join(f"{name}: {why}" for name, why in row.missing.items()) or None),
    ("flags", texts, lambda row: SEPARATOR.join(row.flags)),
)


def _rows_frame(run: Run) -> pd.DataFrame:
    table, rows = Table(), run.rows
    trials = {trial.id: trial for trial in run.report.trials}
    table.add("row", "trial", names([row.trial for row in rows], list(trials)))
    table.add("row", "engine", names([row.engine for row in rows]))
    table.add("row", "version", names([trials[row.trial].version for row in rows]))
    table.add("row", "voice", names([row.voice for row in rows], list(run.report.recordings)))
    table.add("row", "probe", names([row.probe for row in rows]))
    for name, kind, value in _OF_ROWS:
        table.add("row", name, kind([value(row) for row in rows]))
    if AUDIO_SECONDS.name not in run.report.metrics:  # else the metric has the same length
        table.add("row", AUDIO_SECONDS.name, numbers([row.audio_seconds for row in rows]))
    _add_settings(table, [row.settings for row in rows])
    _add_flags(table, run.report, rows)
    _add_scores(table, run.report, rows)
    return table.frame()


def _add_settings(table: Table, given: Sequence[Mapping[str, Any]]) -> None:
    for key in dict.fromkeys(key for one in given for key in one):
        table.add("setting", key, settings([one.get(key) for one in given]))


def _flag_names(report: Report, seen: Sequence[str]) -> list[str]:
    """Returns the flags that could have been raised, those that nothing has too."""
    known = [flag.name for flag in FLAGS if flag.metric.name in report.metrics]
    return list(dict.fromkeys([*known, *(flag for trial in report.trials for flag in trial.flags), *seen]))


def _add_flags(table: Table, report: Report, rows: Sequence[Row]) -> None:
    for name in _flag_names(report, [flag for row in rows for flag in row.flags]):
        table.add("flag", f"flag_{name}", truths([name in row.flags for row in rows]))


def _add_scores(table: Table, report: Report, rows: Sequence[Row]) -> None:
    """Adds each metric of the report or of a row; `failed` is one of every row, whether it was scored or not."""
    weighed = {name for row in rows for name in row.weights}
    for name in dict.fromkeys([*report.metrics, FAILED, *(name for row in rows for name in row.scores)]):
        found = [row.scores.get(name) for row in rows] if name != FAILED else [row.state != "scored" for row in rows]
        columns = {"": numbers(found)}
        if name in weighed:
            columns["_weight"] = numbers([row.weights.get(name, 1.0) if name in row.scores else None for row in rows])
        table.add_all("metric", name, columns)


def _trials_frame(report: Report) -> pd.DataFrame:
    table, trials = Table(), report.trials
    _add_trials(table, trials, report)
    contested = any(one.contested for one in report.concordance)
    table.add("trial", "is_best", truths([trial.id == report.best for trial in trials]))
    table.add("trial", "is_contested", truths([contested and trial.id == report.best for trial in trials]))
    table.add("trial", "is_baseline", truths([trial.id == report.baseline for trial in trials]))
    table.add("trial", "barred", texts([trial.barred for trial in trials]))
    for name in ("n", "n_failed", "n_not_run", "n_flagged"):
        table.add("trial", name, counts([getattr(trial, name) for trial in trials]))
    _add_settings(table, [trial.settings for trial in trials])
    for name in _flag_names(report, []):
        table.add("flag", f"flag_{name}", counts([trial.flags.get(name, 0) for trial in trials]))
    for name in dict.fromkeys([*report.metrics, *(name for trial in trials for name in trial.summary)]):
        table.add_all("metric", name, _summaries([trial.summary.get(name, Summary(None)) for trial in trials]))
    return table.frame()


def _add_trials(table: Table, trials: Sequence[TrialSummary], report: Report) -> None:
    table.add("trial", "trial", names([trial.id for trial in trials], [trial.id for trial in report.trials]))
    table.add("trial", "engine", names([trial.engine for trial in trials]))
    table.add("trial", "version", names([trial.version for trial in trials]))


def _summaries(found: Sequence[Summary]) -> dict[str, Column]:
    return {
        "": numbers([one.value for one in found]),
        "_low": numbers([one.low for one in found]),
        "_high": numbers([one.high for one in found]),
        "_n": counts([one.n for one in found]),
        "_scope": names([one.scope if one.low is not None else None for one in found]),
    }


def _comparisons_frame(report: Report) -> pd.DataFrame:
    table, found = Table(), report.comparisons
    trials = {trial.id: trial for trial in report.trials}
    of = [trials.get(one.trial, TrialSummary(one.trial, "", {}, 0, 0, {})) for one in found]
    _add_trials(table, of, report)
    table.add("comparison", "baseline", names([one.baseline for one in found], list(trials)))
    table.add("comparison", "metric", names([one.metric for one in found], list(report.metrics)))
    for name in ("difference", "low", "high", "adjusted_p"):
        table.add("comparison", name, numbers([getattr(one, name) for one in found]))
    table.add("comparison", "is_told", truths([is_told(one, 1) or is_told(one, -1) for one in found]))
    table.add("comparison", "n_pairs", counts([one.n_pairs for one in found]))
    table.add("comparison", "scope", names([one.scope if one.low is not None else None for one in found]))
    for at, name in enumerate(("worst_of_trial", "worst_of_baseline")):
        table.add("comparison", name, numbers([None if one.worst is None else one.worst[at] for one in found]))
    for name in ("voice", "probe", "rest", "chance"):
        spreads = [None if one.spreads is None else getattr(one.spreads, name) for one in found]
        table.add("comparison", f"spread_{name}", numbers(spreads))
    _add_settings(table, [one.settings for one in of])
    return table.frame()


def _voices_frame(report: Report) -> pd.DataFrame:
    nothing = {None: FloorAndCeiling(None, None)}
    found = [
        (voice, told, encoder, ends)
        for voice, told in report.calibration.items()
        for encoder, ends in (told.speakers or nothing).items()
    ]
    table = Table()
    table.add("voice", "voice", names([voice for voice, *_ in found], list(report.recordings)))
    table.add("voice", "encoder", names([encoder for *_, encoder, _ in found]))
    for name in ("floor", "ceiling", "spread"):
        table.add("voice", name, numbers([getattr(ends, name) for *_, ends in found]))
    table.add("voice", "asr_wer", numbers([told.asr_wer for _, told, *_ in found]))
    table.add("voice", "asr_words", counts([told.asr_words for _, told, *_ in found]))
    table.add("voice", "sim_reference", names([told.sim_reference for _, told, *_ in found]))
    return table.frame()
