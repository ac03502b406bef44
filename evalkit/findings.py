"""What a sweep found, in one sentence that claims no more than its intervals."""

from collections.abc import Sequence

from evalkit.report import Comparison, TrialSummary

PRIMARY = "sim"
GUARD = "wer"  # a winner that is less intelligible must say so


def find(trials: Sequence[TrialSummary], comparisons: Sequence[Comparison], varying: Sequence[str]) -> tuple[str, str]:
    """Returns the sentence, and the id of the trial that it names as best ("" where none can be told).

    Args:
        trials: In the order of the grid.
        comparisons: Of all other trials with the first.
        varying: The settings that tell trials apart.
    """
    first = trials[0]
    if len(trials) == 1:
        return f"One trial, nothing to compare: {PRIMARY.upper()} {_value(first, PRIMARY)}.", ""
    named = {trial.id: trial for trial in trials}
    primary = [comparison for comparison in comparisons if comparison.metric == PRIMARY]
    if not primary:
        return "Nothing can be compared: no trial shares a scored utterance with the first.", ""
    ahead = [comparison for comparison in primary if comparison.low is not None and comparison.low > 0]
    if not ahead:
        return _nothing_ahead(first, primary, named, varying), ""
    best = max(ahead, key=lambda comparison: comparison.difference)
    sentence = (
        f"Best is {label(named[best.trial], varying)}: SIM {_value(named[best.trial], PRIMARY)}, "
        f"{_interval(best)} over {label(first, varying)}"
    )
    return f"{sentence}; {_guard(best.trial, comparisons)}.", best.trial


def label(trial: TrialSummary, varying: Sequence[str]) -> str:
    """Returns a trial's name for a person: the settings in which it differs."""
    values = {"engine": trial.engine, **trial.settings}
    parts = [f"{key}={plain(values[key])}" for key in varying if key in values]
    return ", ".join(parts) or trial.id


def plain(value: object) -> str:
    """Returns a setting as a person would type it."""
    if value is None:
        return "null"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _nothing_ahead(
    first: TrialSummary, primary: Sequence[Comparison], named: dict[str, TrialSummary], varying: Sequence[str]
) -> str:
    behind = [comparison for comparison in primary if comparison.high is not None and comparison.high < 0]
    largest = max(primary, key=lambda comparison: comparison.difference)
    detail = f"the largest is {_interval(largest)} for {label(named[largest.trial], varying)}"
    if behind:
        worst = min(behind, key=lambda comparison: comparison.difference)
        detail += f", and {label(named[worst.trial], varying)} is worse by {_interval(worst)}"
    return f"No difference can be told in favour of any trial over {label(first, varying)} in SIM: {detail}."


def _guard(trial: str, comparisons: Sequence[Comparison]) -> str:
    for comparison in comparisons:
        if comparison.trial == trial and comparison.metric == GUARD:
            if comparison.low is not None and comparison.low > 0:
                return f"but its WER is worse, {_interval(comparison)}"
            if comparison.high is not None and comparison.high < 0:
                return f"its WER is better too, {_interval(comparison)}"
            return f"in WER no difference can be told, {_interval(comparison)}"
    return "its WER cannot be compared"


def _interval(comparison: Comparison) -> str:
    if comparison.low is None or comparison.high is None:
        return f"{comparison.difference:+.3f} [one voice and one probe: no interval]"
    return f"{comparison.difference:+.3f} [{comparison.low:+.3f}, {comparison.high:+.3f}]"


def _value(trial: TrialSummary, metric: str) -> str:
    summary = trial.summary.get(metric)
    return "not scored" if summary is None or summary.value is None else f"{summary.value:.3f}"
