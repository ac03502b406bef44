"""What trials are called where there is little room: the settings that vary, by the last parts of their names."""

from collections import Counter
from collections.abc import Sequence

from evalkit.analysis.findings import plain
from evalkit.names import shortened
from evalkit.record import Report, TrialSummary
from evalkit.reports.terminal import short_names
from evalkit.trial import Trial, values_of, varying_settings

LONGEST = 24  # characters of a value


def labels(trials: Sequence[Trial]) -> dict[str, str]:
    """Returns a label by trial, e.g. `seconds=8, top_k=3`; no two are alike."""
    return _labelled(trials, varying_settings(list(trials)))


def labels_of(report: Report) -> dict[str, str]:
    """Returns the labels of a report's trials, by id."""
    return _labelled(report.trials, report.varying)


def _labelled(trials: Sequence[Trial | TrialSummary], names: Sequence[str]) -> dict[str, str]:
    shown = short_names(names)
    found: dict[str, str] = {}
    for trial in trials:
        values = values_of(trial)
        told = [
            f"{short}={shortened(plain(values[name]), LONGEST)}"
            for short, name in zip(shown, names, strict=True)
            if name in values
        ]
        found[trial.id] = ", ".join(told) or trial.id
    often = Counter(found.values())
    return {id: f"{label} ({id})" if often[label] > 1 else label for id, label in found.items()}
