"""A gate's verdict: metric by metric, is the candidate worse than the baseline by more than the margin?

`pass`: the worsening's interval lies below the margin. `regression`: it lies above 0 and the estimate above the margin.
`inconclusive`: neither can be told. The intervals of all metrics hold together (`stats.together`). What either failed
to say counts as the worst that was scored: nobody passes for failing on what is hard.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from evalkit.analysis.findings import SAME
from evalkit.analysis.margins import Margin, allowed
from evalkit.analysis.pairing import Match, Run, pooled
from evalkit.analysis.scores import Columns
from evalkit.analysis.stats import Difference, Estimate, Scope, difference, mean, together
from evalkit.analysis.summary import at_worst, chance_of, fair
from evalkit.errors import DataError
from evalkit.metrics.speed import TIMINGS
from evalkit.record import MetricRecord
from evalkit.row import FAILED

State = Literal["pass", "regression", "inconclusive", "not gated"]

BASELINE, CANDIDATE = 0, 1
MOST_MORE = 1_000_000  # utterances; beyond it more of them are no advice


@dataclass(frozen=True)
class Verdict:
    """What a gate says of a metric.

    Attributes:
        metric: Its name.
        state: The verdict.
        baseline: Pooled mean of the baseline, over the pairs, failures at their worst.
        candidate: That of the candidate.
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
    columns, metrics = pooled(baseline, candidate, matches), candidate.report.metrics
    same = same_sounds(baseline, candidate, matches)
    elsewhere = _timed_elsewhere(baseline, candidate)
    found: dict[str, _Asked | Verdict] = {}
    for name, margin in margins.items():
        record = metrics.get(name)
        if record is None or name not in baseline.report.metrics or record.higher_is_better is None:
            found[name] = Verdict(name, "not gated", why="it is not scored, or has no better and worse")
        elif name in TIMINGS and elsewhere:
            found[name] = Verdict(name, "not gated", why=elsewhere)
        else:
            found[name] = _asked(name, record, margin, columns, scope)
    asked = [one for one in found.values() if isinstance(one, _Asked)]
    if not asked:
        raise DataError(f"nothing can be gated: {'; '.join(_why(one) for one in found.values())}")
    certain = [one for one in asked if same and one.name not in TIMINGS]
    open_ones = [one for one in asked if one not in certain]
    told = dict(zip([one.name for one in open_ones], together([one.estimate for one in open_ones]), strict=True))
    verdicts = [one if isinstance(one, Verdict) else _verdict(one, told.get(one.name)) for one in found.values()]
    return Gate(_overall(verdicts), _scope_of(asked), verdicts, same)


def _why(one: _Asked | Verdict) -> str:
    return f"{one.metric}: {one.why}" if isinstance(one, Verdict) else one.name


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


def _timed_elsewhere(baseline: Run, candidate: Run) -> str:
    """Returns why times of two runs do not compare; empty where they do."""
    ones, others = baseline.report.provenance, candidate.report.provenance
    for what, one, other in (("machine", ones.platform, others.platform), ("device", ones.device, others.device)):
        if one != other:
            return f"timed on another {what} ({one}, {other})"
    return ""


def _asked(name: str, record: MetricRecord, margin: Margin, columns: Columns, scope: Scope) -> _Asked | Verdict:
    scores = columns.scores(name)
    if name != FAILED and name not in TIMINGS:
        for side in (BASELINE, CANDIDATE):  # both: with as many failures neither is the worse for them
            scores = at_worst(scores, columns.failed, side, record)
    scores = fair(scores, record, columns.heard)
    estimate = difference(scores, BASELINE, CANDIDATE, chance_of(record), scope)
    if estimate is None:
        return Verdict(name, "not gated", why="no utterance of both has it")
    both = scores.known(BASELINE) & scores.known(CANDIDATE)
    shared = replace(scores, values=np.where(both, scores.values, np.nan))
    means = [one.value for at in (BASELINE, CANDIDATE) if (one := mean(shared, at))]
    return _Asked(name, record, allowed(margin, means[0]), (means[0], means[1]), estimate)


def _verdict(asked: _Asked, told: Difference | None) -> Verdict:
    """Returns the verdict on a metric; `told` is None where both runs have the same sounds."""
    sign = -1.0 if asked.record.higher_is_better else 1.0
    worsening = sign * asked.estimate.value + 0.0
    low, high = (worsening, worsening) if told is None else _ends(told, sign)
    state, why = _state(worsening, low, high, asked.margin)
    more = None
    if state == "inconclusive" and low is not None and high is not None:
        more = _more(worsening, (high - low) / 2, asked.margin, asked.estimate.n_units)
    means = asked.means
    return Verdict(
        *(asked.name, state, means[0], means[1], worsening, low, high, asked.margin, asked.estimate.n_units),
        more=more,
        why="the same sounds" if told is None else why,
    )


def _ends(told: Difference, sign: float) -> tuple[float | None, float | None]:
    if told.low is None or told.high is None:
        return None, None
    return (told.low, told.high) if sign > 0 else (-told.high, -told.low)


def _state(worsening: float, low: float | None, high: float | None, margin: float) -> tuple[State, str]:
    if low is None or high is None:
        if abs(worsening) < SAME:
            return "pass", "the same in every pair"
        return "inconclusive", "the pairs show no spread, so that chance cannot be told"
    if high < margin:
        return "pass", ""
    if low > 0 and worsening > margin:
        return "regression", ""
    return "inconclusive", ""


def _more(worsening: float, reach: float, margin: float, n_pairs: int) -> int | None:
    """Returns how many more utterances make the interval so narrow that it settles the matter.

    A half width falls with the root of their number. It must become less than the room: up to the margin if the
    estimate is below it, and else down to 0.
    """
    room = margin - worsening if worsening < margin else worsening
    if room <= 0:
        return None
    needed = math.ceil(n_pairs * (reach / room) ** 2) - n_pairs
    return max(1, needed) if needed <= MOST_MORE else None
