"""What an engine gives passes here, in its own process, before anything is cast, flattened or sent: all of it, or none.

Nothing is put right in silence: samples of another type or scale than `Audio` has would sound, and score, as something.
"""

import math
import reprlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from numbers import Integral, Real
from typing import TypeVar

import numpy as np

from evalkit.audio import SILENCE_PEAK, Audio
from evalkit.engines.base import Engine, Request, Synthesis
from evalkit.errors import SynthesisError

Value = TypeVar("Value")

SLOWEST_RATE, FASTEST_RATE = 8_000, 192_000  # Hz
LOUDEST = 2.0  # 6 dB beyond full scale: vocoders overshoot it by less; beyond are samples on another scale
LONGEST_TEXT = 100_000  # characters
ENDED_EARLY = "the model ended before every item was answered"
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60


def given_by(engine: Engine, requests: Iterable[Request]) -> Iterator[object]:
    """Returns what an engine gives for requests, each with a prompt of its own.

    Raises:
        SynthesisError: It gives nothing that could be gone through.
    """
    given: object = engine.synthesize(request.apart() for request in requests)
    if not isinstance(given, Iterable):
        raise SynthesisError(f"synthesize gave {_SHORT.repr(given)}, expected an iterator of Synthesis")
    return iter(given)


def scorable(answer: object) -> Synthesis:
    """Returns what an engine gave, if it is sound that can be scored; its samples as float32.

    Raises:
        SynthesisError: It is not, and the message says what came and what was expected; or it is itself an error.
    """
    if isinstance(answer, SynthesisError):
        raise answer
    if not isinstance(answer, Synthesis):
        raise SynthesisError(f"the engine gave {_SHORT.repr(answer)}, expected a Synthesis")
    return replace(
        answer,
        audio=_audio(answer.audio),
        seconds=_seconds("seconds", answer.seconds),
        intended_text=_text(answer.intended_text),
        first_audio_seconds=_optional(_seconds, "first_audio_seconds", answer.first_audio_seconds),
        memory_bytes=_optional(_bytes, "memory_bytes", answer.memory_bytes),
        device_memory_bytes=_optional(_bytes, "device_memory_bytes", answer.device_memory_bytes),
    )


def _audio(given: object) -> Audio:
    if not isinstance(given, Audio):
        raise _wrong("audio", given, "an Audio(samples, sample_rate)")
    samples: object = given.samples
    rate: object = given.sample_rate
    if type(rate) is not int or not SLOWEST_RATE <= rate <= FASTEST_RATE:
        raise SynthesisError(
            f"the engine gave a sample rate of {rate!r}, expected whole Hz, {SLOWEST_RATE} to {FASTEST_RATE}"
        )
    if not isinstance(samples, np.ndarray):
        raise SynthesisError(f"the engine gave samples as a {type(samples).__name__}, expected a NumPy array")
    if samples.dtype.kind != "f":
        raise SynthesisError(f"the engine gave samples of type {samples.dtype}, expected floats from -1 to 1")
    if samples.ndim != 1:
        raise SynthesisError(f"the engine gave samples of shape {samples.shape}, expected one dimension (mono)")
    audio = Audio(np.array(samples, dtype=np.float32), rate)
    _check_level(audio)
    return audio


def _check_level(audio: Audio) -> None:
    if len(audio.samples) == 0:
        raise SynthesisError("the engine gave no samples")
    if not np.isfinite(audio.samples).all():
        raise SynthesisError("the engine gave samples that are not numbers (NaN or infinite)")
    if audio.peak > LOUDEST:
        raise SynthesisError(f"the engine gave samples of up to {audio.peak:.1f}, expected floats from -1 to 1")
    if audio.peak < SILENCE_PEAK:
        raise SynthesisError(f"the engine gave silence (peak {audio.peak:g})")


def _seconds(name: str, value: object, or_none: str = "") -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value) or value < 0:
        raise _wrong(name, value, f"a finite number of seconds, 0 or more{or_none}")
    return float(value)


def _bytes(name: str, value: object, or_none: str = "") -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise _wrong(name, value, f"whole bytes, 0 or more{or_none}")
    return int(value)


def _optional(check: Callable[[str, object, str], Value], name: str, value: object) -> Value | None:
    return None if value is None else check(name, value, ", or None")


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong("intended_text", value, "text or None")
    if len(value) > LONGEST_TEXT:
        raise SynthesisError(
            f"the engine gave an intended_text of {len(value)} characters, expected at most {LONGEST_TEXT}"
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _wrong("intended_text", value, "text of whole characters: there is half a character in it") from None
    return str(value)


def _wrong(name: str, value: object, expected: str) -> SynthesisError:
    return SynthesisError(f"the engine gave {name}={_SHORT.repr(value)}, expected {expected}")
