"""What a page shows, as plain data: the report and its rows column by column, so that ten thousand rows stay small.

`assets/contents.js` is the other end: it gives the page's scripts the same under the same names.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from evalkit.analysis.calibration import mean_ends
from evalkit.record import FloorAndCeiling, MetricRecord, Report, TrialSummary
from evalkit.reports.labels import labels_of
from evalkit.reports.page.sounds import HeldOut, Numbered
from evalkit.row import PromptRecord, Row
from evalkit.trial import values_of

STATES = ("scored", "failed", "not_run")
NOTHING = 0  # in a column of texts: there is none; from 1 on they are numbered


def contents(
    report: Report, rows: Sequence[Row], held_out: Mapping[str, Sequence[HeldOut]], numbered: Numbered
) -> dict[str, Any]:
    """Returns all that a page shows, but for its sounds and its worst utterances.

    Args:
        report: The run's.
        rows: Its rows.
        held_out: Each voice's held-out clips.
        numbered: Takes up the sounds that are spoken of.
    """
    metrics = [name for name in report.metrics if any(name in trial.summary for trial in report.trials)]
    table = _Table()
    columns = _columns(report, rows, table, numbered)
    named = labels_of(report)
    return {
        "run": _run(report),
        "primary": report.primary,
        "guards": list(report.guards),
        "metrics": {name: _metric(report.metrics[name]) for name in metrics},
        "bands": _bands(report),
        "trials": [_trial(trial, named[trial.id], report, metrics) for trial in report.trials],
        "voices": [_voice(name, report, held_out.get(name, ()), numbered) for name in table.listed("voice")],
        "probes": table.listed("probe"),
        "prompts": table.listed("prompt"),
        "flags": table.listed("flag"),
        "texts": table.listed("text"),
        "count": len(rows),
        "rows": {
            **{name: _folded(values) for name, values in columns.items() if name != "scores"},
            "scores": _folded_scores(columns["scores"]),
        },
    }


def _run(report: Report) -> dict[str, Any]:
    return {
        "id": report.run_id,
        "sweep": report.sweep,
        "question": report.question,
        "finding": report.finding,
        "status": report.status,
        "created": report.created,
        "plan": report.plan,
        "command": report.provenance.command,
    }


def _metric(record: MetricRecord) -> dict[str, Any]:
    return {
        "unit": record.unit,
        "higher_is_better": record.higher_is_better,
        "judge": record.judge,
        "bounds": list(record.bounds),
    }


def _bands(report: Report) -> dict[str, tuple[float, float]]:
    """Returns floor and ceiling of the metrics that have them: cosines with a voice's own recordings."""
    found = {}
    for name, record in report.metrics.items():
        if record.unit == "cosine" and record.compares_with == "references":
            ends = mean_ends(report.calibration.values(), record.judge)
            if ends is not None:
                found[name] = (short(ends[0]), short(ends[1]))
    return found  # type: ignore[return-value]


def _trial(trial: TrialSummary, label: str, report: Report, metrics: Sequence[str]) -> dict[str, Any]:
    values = values_of(trial)
    contested = trial.id == report.best and any(one.contested for one in report.concordance)
    summary = {name: trial.summary[name] for name in metrics if name in trial.summary}
    return {
        "id": trial.id,
        "label": label,
        "engine": trial.engine,
        "settings": {name: values[name] for name in report.varying if name in values},
        "n": trial.n,
        "failed": trial.n_failed,
        "not_run": trial.n_not_run,
        "flagged": trial.n_flagged,
        "flags": dict(trial.flags),
        "best": trial.id == report.best,
        "baseline": trial.id == report.baseline,
        "contested": contested,
        "barred": trial.barred,
        "summary": {name: [short(one.value), short(one.low), short(one.high)] for name, one in summary.items()},
    }


def _voice(name: str, report: Report, clips: Sequence[HeldOut], numbered: Numbered) -> dict[str, Any]:
    primary = report.metrics.get(report.primary)
    known = report.calibration.get(name)
    ends = known.speakers.get((primary and primary.judge) or "") if known else None
    ends = ends or FloorAndCeiling(None, None)
    numbers = [(clip.name, numbered.number(clip.address)) for clip in clips]
    return {
        "name": name,
        "floor": short(ends.floor),
        "ceiling": short(ends.ceiling),
        "held_out": [number for _, number in numbers if number is not None],
        "clips": [clip for clip, number in numbers if number is not None],
    }


