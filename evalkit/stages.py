"""What every stage of a run works with, and the synthesis stage. A stage makes what the store lacks, and no more.

This is the one place where an exception of any kind is caught: there it becomes a `Failure`, and later a failed row.
"""

import os
import platform
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np

from evalkit.audio import SILENCE_PEAK
from evalkit.digest import digest
from evalkit.engines.base import Engine, Request, Synthesis
from evalkit.engines.on_torch import is_out_of_memory
from evalkit.errors import StorageError, SynthesisError
from evalkit.progress import Display
from evalkit.store import Store

Item = TypeVar("Item")
Result = TypeVar("Result")

SLOWEST_RATE, FASTEST_RATE = 8_000, 192_000  # Hz
MEMORY_ADVICE = "try engine.dtype=bfloat16, a shorter prompt (prompt.seconds=10), or another device"


@dataclass(frozen=True)
class Failure:
    """Why something could not be made."""

    type: str
    message: str

    @classmethod
    def of(cls, error: Exception) -> "Failure":
        """Returns the failure that an exception tells of."""
        message = str(error) or "no message"
        return cls(type(error).__name__, f"{message}; {MEMORY_ADVICE}" if is_out_of_memory(error) else message)


@dataclass
class Clock:
    """Seconds spent inside models, their loading included."""

    model_seconds: float = 0.0

    @contextmanager
    def inside_model(self) -> Iterator[None]:
        """Counts the time until it is left."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.model_seconds += time.perf_counter() - started


@dataclass(frozen=True)
class Bench:
    """What every stage works with."""

    store: Store
    display: Display
    run_id: str
    clock: Clock = field(default_factory=Clock)


def attempt(make: Callable[[], Result]) -> Result | Failure:
    """Returns what `make` returns, or why it failed; a disk that refuses ends the run instead."""
    try:
        return make()
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001  here a failure becomes a row
        return Failure.of(error)


def answers(
    call: Callable[[Sequence[Item]], Iterator[Result]], items: Iterable[Item], clock: Clock
) -> Iterator[Result | Failure]:
    """Gives an answer or a failure for each item, in order.

    `call` answers in order and may raise at any time: that is about the first item not yet answered, and the rest is
    asked for again.
    """
    waiting = deque(items)
    while waiting:
        results = attempt(partial(_begin, call, list(waiting)))
        outcome: Result | Failure | None = None
        while waiting and not isinstance(outcome, Failure):  # a generator that raised is spent
            with clock.inside_model():
                outcome = results if isinstance(results, Failure) else attempt(partial(_next, results))
            waiting.popleft()
            yield outcome


def _begin(call: Callable[[Sequence[Item]], Iterator[Result]], items: Sequence[Item]) -> Iterator[Result]:
    return iter(call(items))


def _next(results: Iterator[Result]) -> Result:
    for result in results:
        return result
    raise SynthesisError("the model ended before every item was answered")


@dataclass(frozen=True)
class SynthesisJob:
    """A synthesis to be made."""

    engine: Engine
    request: Request


def synthesis_key(engine: str, request: Request) -> str:
    """Returns a synthesis' content address; `engine` is the digest of the engine's fingerprint."""
    return digest(
        {
            "engine": engine,
            "text": request.text,
            "prompt": request.prompt.sha256,
            "seed": request.seed,
            "language": request.language,
        }
    )


def synthesise(bench: Bench, jobs: Mapping[str, SynthesisJob]) -> dict[str, Failure]:
    """Makes the syntheses that the store lacks, engine by engine; returns the failures by key."""
    todo = {key: job for key, job in jobs.items() if not bench.store.has("synthesis", key)}
    bench.display.start("synthesis", len(jobs), len(jobs) - len(todo))
    failures: dict[str, Failure] = {}
    for family in dict.fromkeys(job.engine.family for job in todo.values()):
        of_family = {key: job for key, job in todo.items() if job.engine.family == family}
        for engine in dict.fromkeys(job.engine for job in of_family.values()):
            failures |= _synthesise_with(
                bench, engine, {key: job.request for key, job in of_family.items() if job.engine == engine}
            )
        next(iter(of_family.values())).engine.close()
    bench.display.finish()
    return failures


def _synthesise_with(bench: Bench, engine: Engine, requests: Mapping[str, Request]) -> dict[str, Failure]:
    with bench.clock.inside_model():
        loaded = attempt(engine.load)
    if isinstance(loaded, Failure):
        for _ in requests:
            bench.display.advance(failed=True)
        return dict.fromkeys(requests, loaded)
    failures = {}
    for key, answer in zip(requests, answers(engine.synthesize, requests.values(), bench.clock), strict=True):
        outcome = answer if isinstance(answer, Failure) else attempt(partial(_keep, bench, engine, key, answer))
        if isinstance(outcome, Failure):
            failures[key] = outcome
        bench.display.advance(failed=isinstance(outcome, Failure))
    return failures


def _check(synthesis: Synthesis) -> None:
    samples, rate = synthesis.audio.samples, synthesis.audio.sample_rate
    if not isinstance(rate, int) or not SLOWEST_RATE <= rate <= FASTEST_RATE:
        raise SynthesisError(f"the engine gave a sample rate of {rate!r}, expected whole Hz, 8000 to 192000")
    if samples.ndim != 1:
        raise SynthesisError(f"the engine gave samples of shape {samples.shape}, expected one dimension (mono)")
    if len(samples) == 0:
        raise SynthesisError("the engine gave no samples")
    if not np.isfinite(samples).all():
        raise SynthesisError("the engine gave samples that are not numbers (NaN or infinite)")
    if synthesis.audio.peak < SILENCE_PEAK:
        raise SynthesisError(f"the engine gave silence (peak {synthesis.audio.peak:g})")


def timed_on(engine: Engine) -> str:
    """Returns where an engine computes: its times mean something only there."""
    return digest({"machine": platform.node(), "cores": os.cpu_count(), **engine.place()})


def _keep(bench: Bench, engine: Engine, key: str, synthesis: Synthesis) -> None:
    _check(synthesis)
    bench.store.write_audio("synthesis", key, synthesis.audio)
    stored = bench.store.read_audio("synthesis", key)
    bench.store.write_json(
        "synthesis",
        key,
        {
            "audio_seconds": stored.seconds,
            "device_memory_bytes": synthesis.device_memory_bytes,
            "first_audio_seconds": synthesis.first_audio_seconds,
            "intended_text": synthesis.intended_text,
            "memory_bytes": synthesis.memory_bytes,
            "peak": synthesis.audio.peak,
            "run": bench.run_id,
            "sha256": stored.sha256,
            "synth_seconds": synthesis.seconds,
            "timed_on": timed_on(engine),
        },
    )
