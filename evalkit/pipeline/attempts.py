"""Trying: the one place where an exception of any kind is caught; it becomes a `Failure`, and later a failed row."""

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from evalkit.engines.scorable import ENDED_EARLY
from evalkit.errors import DamagedError, ModelError, StorageError, SynthesisError, told
from evalkit.names import without_credentials
from evalkit.stopping import heed, is_wanted
from evalkit.weights.devices import is_out_of_memory

Item = TypeVar("Item")
Result = TypeVar("Result")

MEMORY_ADVICE = "try engine.dtype=bfloat16, a shorter prompt (prompt.seconds=10), or another device"
COPY_ADVICE = "a prompt cannot be written to: copy the samples first"
_LOG = logging.getLogger("evalkit")  # a run sends it to its run.log


@dataclass(frozen=True)
class Failure:
    """Why something could not be made."""

    type: str
    message: str

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Returns the failure that an exception tells of."""
        message = told(error)
        if is_out_of_memory(error):
            message = f"{message}; {MEMORY_ADVICE}"
        elif message.endswith("is read-only"):  # NumPy's words
            message = f"{message}; {COPY_ADVICE}"
        return cls(type(error).__name__, message)


@dataclass(frozen=True)
class NotRun(Failure):
    """Why something was not even tried."""


@dataclass
class Clock:
    """Seconds spent inside models and measurements, loading included."""

    model_seconds: float = 0.0

    @contextmanager
    def inside_model(self) -> Iterator[None]:
        """Counts the time until it is left.

        Raises:
            KeyboardInterrupt: The person wished to stop before, and C code lost it.
        """
        heed()
        started = time.perf_counter()
        try:
            yield
        finally:
            self.model_seconds += time.perf_counter() - started


def attempt(make: Callable[[], Result]) -> Result | Failure:
    """Returns what `make` returns, or why it failed.

    Whatever models' code raises is a failure, be it `SystemExit` or a `KeyboardInterrupt` that nobody asked for. A disk
    that refuses, a judge that cannot load, and the person's own Ctrl-C end the run. What the store lost is made again,
    by `Sounds`.
    """
    try:
        return make()
    except (StorageError, ModelError, DamagedError):
        raise
    except BaseException as error:  # here a failure becomes a row
        if is_wanted(error):
            raise KeyboardInterrupt from error
        _LOG.error("this became a failure:\n%s", without_credentials("".join(traceback.format_exception(error))))
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
    raise SynthesisError(ENDED_EARLY)
