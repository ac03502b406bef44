"""An engine that does to its process what the text says.

It imports no more than a worker needs, since it is run in a Python that has nothing else.
"""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import ClassVar

from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.engines.base import STRICT, Engine, Request

_loaded: list[str] = []


@dataclass(frozen=True, config=STRICT)
class Strange(Engine):
    """Plays its prompt, unless the text has another idea.

    Attributes:
        gain: Factor on the samples.
        log: A file that gets a line whenever weights are loaded.
        fails: Whether loading fails, and how.
        device: Where to compute.
    """

    name: ClassVar[str] = "strange"
    sample_rate: ClassVar[int] = 16_000
    packages: ClassVar[tuple[str, ...]] = ("numpy",)

    gain: float = 0.5
    log: str = ""
    fails: str = ""
    device: str = "auto"

    def load(self) -> None:
        act(self.fails)
        if not _loaded:
            _loaded.append("weights")
            if self.log:
                with Path(self.log).open("a") as file:
                    print(os.getpid(), file=file)

    def speak(self, request: Request) -> Audio:
        print("chatter on standard output")
        act(request.text)
        return Audio(request.prompt.audio.samples * self.gain, request.prompt.audio.sample_rate)


def act(what: str) -> None:
    match what:
        case "exit":
            print("a last word", file=sys.stderr, flush=True)
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            print("hanging", file=sys.stderr, flush=True)
            time.sleep(600)
        case "be told to stop while C code cannot raise":
            ctypes.CFUNCTYPE(None)(lambda: os.kill(os.getpid(), signal.SIGTERM))()
        case "memory":
            raise MemoryError("no more")
        case "raise":
            raise ValueError("not that")
