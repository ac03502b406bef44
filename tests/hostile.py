"""An engine that gives, does and raises what no engine should, where the text has a fox in it."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.engines.base import STRICT, Engine, Request, Synthesis

Act = Callable[[Request], Any]


class Mute(Exception):  # noqa: N818  it is no error of ours
    """An exception that cannot even say what it is."""

    def __str__(self) -> str:
        raise ValueError("no words")


def sounding(change: Callable[[np.ndarray], Any], rate: Any = None) -> Act:
    """Returns an act that gives the prompt, changed."""

    def act(request: Request) -> Synthesis:
        audio = request.prompt.audio
        return Synthesis(Audio(change(audio.samples), audio.sample_rate if rate is None else rate), 0.1)

    return act


def telling(**told: Any) -> Act:
    """Returns an act whose sound is fine, and which tells something else about it."""

    def act(request: Request) -> Synthesis:
        return Synthesis(**{"audio": request.prompt.audio, "seconds": 0.1, **told})

    return act


def giving(what: Any) -> Act:
    """Returns an act that gives something, whatever it was asked for."""
    return lambda request: what


def raising(error: BaseException) -> Act:
    """Returns an act that raises."""

    def act(request: Request) -> Synthesis:
        raise error

    return act


def leaving(request: Request) -> Synthesis:
    sys.exit(0)


def spoiling(request: Request) -> Synthesis:
    request.prompt.audio.samples[:] = 0.25
    return Synthesis(request.prompt.audio, 0.1)


def spoiling_by_force(request: Request) -> Synthesis:
    samples = request.prompt.audio.samples
    try:
        samples.flags.writeable = True
    except ValueError:
        samples = samples.copy()
    samples[:] = np.sin(np.arange(len(samples)) / 9) * 0.25
    return Synthesis(Audio(samples, request.prompt.audio.sample_rate), 0.1)


def deleting(variable: str) -> Act:
    """Returns an act that deletes the folder that an environment variable names."""

    def act(request: Request) -> Synthesis:
        shutil.rmtree(os.environ[variable])
        return Synthesis(request.prompt.audio, 0.1)

    return act


def swallowing(request: Request) -> Synthesis:
    print("asleep", flush=True)
    try:
        time.sleep(600)
    except KeyboardInterrupt:
        raise RuntimeError("what was that?") from None


def chattering(request: Request) -> Synthesis:
    print("chatter " * 20_000)
    return Synthesis(request.prompt.audio, 0.1)


def loud(samples: np.ndarray) -> np.ndarray:
    return samples * np.float32(32767)


ACTS: dict[str, Act] = {
    "fine": sounding(lambda samples: samples * np.float32(0.5)),
    "float64": sounding(lambda samples: samples.astype(np.float64) * 0.5),
    "float16": sounding(lambda samples: (samples * 0.5).astype(np.float16)),
    "stereo": sounding(lambda samples: np.stack([samples, samples], axis=1)),
    "stereo_rows": sounding(lambda samples: np.stack([samples, samples])),
    "complex": sounding(lambda samples: samples.astype(np.complex64)),
    "int16": sounding(lambda samples: loud(samples).astype(np.int16)),
    "int32": sounding(lambda samples: (samples * 2**31).astype(np.int64).clip(-(2**31), 2**31 - 1).astype(np.int32)),
    "uint8": sounding(lambda samples: (samples * 127 + 128).astype(np.uint8)),
    "bool": sounding(lambda samples: samples > 0),
    "loud": sounding(loud),
    "objects": sounding(lambda samples: samples.astype(object)),
    "words": sounding(lambda samples: np.array(["one", "two"])),
    "list": sounding(lambda samples: [0.1] * 16_000),
    "no_array": sounding(lambda samples: None),
    "rate_text": sounding(lambda samples: samples, "16000"),
    "rate_float": sounding(lambda samples: samples, 16_000.0),
    "rate_true": sounding(lambda samples: samples, True),
    "rate_negative": sounding(lambda samples: samples, -16_000),
    "rate_huge": sounding(lambda samples: samples, 10**30),
    "seconds_negative": telling(seconds=-1.0),
    "seconds_nan": telling(seconds=float("nan")),
    "seconds_endless": telling(seconds=float("inf")),
    "seconds_text": telling(seconds="soon"),
    "seconds_none": telling(seconds=None),
    "seconds_numpy": telling(seconds=np.float32(0.5)),
    "first_audio": telling(first_audio_seconds=-0.5),
    "memory": telling(memory_bytes=-1),
    "device_memory": telling(device_memory_bytes="much"),
    "intended_number": telling(intended_text=5),
    "intended_bytes": telling(intended_text=b"the quick brown fox"),
    "intended_surrogate": telling(intended_text="the quick \ud800 fox"),
    "intended_endless": telling(intended_text="fox " * 1_000_000),
    "audio_none": telling(audio=None),
    "audio_array": telling(audio=np.zeros(16_000, np.float32)),
    "none": giving(None),
    "number": giving(5),
    "exit": leaving,
    "exit_text": raising(SystemExit("good bye")),
    "interrupt": raising(KeyboardInterrupt()),
    "generator_exit": raising(GeneratorExit()),
    "cancelled": raising(asyncio.CancelledError()),
    "surrogate": raising(ValueError("half a character: \ud800")),
    "mute": raising(Mute()),
    "endless_message": raising(ValueError("never " * 1_000_000)),
    "chatter": chattering,
    "delete_store": deleting("HOSTILE_STORE"),
    "delete_reports": deleting("HOSTILE_REPORTS"),
    "swallow": swallowing,
    "spoil": spoiling,
    "spoil_by_force": spoiling_by_force,
}


@dataclass(frozen=True, config=STRICT)
class Hostile(Engine):
    """Plays its prompt at half its level, unless it is to say something of a fox.

    Attributes:
        does: What it does then: a name among `ACTS`.
        loads: What it does when it is loaded; none: nothing.
        closes: What it does when it is closed; none: nothing.
        device: Where to compute.
    """

    name: ClassVar[str] = "hostile"
    sample_rate: ClassVar[int] = 16_000

    does: str = "fine"
    loads: str = ""
    closes: str = ""
    device: str = "auto"

    def load(self) -> None:
        if self.loads:
            ACTS[self.loads](None)  # type: ignore[arg-type]

    def close(self) -> None:
        if self.closes:
            ACTS[self.closes](None)  # type: ignore[arg-type]

    def speak(self, request: Request) -> Audio:
        raise NotImplementedError

    def synthesize(self, requests: Iterable[Request]) -> Iterator[Synthesis]:
        self.load()
        for request in requests:
            yield ACTS[self.does if "fox" in request.text else "fine"](request)


class Silent(Hostile):
    """Does not even give an iterator."""

    def synthesize(self, requests: Iterable[Request]) -> Iterator[Synthesis]:
        return None  # type: ignore[return-value]


class Speechless(Hostile):
    """Forgets to return its sound."""

    synthesize = Engine.synthesize

    def speak(self, request: Request) -> Audio:
        if "fox" not in request.text:
            return request.prompt.audio
        return None  # type: ignore[return-value]
