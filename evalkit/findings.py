"""What a sweep found, in one sentence that claims no more than its intervals."""

from collections.abc import Sequence

from evalkit.report import Agreement, Comparison, TrialSummary

PRIMARY = "sim"
GUARD = "wer"  # a winner that is less intelligible must say so
SAME = 5e-7  # half a unit of the last digit that a report keeps


def leader(comparisons: Sequence[Comparison]) -> str | None:
    """Returns the id of the trial that is told to be ahead of the first by most; None where none is."""
    ahead = ahead_of_first(comparisons)
    return max(ahead, key=lambda comparison: comparison.difference).trial if ahead else None


def ahead_of_first(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Returns the comparisons whose trial is told to be better than the first."""
    return [one for one in comparisons if one.metric == PRIMARY and one.low is not None and one.low > 0]


def find(
    trials: Sequence[TrialSummary], comparisons: Sequence[Comparison], rivals: Sequence[str], varying: Sequence[str]
) -> str:
    """Returns the sentence.

    Args:
        trials: In the order of the grid.
        comparisons: Of all other trials with the first.
        rivals: Ids of trials that are ahead too and cannot be told from the leader.
        varying: The settings that tell trials apart.
    """
    first = trials[0]
    if len(trials) == 1:
        return f"One trial, nothing to compare: {PRIMARY.upper()} {_value(first, PRIMARY)}."
    named = {trial.id: trial for trial in trials}
    primary = [comparison for comparison in comparisons if comparison.metric == PRIMARY]
    if not primary:
        return "Nothing can be compared: no trial shares a scored utterance with the first."
    best = leader(comparisons)
    if best is None:
        return _nothing_ahead(first, primary, named, varying)
    told = next(comparison for comparison in primary if comparison.trial == best)
    others = "; ".join(label(named[rival], first, varying) for rival in rivals)
    parts = [
        f"{'Among the best is' if rivals else 'Best is'} {label(named[best], first, varying)}: "
        f"SIM {_value(named[best], PRIMARY)}, {_interval(told)} over {label(first, named[best], varying)} "
        f"({told.n_pairs} pairs)",
        f"not to be told from it: {others}" if rivals else "",
        _guard(best, comparisons),
        f"{named[best].n_failed} of its {named[best].n} utterances failed" if named[best].n_failed else "",
    ]
    return "; ".join(part for part in parts if part) + "."


def contest(agreed: Sequence[Agreement]) -> str:
    """Returns a sentence about encoders that do not see the winner; nothing where there is none, or all do."""
    blind = [one.encoder for one in agreed if one.contested]
    return f" Contested: {', '.join(blind)} does not see that winner." if blind else ""


def label(trial: TrialSummary, other: TrialSummary, varying: Sequence[str]) -> str:
    """Returns a trial's name for a person: the settings in which it differs from another."""
    values, others = ({"engine": one.engine, **one.settings} for one in (trial, other))
    differing = [key for key in varying if key in values and values[key] != others.get(key)]
    return ", ".join(f"{key}={plain(values[key])}" for key in differing) or trial.id


def plain(value: object) -> str:
    """Returns a setting as a person would type it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _nothing_ahead(
    first: TrialSummary, primary: Sequence[Comparison], named: dict[str, TrialSummary], varying: Sequence[str]
) -> str:
    if all(comparison.low is None and abs(comparison.difference) < SAME for comparison in primary):
        return f"No difference at all: every pair of utterances has the same SIM in all {len(primary) + 1} trials."
    behind = [comparison for comparison in primary if comparison.high is not None and comparison.high < 0]
    largest = max(primary, key=lambda comparison: comparison.difference)
    winner = named[largest.trial]
    parts = [
        f"No trial can be told to be better in SIM than the first: the largest difference is {_interval(largest)} for "
        f"{label(winner, first, varying)} over {label(first, winner, varying)}"
    ]
    if behind:
        worst = min(behind, key=lambda comparison: comparison.difference)
        parts.append(f"{label(named[worst.trial], first, varying)} is worse than the first, {_interval(worst)}")
    return "; ".join(parts) + "."


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
        return f"{comparison.difference:+.3f} [no interval: the pairs show no spread]"
    return f"{comparison.difference:+.3f} [{comparison.low:+.3f}, {comparison.high:+.3f}]"


def _value(trial: TrialSummary, metric: str) -> str:
    summary = trial.summary.get(metric)
    return "not scored" if summary is None or summary.value is None else f"{summary.value:.3f}"
