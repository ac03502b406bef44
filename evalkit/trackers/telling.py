"""What all trackers are told, as plain values: names, settings, numbers, differences, files."""

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit.analysis.findings import plain
from evalkit.record import Comparison, Report, TrialSummary
from evalkit.reports.files import LOG_FILE
from evalkit.reports.labels import labels
from evalkit.store.atomic import SUFFIX
from evalkit.trial import Trial, values_of

LONGEST_NAME = 120  # characters of a trial's name, which is a folder's too
_NOT_IN_NAMES = re.compile(r"[^\w.,=+ -]+", re.ASCII)


def names_of(trials: Sequence[Trial]) -> dict[str, str]:
    """Returns a name by trial, e.g. `seconds=8, top_k=3`, that any tool and file system takes; no two are alike."""
    named = {id: _NOT_IN_NAMES.sub("_", label).strip(" .")[:LONGEST_NAME] for id, label in labels(trials).items()}
    often = Counter(name.casefold() for name in named.values())
    return {id: name if often[name.casefold()] == 1 and name else id for id, name in named.items()}


def settings_of(trial: Trial) -> dict[str, str]:
    """Returns a trial's settings, its engine and its version, as a person would type them."""
    return {name: plain(value) for name, value in values_of(trial).items()}


def run_settings(report: Report) -> dict[str, str]:
    """Returns what a run was asked for, and where its numbers come from."""
    origin = report.provenance
    told = {
        "sweep": report.sweep,
        "run": report.run_id,
        "plan": report.plan,
        "question": report.question,
        "primary": report.primary,
        "guards": ", ".join(report.guards),
        "baseline": report.baseline,
        "seeds": ", ".join(map(str, origin.seeds)),
        "device": origin.device,
        "python": origin.python,
        "platform": origin.platform,
        "commit": origin.commit,
        "dirty": origin.dirty,
        "command": origin.command,
    }
    versions = {f"package {name}": version for name, version in origin.packages.items()}
    return {name: plain(value) for name, value in {**told, **versions}.items()}


def numbers_of(trial: TrialSummary, metrics: Sequence[str] | None = None) -> dict[str, float]:
    """Returns a trial's numbers: counts, and each metric with the ends of its interval, e.g. `sim_low`.

    Args:
        trial: What the report says of it.
        metrics: Which ones; None: all.
    """
    told: dict[str, float | None] = {
        "n": trial.n,
        "n_failed": trial.n_failed,
        "n_not_run": trial.n_not_run,
        "n_flagged": trial.n_flagged,
    }
    for name, summary in trial.summary.items():
        if metrics is None or name in metrics:
            told |= {name: summary.value, f"{name}_low": summary.low, f"{name}_high": summary.high}
    return {name: float(value) for name, value in told.items() if value is not None}


def differences_of(report: Report, trial: str) -> dict[str, float]:
    """Returns a trial's differences from the baseline, e.g. `sim_difference`, with ends and adjusted p."""
    told = [_difference(one) for one in report.comparisons if one.trial == trial]
    return {name: value for one in told for name, value in one.items() if value is not None}


def _difference(one: Comparison) -> Mapping[str, float | None]:
    name = f"{one.metric}_difference"
    return {name: one.difference, f"{name}_low": one.low, f"{name}_high": one.high, f"{name}_p": one.adjusted_p}


def files_of(folder: Path) -> Iterator[Path]:
    """Gives the files of a run's folder, as paths within it: no link, nothing hidden, not the log."""
    for place, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            own = path.relative_to(folder)
            if name.startswith(".") or name.endswith(SUFFIX) or own == Path(LOG_FILE):
                continue
            if stat.S_ISREG(path.lstat().st_mode):
                yield own


@dataclass(frozen=True)
class Table:
    """A table of text and numbers; all of a column's cells are of one kind, or None."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | float | None]]


def trials_table(report: Report, trials: Sequence[Trial]) -> Table:
    """Returns a row a trial: its name, settings, numbers, and differences from the baseline."""
    names, settings = names_of(trials), {trial.id: settings_of(trial) for trial in trials}
    numbers = {one.id: {**numbers_of(one), **differences_of(report, one.id)} for one in report.trials}
    keys = list(dict.fromkeys(key for one in settings.values() for key in one))
    measured = list(dict.fromkeys(key for one in numbers.values() for key in one))
    rows = [
        [names[id], *(settings[id].get(key) for key in keys), *(own.get(key) for key in measured)]
        for id, own in numbers.items()
    ]
    return Table(["trial", *keys, *measured], rows)
