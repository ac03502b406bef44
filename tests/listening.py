"""Votes written by hand: what the page would export, as tests of what they say need it."""

from collections.abc import Iterable, Sequence
from typing import Any

from evalkit.analysis.pairing import Run
from evalkit.ballot import Ballot, Played, Vote
from tests.analysis.runs import rows_of, run_of

TRIALS = {"x": {"k": 1}, "y": {"k": 2}, "z": {"k": 3}}


def run_with(**tables: Sequence[Sequence[float]]) -> Run:
    """Returns a run of trials x, y, ..., with the table of each as its SIM; WER is 1 - SIM."""
    rows = [
        row
        for trial, table in tables.items()
        for row in rows_of(trial, {"sim": table, "wer": [[1 - value for value in line] for line in table]})
    ]
    trials = {trial: TRIALS[trial] for trial in tables}
    return run_of(rows, trials=trials, plan="p", varying=["k"])


def played(trial: str | None, voice: str = "v0", probe: str = "p0", **changes: Any) -> Played:
    """Returns an utterance that was played; a recording of the voice where there is no trial."""
    given = {"voice": voice, "plays": 1}
    if trial is not None:
        given |= {"trial": trial, "probe": probe, "seed": 0}
    return Played(**{**given, **changes})


def preference(first: str, second: str, answer: str, voice: str = "v0", probe: str = "p0") -> Vote:
    sounds = [played(first, voice, probe), played(second, voice, probe)]
    return Vote("preference", "real", voice, sounds, answer, 5.0)


def opinion(trial: str, mark: int, voice: str = "v0", probe: str = "p0", kind: str = "similarity") -> Vote:
    return Vote(kind, "real", voice, [played(trial, voice, probe)], mark, 5.0)


def same(answer: str = "none", trial: str = "x") -> Vote:
    return Vote("preference", "catch_same", "v0", [played(trial), played(trial)], answer, 5.0)


def other(answer: str = "a") -> Vote:
    """The voice's own recording was A."""
    return Vote("preference", "catch_other", "v0", [played(None, "v0"), played(None, "v1")], answer, 5.0)


def other_opinion(mark: int) -> Vote:
    return Vote("similarity", "catch_other", "v0", [played(None, "v1")], mark, 5.0)


def ballot(votes: Iterable[Vote], listener: str = "ann", **changes: Any) -> Ballot:
    given = {"run_id": "run", "plan": "p", "session": f"session-{listener.replace(' ', '-')}", "seed": 1}
    given |= {"listener": listener, "started": "2026-01-01T10:00:00Z", "votes": list(votes)}
    return Ballot(**{**given, **changes})
