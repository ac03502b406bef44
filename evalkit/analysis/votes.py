"""What votes say: how often one trial is preferred to another, and what listeners think of each.

Intervals are clustered by listener, voice and text (`multiway`), so they hold for others of each; those of preferences
hold for all pairs of trials at once (Bonferroni's level, which no correlation breaks).
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from evalkit.analysis.ears import agreements
from evalkit.analysis.listeners import TESTED, Cast, attention, cast_by, factors_of
from evalkit.analysis.multiway import FEWEST, mean_interval
from evalkit.analysis.pairing import Run
from evalkit.analysis.stats import LEVEL
from evalkit.ballot import HIGHEST, LOWEST, Attention, Ballot, Heard, Opinion, Share

OPINIONS = ("similarity", "naturalness")
ANSWERS = {"a": 1.0, "none": 0.5, "b": 0.0}
UNTOLD = f"no interval is told of fewer than {FEWEST} votes, nor where none of them differs"
FACTORS = {"listener": "listener", "voice": "voice", "probe": "text"}  # and what each is called in a sentence


def heard(ballots: Sequence[Ballot], run: Run) -> Heard:
    """Returns what ears said of a run.

    Args:
        ballots: Of that run, each session once.
        run: What they are about.
    """
    listeners = attention(ballots)
    cast = cast_by(ballots, listeners)
    order = [trial.id for trial in run.report.trials]
    shares, agreement = preferences(cast, order), agreements(cast, run)
    means = [one for kind in OPINIONS for one in opinions(cast, order, kind)]
    is_untold = any(one.low is None for found in (shares, means, agreement) for one in found)
    return Heard(
        run_id=run.report.run_id,
        plan=run.report.plan,
        listeners=listeners,
        preferences=shares,
        opinions=means,
        agreement=agreement,
        notes=[*_notes(cast, listeners), *([UNTOLD] if is_untold else [])],
        ballots=list(ballots),
    )


def preferences(cast: Sequence[Cast], trials: Sequence[str]) -> list[Share]:
    """Returns how often each trial was preferred to each other one with which it was compared.

    Args:
        cast: All votes that count.
        trials: Ids, in the order in which a pair is told.
    """
    pairs: dict[tuple[str, str], list[tuple[Cast, float]]] = {}
    rank = {trial: at for at, trial in enumerate(trials)}
    for one in cast:
        if isinstance(one.vote.answer, str):
            first, second = (sound.trial or "" for sound in one.vote.sounds)
            of_first = ANSWERS[one.vote.answer]
            in_order = rank[first] < rank[second]
            pair = (first, second) if in_order else (second, first)
            pairs.setdefault(pair, []).append((one, of_first if in_order else 1 - of_first))
    level = 1 - (1 - LEVEL) / max(1, len(pairs))
    return [
        _share(pair, pairs[pair], level) for pair in combinations(trials, 2) if pair in pairs
    ]  # in the report's order


def _share(pair: tuple[str, str], votes: Sequence[tuple[Cast, float]], level: float) -> Share:
    values = np.array([value for _, value in votes])
    found = mean_interval(values, factors_of([one for one, _ in votes]), (0.0, 1.0), level)
    return Share(*pair, found.value, found.low, found.high, found.n, int((values == ANSWERS["none"]).sum()))


def opinions(cast: Sequence[Cast], trials: Sequence[str], kind: str) -> list[Opinion]:
    """Returns each trial's mean opinion score of a kind, of those that were judged."""
    found = []
    for trial in trials:
        own = [one for one in cast if one.vote.kind == kind and one.vote.sounds[0].trial == trial]
        if own:
            values = np.array([float(one.vote.answer) for one in own])
            mean = mean_interval(values, factors_of(own), (LOWEST, HIGHEST))
            found.append(Opinion(trial, kind, mean.value, mean.low, mean.high, mean.n))  # type: ignore[arg-type]
    return found


def _notes(cast: Sequence[Cast], listeners: Sequence[Attention]) -> Iterator[str]:
    """Gives sentences about what the numbers hold for."""
    if not cast:
        yield "no votes are left to say anything"
        return
    alone = [name for factor, name in FACTORS.items() if factors_of(cast)[factor].max() == 0]
    others = [f"{name}s" for name in FACTORS.values() if name not in alone]
    if others:
        yield f"95 % intervals for other {_listed(others)} too; those of preferences hold for all pairs at once"
    if alone:
        yield f"one {' and one '.join(alone)}: it says nothing of others"
    if untested := sum(one.passes and one.by_guessing > TESTED for one in listeners):
        yield (
            f"of {untested} listener{'s' if untested > 1 else ''} too few catch trials tell: who guesses passes "
            f"more often than in {TESTED:.0%}; more questions in a session have more of them"
        )


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
