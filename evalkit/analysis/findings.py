"""What a sweep found, in one sentence that claims no more than its intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalkit.record import Comparison, Concordance, TrialSummary
from evalkit.trial import values_of

SAME = 5e-7  # half a unit of the last digit that a report keeps
SCOPES = {
    "population": "95 % intervals for new voices and texts (population)",
    "panel": "95 % intervals for just these voices and texts (panel)",
}
ALONE = ": one voice or one text says nothing of others"


@dataclass(frozen=True)
class Question:
    """What a finding decides by.

    Attributes:
        baseline: Id of the trial that the others are compared with.
        primary: The metric that decides.
        higher_is_better: Its direction.
        guards: Metrics in which a winner must say how it does, each with its direction.
        varying: The settings that tell trials apart.
        left_out: Voices that take no part, since engines may have heard what they are compared with.
        ends: What the primary metric is of other speakers (floor) and of the speakers' own recordings (ceiling).
    """

    baseline: str
    primary: str
    higher_is_better: bool
    guards: Mapping[str, bool]
    varying: Sequence[str]
    left_out: Sequence[str] = ()
    ends: tuple[float, float] | None = None

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return 1 if self.higher_is_better else -1


def leader(trials: Sequence[TrialSummary], comparisons: Sequence[Comparison], question: Question) -> str | None:
    """Returns the id of the trial, not barred, that is told to be ahead of the baseline by most; None where none is."""
    ahead = ahead_of_baseline(trials, comparisons, question)
    return ahead[0].trial if ahead else None


def ahead_of_baseline(
    trials: Sequence[TrialSummary], comparisons: Sequence[Comparison], question: Question
) -> list[Comparison]:
    """Returns the comparisons whose trial is told to be better than the baseline and not barred, the best first."""
    barred = {trial.id for trial in trials if trial.barred}
    return [one for one in _ahead(comparisons, question) if one.trial not in barred]


def _ahead(comparisons: Sequence[Comparison], question: Question) -> list[Comparison]:
    told = [one for one in comparisons if one.metric == question.primary and is_told(one, question.sign)]
    return sorted(told, key=lambda one: -question.sign * one.difference)


def find(
    trials: Sequence[TrialSummary], comparisons: Sequence[Comparison], rivals: Sequence[str], question: Question
) -> str:
    """Returns the sentence.

    Args:
        trials: In the order of the grid.
        comparisons: Of all other trials with the baseline.
        rivals: Ids of trials that are ahead too and cannot be told from the leader.
        question: What decides.
    """
    named = {trial.id: trial for trial in trials}
    base, name = named[question.baseline], question.primary.upper()
    if len(trials) == 1:
        return f"One trial, nothing to compare: {name} {_value(base, question.primary)}."
    primary = [comparison for comparison in comparisons if comparison.metric == question.primary]
    if not primary:
        return f"Nothing can be compared: {_why_nothing(question)}."
    best = leader(trials, comparisons, question)
    if best is None:
        parts = [_nothing_ahead(base, primary, named, question), *_left_out(question), *_scope(primary)]
        return "; ".join(parts) + "."
    told = next(comparison for comparison in primary if comparison.trial == best)
    others = "; ".join(label(named[rival], named[best], question.varying) for rival in rivals)
    parts = [
        f"{'Among the best is' if rivals else 'Best is'} {label(named[best], base, question.varying)}: "
        f"{name} {_value(named[best], question.primary)}{_ends(question)}, {interval_of(told)} over "
        f"{label(base, named[best], question.varying)} ({told.n_pairs} pairs)",
        f"not to be told from it: {others}" if rivals else "",
        _worst(told),
        *(_guard(best, comparisons, *guard) for guard in question.guards.items()),
        f"{named[best].n_failed} of its {named[best].n} utterances failed" if named[best].n_failed else "",
        _flagged(named[best]),
        *_barred(base, comparisons, named, question),
        *_left_out(question),
        *_scope([told]),
    ]
    return "; ".join(part for part in parts if part) + "."


def _ends(question: Question) -> str:
    return "" if question.ends is None else " (floor {:.3f}, ceiling {:.3f})".format(*question.ends)


def _worst(told: Comparison) -> str:
    """Returns what failures could make of a difference, where one of the two failed more often."""
    if told.worst is None:
        return ""
    low, high = sorted(told.worst)
    return f"the two did not fail alike: with what failed at its worst, {low:+.3f} to {high:+.3f}"


def _scope(told: Sequence[Comparison]) -> list[str]:
    """Returns what the intervals hold for; nothing where there is none."""
    scopes = {one.scope for one in told if one.low is not None}
    return [SCOPES["panel"] + ALONE] if "panel" in scopes else [SCOPES["population"]] if scopes else []


def _flagged(trial: TrialSummary) -> str:
    flags = ", ".join(f"{flag} {count}" for flag, count in trial.flags.items())
    return f"{trial.n_flagged} of its {trial.n} are flagged ({flags})" if flags else ""


def _barred(
    base: TrialSummary, comparisons: Sequence[Comparison], named: Mapping[str, TrialSummary], question: Question
) -> list[str]:
    """Returns why trials that are ahead are not called best."""
    return [
        f"{label(named[one.trial], base, question.varying)} is ahead, {interval_of(one)}, but {named[one.trial].barred}"
        for one in _ahead(comparisons, question)
        if named[one.trial].barred
    ]


def _left_out(question: Question) -> list[str]:
    name, voices = question.primary.upper(), ", ".join(question.left_out)
    return [f"without {voices}, whose {name} is against clips that engines may have heard"] if voices else []


def _why_nothing(question: Question) -> str:
    if question.left_out:
        return (
            f"{question.primary.upper()} is against clips that engines may have heard, since no clip is held out of "
            f"{', '.join(question.left_out)}, and who copies them would win; keep clips aside (a folder held_out/)"
        )
    return f"no trial shares an utterance with {question.primary.upper()} with the baseline"


def replaced(planned: TrialSummary, baseline: TrialSummary | None, varying: Sequence[str]) -> str:
    """Returns a sentence about a baseline that has no score: what it was, and what takes its place."""
    other = baseline or planned
    instead = "nothing can take its place" if baseline is None else f"{label(baseline, planned, varying)} does instead"
    return (
        f"the baseline {label(planned, other, varying)} has no scored utterance "
        f"({planned.n_failed} failed, {planned.n_not_run} not run), so nothing is compared with it: {instead}"
    )


def contest(agreed: Sequence[Concordance]) -> str:
    """Returns a sentence about encoders that do not see the winner; nothing where there is none, or all do."""
    blind = [one.encoder for one in agreed if one.contested]
    return f" Contested: {', '.join(blind)} does not see that winner." if blind else ""


def label(trial: TrialSummary, other: TrialSummary, varying: Sequence[str]) -> str:
    """Returns a trial's name for a person: the settings in which it differs from another."""
    values, others = map(values_of, (trial, other))
    differing = [key for key in varying if key in values and values[key] != others.get(key)]
    return ", ".join(f"{key}={plain(values[key])}" for key in differing) or trial.id


