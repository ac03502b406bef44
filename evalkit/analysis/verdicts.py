"""A gate's verdict: metric by metric, is the candidate worse than the baseline by more than the margin?

`pass`: the worsening's interval lies below the margin. `regression`: it lies above 0 and the estimate above the margin
(as both do where the interval lies above the margin). `inconclusive`: neither can be told. The intervals of all metrics
hold together (`stats.together`).

What either failed to say, or could not be scored in, counts as the worst that was scored: nobody passes for failing on
what is hard, and with as many failures as the baseline nobody is the worse for them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from evalkit.analysis.estimates import Estimate, Scope, difference, errors
from evalkit.analysis.findings import SAME
from evalkit.analysis.margins import Margin, allowed, load_of
from evalkit.analysis.pairing import OF_THE_MACHINE, Match, Run, pooled, timed_elsewhere
from evalkit.analysis.scores import Columns, Floats, Scores
from evalkit.analysis.stats import Difference, together
from evalkit.analysis.summary import at_worst, chance_of, fair
from evalkit.errors import DataError
from evalkit.metrics import metrics_of
from evalkit.record import MetricRecord

State = Literal["pass", "regression", "inconclusive", "not gated"]

BASELINE, CANDIDATE = 0, 1
QUALITY = [("dnsmos_ovrl", "dnsmos"), ("plcmos", "plcmos"), ("utmos", "utmos")]
KNOWN = frozenset(metric.name for metric in metrics_of(["any"], QUALITY))
LOAD = "more utterances do not help: it is the machine's load that differs from run to run"
MOST_MORE = 1_000_000  # utterances; beyond it more of them are no advice


@dataclass(frozen=True)
class Verdict:
    """What a gate says of a metric.

    Attributes:
        metric: Its name.
        state: The verdict.
        baseline: Pooled mean of the baseline, over the pairs.
        candidate: That of the candidate, over the pairs, its failures at their worst.
        worsening: By how much the candidate is worse; below 0: better.
        low: Lower end of the worsening's interval; None where there is none.
        high: Its upper end.
        margin: Up to which it may be worse, in the metric's unit.
        n_pairs: Utterances that both have.
        more: How many more utterances would settle what is inconclusive, if they are as these; None: not to be said.
        why: In words, where there is more to say.
    """

    metric: str
    state: State
    baseline: float | None = None
    candidate: float | None = None
    worsening: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    n_pairs: int = 0
    more: int | None = None
    why: str = ""


@dataclass(frozen=True)
class Gate:
    """The verdict of a gate.

    Attributes:
        state: `regression` if any metric's is, else `inconclusive` if any is, else `pass`.
        scope: What the intervals hold for.
        verdicts: Metric by metric.
        same_sounds: Whether every utterance is the very same sound in both: then nothing but times can differ.
    """

    state: State
    scope: Scope
    verdicts: Sequence[Verdict]
    same_sounds: bool = False


@dataclass(frozen=True, eq=False)
class _Asked:
    """A metric that is gated, and the estimate of its difference."""

    name: str
    record: MetricRecord
    margin: float
    means: tuple[float, float]
    estimate: Estimate


def judge(
    baseline: Run, candidate: Run, matches: Sequence[Match], margins: Mapping[str, Margin], scope: Scope = "panel"
) -> Gate:
    """Returns the verdict on a candidate.

    Args:
        baseline: The run to compare with.
        candidate: The run that is judged.
        matches: Their trials with the same settings; all of them are judged together.
        margins: By metric.
        scope: `panel`: these voices and texts, where only chance varies; `population`: new ones too.

    Raises:
        DataError: No metric of the margins can be compared.
    """
    _refuse_unknown(margins, baseline, candidate)
    columns = pooled(baseline, candidate, matches)
    found: list[_Asked | Verdict] = []
    for name, margin in margins.items():
        if why := _why_not(name, baseline, candidate):
            found.append(Verdict(name, "not gated", why=why))
        else:
            found.append(_asked(name, candidate.report.metrics[name], margin, columns, scope))
    asked = [one for one in found if isinstance(one, _Asked)]
    if not asked:
        reasons = "; ".join(f"{one.metric!r}: {one.why}" for one in found if isinstance(one, Verdict))
        raise DataError(f"nothing can be gated: {reasons}")
    same = same_sounds(baseline, candidate, matches)
    verdicts = _verdicts(found, [one for one in asked if not same or one.name in OF_THE_MACHINE])
    return Gate(_overall(verdicts), _scope_of(asked), verdicts, same)


def _refuse_unknown(margins: Mapping[str, Margin], baseline: Run, candidate: Run) -> None:
    """Does nothing if each margin is of a metric; one that only other judges take is no mistake.

    Raises:
        DataError: One is of none: a slip of the pen must not keep a metric from being gated for good.
    """
    known = {*baseline.report.metrics, *candidate.report.metrics, *KNOWN}
    if unknown := [name for name in margins if name not in known]:
        raise DataError(f"margins: there is no metric {unknown[0]!r}; there are: {', '.join(sorted(known))}")


def _why_not(name: str, baseline: Run, candidate: Run) -> str:
    """Returns why a metric cannot be gated; empty where it can."""
    record = candidate.report.metrics.get(name)
    if record is None or name not in baseline.report.metrics:
        return "it is not scored"
    if record.higher_is_better is None:
        return "it has no better and worse"
    return timed_elsewhere(baseline, candidate) if name in OF_THE_MACHINE else ""


def _scope_of(asked: Sequence[_Asked]) -> Scope:
    return "population" if all(one.estimate.scope == "population" for one in asked) else "panel"


def _overall(verdicts: Sequence[Verdict]) -> State:
    states = {one.state for one in verdicts}
    ranks: tuple[State, ...] = ("regression", "inconclusive", "pass")
    return next(state for state in ranks if state in states)


def same_sounds(baseline: Run, candidate: Run, matches: Sequence[Match]) -> bool:
    """Whether each utterance of the matched trials is the same sound in both runs."""
    pairs = {match.candidate.id: match.baseline.id for match in matches}
    theirs = {(row.trial, row.voice, row.probe, row.seed): row.audio for row in baseline.rows}
    own = [row for row in candidate.rows if row.trial in pairs]
    kept = set(pairs.values())
    return (
        bool(own)
        and len(own) == sum(row.trial in kept for row in baseline.rows)
        and all(
            row.audio is not None and row.audio == theirs.get((pairs[row.trial], row.voice, row.probe, row.seed))
            for row in own
        )
    )


def _asked(name: str, record: MetricRecord, margin: Margin, columns: Columns, scope: Scope) -> _Asked | Verdict:
    scores = fair(columns.scores(name), record, columns.heard)
    if name not in OF_THE_MACHINE:
        scores = _with_failures(scores, columns.failed, record)
    estimate = difference(scores, BASELINE, CANDIDATE, replace(chance_of(record), is_gated=True), scope)
    if estimate is None:
        return Verdict(name, "not gated", why="no utterance of both has it")
    base, own = estimate.means
    most = allowed(margin, base, higher_is_better=bool(record.higher_is_better))
    return _Asked(name, record, most, (base, own), replace(estimate, common=load_of(margin, base)))


def _with_failures(scores: Scores, failed: Floats, record: MetricRecord) -> Scores:
    """Returns the scores with the failures of both at their worst.

    What the baseline has a score of and the candidate has none is a failure too, as where a judge broke on its sound.
    """
    lost = failed.copy()
    lost[CANDIDATE, scores.known(BASELINE) & ~scores.known(CANDIDATE)] = 1
    for side in (BASELINE, CANDIDATE):
        scores = at_worst(scores, lost, side, record)
    return scores


def _verdicts(found: Sequence[_Asked | Verdict], chancy: Sequence[_Asked]) -> list[Verdict]:
    """Returns the verdicts; what is not `chancy` is certain, since both runs have the same sounds."""
    told = dict(zip([one.name for one in chancy], together([one.estimate for one in chancy]), strict=True))
    return [one if isinstance(one, Verdict) else _verdict(one, told.get(one.name)) for one in found]


def _verdict(asked: _Asked, told: Difference | None) -> Verdict:
    sign = -1.0 if asked.record.higher_is_better else 1.0
    worse, more = _Worse.of(told, sign), None
    if worse is None:
        value = sign * asked.estimate.value + 0.0
        worse, why = _Worse(value, value, value), "the same sounds"
        state: State = "pass" if value <= asked.margin else "regression"
    else:
        state, why = _state(worse, asked.margin)
    if state == "inconclusive" and not why:
        more = _more(worse, asked.margin, asked.estimate, _stays(asked.estimate))
        why = LOAD if more is None and asked.estimate.common else ""
    return Verdict(
        *(asked.name, state, *asked.means, worse.value, worse.low, worse.high, asked.margin, asked.estimate.n_units),
        more=more,
        why=why,
    )


@dataclass(frozen=True)
class _Worse:
    """By how much the candidate is worse, and the interval of that."""

    value: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, told: Difference | None, sign: float) -> "_Worse | None":
        """Returns a difference as a worsening: `sign` is -1 where higher is better."""
        if told is None:
            return None
        value = sign * told.value + 0.0  # no -0
        if told.low is None or told.high is None:
            return cls(value, None, None)
        return cls(value, *sorted((sign * told.low, sign * told.high)))


def _state(worse: _Worse, margin: float) -> tuple[State, str]:
    if worse.low is None or worse.high is None:
        if abs(worse.value) < SAME:
            return "pass", "the same in every pair"
        return "inconclusive", "the pairs show no spread, so that chance cannot be told"
    if worse.high < margin:
        return "pass", ""
    if worse.low > 0 and worse.value > margin:
        return "regression", ""
    return "inconclusive", ""


def _stays(estimate: Estimate) -> float:
    """Returns the share of an estimate's squared error that no utterance more takes away."""
    (sure,) = errors([estimate])
    return 0.0 if sure is None else estimate.common / sure.error**2


def _more(worse: _Worse, margin: float, estimate: Estimate, stays: float = 0.0) -> int | None:
    """Returns how many more utterances make the interval so narrow that it settles the matter; None: no number does.

    A half width falls with the root of their number; where nothing was seen to vary, so that one event more or less is
    what it allows for, with their number. What the machine's load leaves, a share `stays` of the squared error, does
    not fall at all. It must become less than the room: up to the margin if the estimate is below it, else down to 0.
    """
    room = margin - worse.value if worse.value < margin else worse.value
    if room <= 0 or worse.low is None or worse.high is None:
        return None
    reach, unseen = (worse.high - worse.low) / 2, float(np.abs(estimate.parts).max()) < SAME
    if (narrowed := (room / reach) ** 2 - stays) <= 0:
        return None
    needed = estimate.n_units * ((1 - stays) / narrowed) ** (0.5 if unseen else 1) - estimate.n_units
    return max(1, math.floor(needed) + 1) if needed < MOST_MORE else None
