"""The shipped fake judges: they hear what the engine `tone` whistles, exactly, and need no weights.

Each can be told to refuse sounds, as a real judge may, so that what a refusal costs can be seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.errors import JudgementError
from evalkit.judges.base import QualityModel, SpeakerEncoder, SpeechDetector, Transcriber, Transcript
from evalkit.whistle import HUM_RANGE, heard_hum, heard_text, timed

CENTRES = np.arange(*HUM_RANGE, 10.0)  # Hz
WIDTH = 20.0  # Hz: two hums this far apart have a cosine of exp(-1/4)
STEP = 70.0  # Hz
MOST, LEAST = 5.0, 1.0  # of a mean opinion score


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class HumEncoder(SpeakerEncoder):
    """Tells speakers by their hum: cos(a, b) = exp(-((a - b) / 40 Hz)^2), well inside the range of hums.

    Attributes:
        crash_on: Raises where the sound says this.
    """

    name: ClassVar[str] = "hum"

    crash_on: str | None = None

    def vectors(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """See `SpeakerEncoder.vectors`."""
        return _vectors(_hums(batch, self.crash_on))


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class CoarseEncoder(SpeakerEncoder):
    """Tells speakers by the multiple of 70 Hz that is nearest to their hum; those n steps apart as `hum` tells 70 n Hz.

    Attributes:
        crash_on: Raises where the sound says this.
    """

    name: ClassVar[str] = "coarse"

    crash_on: str | None = None

    def vectors(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """See `SpeakerEncoder.vectors`."""
        return _vectors(STEP * np.rint(_hums(batch, self.crash_on) / STEP))


def _hums(batch: Sequence[NDArray[np.float32]], crash_on: str | None) -> NDArray[np.float64]:
    sounds = [Audio(samples, SpeakerEncoder.rate) for samples in batch]
    return np.array([heard_hum(_accepted(sound, crash_on)) for sound in sounds])


def _vectors(hums: NDArray[np.float64]) -> NDArray[np.float32]:
    vectors: NDArray[np.float32] = np.exp(-0.5 * ((hums[:, None] - CENTRES) / WIDTH) ** 2).astype(np.float32)
    return vectors


def _accepted(sound: Audio, crash_on: str | None) -> Audio:
    """Returns the sound, unless it says what a judge was told to crash on."""
    if crash_on is not None and crash_on in heard_text(sound):
        raise JudgementError(f"told to crash on {crash_on!r}")
    return sound


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class WhistleReader(Transcriber):
    """Reads one character each 30 ms.

    Attributes:
        mishear: A character that it takes for "x".
        crash_on: Raises where the sound says this.
    """

    name: ClassVar[str] = "whistle"

    mishear: str | None = None
    crash_on: str | None = None

    def transcribe(self, audios: Sequence[Audio], languages: Sequence[str]) -> Iterator[Transcript]:
        """See `Transcriber.transcribe`."""
        for audio, _ in zip(audios, languages, strict=True):
            characters = heard_text(_accepted(audio, self.crash_on))
            if self.mishear:
                characters = characters.replace(self.mishear, "x")
            yield Transcript(" ".join(characters.split()), tuple(timed(characters)))


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Fluency(QualityModel):
    """Likes speech without pauses: 5 - 4 * the share of spaces among the characters that are whistled.

    Attributes:
        crash_on: Raises where the sound says this.
    """

    name: ClassVar[str] = "fluency"
    scores: ClassVar[tuple[str, ...]] = ("fluency",)

    crash_on: str | None = None

    def score(self, audios: Sequence[Audio]) -> Iterator[Mapping[str, float]]:
        """See `QualityModel.score`."""
        for audio in audios:
            characters = heard_text(_accepted(audio, self.crash_on))
            pauses = characters.count(" ") / len(characters) if characters else 1.0
            yield {"fluency": MOST - (MOST - LEAST) * pauses}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LoudSpans(SpeechDetector):
    """Takes everything that is not digital silence for speech."""

    name: ClassVar[str] = "loud"

    def spans(self, audio: Audio) -> list[tuple[float, float]]:
        """See `SpeechDetector.spans`."""
        loud = np.flatnonzero(np.abs(audio.samples) > 1e-3)
        return [(loud[0] / audio.sample_rate, (loud[-1] + 1) / audio.sample_rate)] if len(loud) else []