def plain(value: object) -> str:
    """Returns a setting as a person would type it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def is_told(comparison: Comparison, sign: int) -> bool:
    """Whether a difference in the direction of `sign`, 1 or -1, is told."""
    end = comparison.low if sign > 0 else comparison.high
    return end is not None and sign * end > 0


def _nothing_ahead(
    base: TrialSummary, primary: Sequence[Comparison], named: dict[str, TrialSummary], question: Question
) -> str:
    name, sign = question.primary.upper(), question.sign
    if all(comparison.low is None and abs(comparison.difference) < SAME for comparison in primary):
        return f"No difference at all: every pair of utterances has the same {name} in all {len(primary) + 1} trials"
    if barred := _barred(base, primary, named, question):
        return f"No trial is called best in {name}: {'; '.join(barred)}"
    behind = [comparison for comparison in primary if is_told(comparison, -sign)]
    largest = max(primary, key=lambda comparison: sign * comparison.difference)
    winner = named[largest.trial]
    parts = [
        f"No trial can be told to be better in {name} than the baseline: the largest difference is "
        f"{interval_of(largest)} for {label(winner, base, question.varying)} over "
        f"{label(base, winner, question.varying)}"
    ]
    if behind:
        worst = min(behind, key=lambda comparison: sign * comparison.difference)
        parts.append(f"{label(named[worst.trial], base, question.varying)} is worse than it, {interval_of(worst)}")
    return "; ".join(parts)


def _guard(trial: str, comparisons: Sequence[Comparison], metric: str, higher_is_better: bool) -> str:
    """Returns how a winner does in a guard."""
    name, better = metric.upper(), 1 if higher_is_better else -1
    for comparison in comparisons:
        if comparison.trial == trial and comparison.metric == metric:
            if comparison.low is None and abs(comparison.difference) < SAME:
                return f"its {name} is the same in every pair"
            if is_told(comparison, -better):
                return f"but its {name} is worse, {interval_of(comparison)}"
            if is_told(comparison, better):
                return f"its {name} is better too, {interval_of(comparison)}"
            return f"in {name} no difference can be told, {interval_of(comparison)}"
    return f"its {name} cannot be compared"


def interval_of(comparison: Comparison) -> str:
    """Returns a difference with its interval, as sentences have it."""
    if comparison.low is None or comparison.high is None:
        return f"{comparison.difference:+.3f} [no interval: the pairs show no spread]"
    return f"{comparison.difference:+.3f} [{comparison.low:+.3f}, {comparison.high:+.3f}]"


def _value(trial: TrialSummary, metric: str) -> str:
    summary = trial.summary.get(metric)
    return "not scored" if summary is None or summary.value is None else f"{summary.value:.3f}"