class _Table:
    """What rows share, each once, under the number by which they name it."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[Any, tuple[int, Any]]] = {}

    def number(self, kind: str, key: Any, value: Callable[[], Any] | None = None) -> int:
        """Returns the number of what a key stands for: what `value` gives, else the key itself."""
        known = self._kinds.setdefault(kind, {})
        if key not in known:
            known[key] = (len(known), value() if value else key)
        return known[key][0]

    def listed(self, kind: str) -> list[Any]:
        """Returns all of a kind, in the order of their numbers."""
        return [value for _, value in self._kinds.get(kind, {}).values()]


def _columns(report: Report, rows: Sequence[Row], table: _Table, numbered: Numbered) -> dict[str, Any]:
    trials = {trial.id: at for at, trial in enumerate(report.trials)}
    return {
        "trial": [trials[row.trial] for row in rows],
        "voice": [table.number("voice", row.voice) for row in rows],
        "probe": [_probe(row, table) for row in rows],
        "seed": [row.seed for row in rows],
        "state": [STATES.index(row.state) for row in rows],
        "prompt": [_prompt(row.prompt, table, numbered) for row in rows],
        "hypothesis": [_heard(row, table) for row in rows],
        "intended": [_text(row.intended_text, table) for row in rows],
        "flags": [[table.number("flag", flag) for flag in row.flags] or NOTHING for row in rows],
        "error": [_text(f"{row.error.type}: {row.error.message}" if row.error else None, table) for row in rows],
        "sound": [numbered.number(row.audio, row.audio_seconds) for row in rows],
        "seconds": [None if row.audio_seconds is None else round(row.audio_seconds, 2) for row in rows],
        "scores": _scores(rows),
    }


def _probe(row: Row, table: _Table) -> int:
    told = (row.probe, row.text, row.stratum, row.languages)
    return table.number("probe", told, lambda: dict(zip(("id", "text", "stratum", "language"), told, strict=True)))


def _prompt(prompt: PromptRecord | None, table: _Table, numbered: Numbered) -> int | None:
    if prompt is None:
        return None
    told = (prompt.sound, prompt.text, round(prompt.seconds, 2), prompt.text_source)
    return table.number(
        "prompt",
        told,
        lambda: {
            "sound": numbered.number(prompt.sound, prompt.seconds),
            "text": prompt.text,
            "seconds": round(prompt.seconds, 2),
            "source": prompt.text_source,
        },
    )


def _heard(row: Row, table: _Table) -> int | None:
    """Returns the number of what was heard; None where it is the text, letter by letter."""
    return None if row.hypothesis == row.text else _text(row.hypothesis, table)


def _text(text: str | None, table: _Table) -> int:
    """Returns the number of a text that many rows may share, from 1 on."""
    return NOTHING if text is None else 1 + table.number("text", text)


def _scores(rows: Sequence[Row]) -> dict[str, list[float | None]]:
    names = dict.fromkeys(name for row in rows for name in row.scores)
    return {name: [short(row.scores.get(name)) for row in rows] for name in names}


def _folded_scores(columns: Mapping[str, Sequence[float | None]]) -> dict[str, Any]:
    """Returns the columns of metrics; the name of an earlier one where two are the same."""
    known: dict[tuple[float | None, ...], str] = {}
    found: dict[str, Any] = {}
    for name, values in columns.items():
        same = known.setdefault(tuple(values), name)
        found[name] = _folded(values) if same == name else same
    return found


def _folded(values: Sequence[Any]) -> Any:
    """Returns a column; one value for all where they are the same."""
    return values[0] if values and not isinstance(values[0], list) and all(_same(values)) else list(values)


def _same(values: Sequence[Any]) -> Iterable[bool]:
    return (one == values[0] and type(one) is type(values[0]) for one in values)


def short(value: float | None) -> float | None:
    """Returns a number with the four digits that a page shows, whole numbers without a point."""
    if value is None:
        return None
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() else rounded
