"""Whether the person wants the process to stop: a signal says so; code that raises what Ctrl-C would does not."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

EXIT_CODE = 130  # what shells report for Ctrl-C


@dataclass
class _Signals:
    heeded: bool = False
    came: bool = False


_SIGNALS = _Signals()


@contextmanager
def heeding_signals() -> Iterator[None]:
    """Turns SIGINT and SIGTERM into `KeyboardInterrupt` until it is left, and remembers that one came.

    A signal that the process was told to ignore, as by `nohup`, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    wanted = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, _stop) for number in wanted}
    _SIGNALS.heeded, _SIGNALS.came = True, False
    try:
        yield
    finally:
        _SIGNALS.heeded = False
        for number, handler in before.items():
            signal.signal(number, handler)


def is_wanted(error: BaseException) -> bool:
    """Whether an exception is the person's wish, however it looks by now: models' code catches and renames it.

    Where signals are not heeded, as in a notebook, every `KeyboardInterrupt` is.
    """
    return _SIGNALS.came if _SIGNALS.heeded else isinstance(error, KeyboardInterrupt)


def heed() -> None:
    """Does nothing, unless a signal came and what it raised was lost: in a callback, say, which nothing can leave.

    Raises:
        KeyboardInterrupt: So it was.
    """
    if _SIGNALS.heeded and _SIGNALS.came:
        raise KeyboardInterrupt


def _stop(signum: int, frame: FrameType | None) -> None:
    _SIGNALS.came = True
    raise KeyboardInterrupt
