"""The seam of an executor: requests in, sound or failures out. `Local` computes in this process, engine by engine."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from evalkit.engines.base import Engine, Request, Synthesis
from evalkit.engines.scorable import given_by, scorable
from evalkit.errors import form_of
from evalkit.pipeline.attempts import Failure, NotRun, answers, attempt
from evalkit.pipeline.workspace import Workspace

MAX_CONSECUTIVE_FAILURES = 12


@dataclass(frozen=True)
class Job:
    """A synthesis to be made; its request is put together when its turn comes, since it holds the prompt's sound."""

    engine: Engine
    request: Callable[[], Request]


Outcome = Synthesis | Failure  # or NotRun, which is one


class Executor(Protocol):
    """Carries out syntheses."""

    def map(self, jobs: Mapping[str, Job]) -> Iterator[tuple[str, Outcome]]:
        """Gives each job's key and outcome, in any order; a `Synthesis` is sound that can be scored."""


@dataclass
class Local:
    """Computes here, one engine after the other.

    An engine that cannot be loaded is not asked. One that fails again and again with the same error is asked no more,
    and then its siblings (the same engine with other knobs) get one try each, unless they have given sound already.
    """

    workspace: Workspace
    max_consecutive_failures: int = MAX_CONSECUTIVE_FAILURES
    _given_up: dict[Engine, NotRun] = field(default_factory=dict)
    _sounded: set[Engine] = field(default_factory=set)
    _streaks: dict[Engine, list[Failure]] = field(default_factory=dict)

    def map(self, jobs: Mapping[str, Job]) -> Iterator[tuple[str, Outcome]]:
        """See `Executor.map`."""
        for family in dict.fromkeys(job.engine.family for job in jobs.values()):
            for engine in dict.fromkeys(job.engine for job in jobs.values() if job.engine.family == family):
                yield from self._by(engine, {key: job for key, job in jobs.items() if job.engine == engine})

    def _by(self, engine: Engine, jobs: Mapping[str, Job]) -> Iterator[tuple[str, Outcome]]:
        def call(asked: Sequence[Job]) -> Iterator[object]:
            return given_by(engine, (job.request() for job in asked))

        waiting = deque(jobs)
        if self._is_usable(engine):
            for answer in answers(call, jobs.values(), self.workspace.clock):
                outcome = answer if isinstance(answer, Failure) else attempt(partial(scorable, answer))
                yield waiting.popleft(), outcome
                self._watch(engine, outcome)
                if engine in self._given_up:
                    break
        yield from ((key, self._given_up[engine]) for key in waiting)

    def _is_usable(self, engine: Engine) -> bool:
        if engine not in self._given_up and (fault := self.workspace.models.load(engine)):
            if not any(fault.message == other.message for other in self._given_up.values()):
                self.workspace.say(f"{engine.name} cannot be loaded, so it is not run: {fault.type}: {fault.message}")
            self._given_up[engine] = NotRun(fault.type, fault.message)
        return engine not in self._given_up

    def _watch(self, engine: Engine, outcome: Outcome) -> None:
        if not isinstance(outcome, Failure):
            self._sounded.add(engine)
            self._streaks.pop(engine, None)
            return
        streak = self._streaks.get(engine, [])
        streak = self._streaks[engine] = [*streak, outcome] if _alike(streak, outcome) else [outcome]
        if len(streak) >= self._patience(engine, outcome):
            self.workspace.say(
                f"{engine.name} failed {len(streak)} times in a row, what it was still to say is not run "
                f"(max_consecutive_failures={self.max_consecutive_failures}): {outcome.type}: {outcome.message}"
            )
            self._given_up[engine] = NotRun(outcome.type, outcome.message)

    def _patience(self, engine: Engine, failure: Failure) -> int:
        siblings = (fault for other, fault in self._given_up.items() if other.family == engine.family)
        is_known = engine not in self._sounded and any(_alike([fault], failure) for fault in siblings)
        return 1 if is_known else self.max_consecutive_failures


def _alike(streak: list[Failure], failure: Failure) -> bool:
    """Whether a failure is like those of a streak, but for numbers and quotes, which tell utterances apart."""
    last = streak[-1] if streak else None
    return last is not None and (last.type, form_of(last.message)) == (failure.type, form_of(failure.message))
