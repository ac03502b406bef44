"""How far metrics agree with ears: the judge is judged.

Of a preference: does the metric prefer the same of the two sounds? Votes for neither, and sounds that the metric does
not tell apart, say nothing. Of opinions: Kendall's tau-b (1945) over the pairs of opinions of one listener, so that a
generous listener and a strict one are each held against themselves:

    tau = sum(s * t) / sqrt(sum(s ** 2) * sum(t ** 2)),   s, t = signs of the differences in opinion and in metric

A single opinion is a noisy thing: no metric can reach 1, and how far ears agree with each other is told beside it.
Metrics are turned so that more is better, and intervals are clustered as those of all votes (`multiway`).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import get_args

import numpy as np

from evalkit.analysis.listeners import Cast, factors_of
from evalkit.analysis.multiway import Codes, Interval, Pairs, interval, mean_interval
from evalkit.analysis.pairing import Run
from evalkit.analysis.scores import Floats
from evalkit.ballot import Agreement, Kind

MOST_PAIRED = 500  # opinions of a listener: their pairs grow with the square
Values = Mapping[tuple[str, str, str, int], float]  # by utterance


def agreements(cast: Sequence[Cast], run: Run) -> list[Agreement]:
    """Returns how far ears agree with each other, and with each metric of a judge, those that decide first.

    Args:
        cast: All votes that count.
        run: With its rows.
    """
    report = run.report
    judged = [name for name, metric in report.metrics.items() if metric.judge]
    found = [] if (among := among_ears(cast)) is None else [_told(None, "preference", among)]
    for name in dict.fromkeys([report.primary, *report.guards, *judged]):
        values = _turned(run, name)
        for kind in get_args(Kind):
            one = of_preferences(cast, values) if kind == "preference" else of_opinions(cast, kind, values)
            found += [] if one is None else [_told(name, kind, one)]
    return found


def _told(metric: str | None, kind: Kind, found: Interval) -> Agreement:
    return Agreement(metric, kind, found.value, found.low, found.high, found.n)


def _turned(run: Run, metric: str) -> Values:
    """Returns a metric's value by utterance, turned so that more is better; nothing where neither is."""
    record = run.report.metrics.get(metric)
    if record is None or record.higher_is_better is None:
        return {}
    sign = 1.0 if record.higher_is_better else -1.0
    return {
        (row.trial, row.voice, row.probe, row.seed): sign * row.scores[metric]
        for row in run.rows
        if metric in row.scores
    }


def _values(one: Cast, values: Values) -> list[float]:
    """Returns the metric's values of the sounds of a vote, of those that have one."""
    places = [sound.utterance for sound in one.vote.sounds]
    return [values[place] for place in places if place is not None and place in values]


def of_preferences(cast: Sequence[Cast], values: Values) -> Interval | None:
    """Returns the share of preferences in which a metric prefers the same; None where none says anything."""
    kept, agree = [], []
    for one in cast:
        found = _values(one, values)
        if one.vote.answer in ("a", "b") and len(found) == 2 and found[0] != found[1]:
            kept.append(one)
            agree.append(float((found[0] > found[1]) == (one.vote.answer == "a")))
    return mean_interval(np.array(agree), factors_of(kept), (0.0, 1.0)) if kept else None


def of_opinions(cast: Sequence[Cast], kind: Kind, values: Values) -> Interval | None:
    """Returns Kendall's tau-b of opinions and a metric within listeners; None where one of the two does not vary."""
    kept = _first_of_each([one for one in cast if one.vote.kind == kind and _values(one, values)])
    if not kept:
        return None
    marks = np.array([float(one.vote.answer) for one in kept])
    scores = np.array([_values(one, values)[0] for one in kept])
    factors = factors_of(kept)
    first, second = _within(factors["listener"])
    by_ear, by_metric = (np.sign(given[first] - given[second]) for given in (marks, scores))
    pairs = Pairs(first, second, np.stack([by_ear * by_metric, by_ear**2, by_metric**2]), _tau)
    return None if np.isnan(pairs.whole) else interval(pairs.whole, pairs.one_way, factors, (-1.0, 1.0))


def _first_of_each(cast: Sequence[Cast]) -> list[Cast]:
    """Returns the first votes of each listener, as many as can be paired."""
    counts: dict[str, int] = {}
    kept = []
    for one in cast:
        counts[one.listener] = counts.get(one.listener, 0) + 1
        if counts[one.listener] <= MOST_PAIRED:
            kept.append(one)
    return kept


def _within(factor: Codes) -> tuple[Codes, Codes]:
    """Returns the two votes of each pair that shares its cluster."""
    own = [np.flatnonzero(factor == at) for at in range(int(factor.max()) + 1)]
    places = [(votes, *np.triu_indices(len(votes), 1)) for votes in own]
    return (
        np.concatenate([votes[ones] for votes, ones, _ in places]),
        np.concatenate([votes[others] for votes, _, others in places]),
    )


def _tau(sums: Floats) -> Floats:
    return _divided(sums[0], np.sqrt(sums[1] * sums[2]))


def _share(sums: Floats) -> Floats:
    return _divided(sums[0], sums[1])


def _divided(ones: Floats, others: Floats) -> Floats:
    return np.where(others > 0.5, ones, np.nan) / np.where(others > 0.5, others, 1.0)  # they are whole numbers


def among_ears(cast: Sequence[Cast]) -> Interval | None:
    """Returns in what share of their preferences two listeners of the same two sounds agree; None where none met."""
    kept = _met([one for one in cast if one.vote.answer in ("a", "b")])
    pairs = [(one, other) for same in _by_sounds(kept) for one, other in combinations(same, 2)]
    pairs = [(one, other) for one, other in pairs if kept[one].listener != kept[other].listener]
    if not pairs:
        return None
    first, second = np.array(pairs).T
    winners = [_preferred(one) for one in kept]
    agree = np.array([float(winners[one] == winners[other]) for one, other in pairs])
    found = Pairs(first, second, np.stack([agree, np.ones(len(pairs))]), _share)
    return interval(found.whole, found.one_way, factors_of(kept), (0.0, 1.0))


def _met(cast: Sequence[Cast]) -> list[Cast]:
    """Returns the votes of those sounds of which several listeners said something; the others tell of no agreement."""
    meetings = [same for same in _by_sounds(cast) if len({cast[at].listener for at in same}) > 1]
    return [cast[at] for at in sorted(at for same in meetings for at in same)]


def _by_sounds(cast: Sequence[Cast]) -> Iterator[list[int]]:
    """Gives the places of votes that are of the same two sounds."""
    found: dict[frozenset[object], list[int]] = {}
    for at, one in enumerate(cast):
        found.setdefault(frozenset(sound.utterance for sound in one.vote.sounds), []).append(at)
    yield from found.values()


def _preferred(one: Cast) -> str | None:
    """Returns the trial that a vote prefers."""
    return one.vote.sounds[0 if one.vote.answer == "a" else 1].trial
