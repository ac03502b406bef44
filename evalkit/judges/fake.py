"""The shipped fake judges: they hear what the engine `tone` whistles, exactly, and need no weights."""

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.engines.tone import (
    ALPHABET,
    CHARACTER_SAMPLES,
    HUM_RANGE,
    LOWEST_PITCH,
    PITCH_STEP,
    RATE,
    heard_hum,
)
from evalkit.judges.base import SpeakerEncoder, SpeechDetector, Transcriber, Transcript
from evalkit.words import Word

CENTRES = np.arange(*HUM_RANGE, 10.0)  # Hz
WIDTH = 20.0  # Hz: two hums this far apart have a cosine of exp(-1/4)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class HumEncoder(SpeakerEncoder):
    """Tells speakers by their hum: cos(a, b) = exp(-((a - b) / 40 Hz)^2), well inside the range of hums."""

    name: ClassVar[str] = "hum"

    def vectors(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """See `SpeakerEncoder.vectors`."""
        hums = np.array([heard_hum(Audio(samples, self.rate)) for samples in batch])[:, None]
        vectors: NDArray[np.float32] = np.exp(-0.5 * ((hums - CENTRES) / WIDTH) ** 2).astype(np.float32)
        return vectors


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class WhistleReader(Transcriber):
    """Reads one character each 30 ms.

    Attributes:
        mishear: A character that it takes for "x".
    """

    name: ClassVar[str] = "whistle"

    mishear: str | None = None

    def transcribe(self, audios: Sequence[Audio], languages: Sequence[str]) -> Iterator[Transcript]:
        """See `Transcriber.transcribe`."""
        for audio, _ in zip(audios, languages, strict=True):
            characters = _read(audio)
            if self.mishear:
                characters = characters.replace(self.mishear, "x")
            yield Transcript(" ".join(characters.split()), tuple(_timed(characters)))


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LoudSpans(SpeechDetector):
    """Takes everything that is not digital silence for speech."""

    name: ClassVar[str] = "loud"

    def spans(self, audio: Audio) -> list[tuple[float, float]]:
        """See `SpeechDetector.spans`."""
        loud = np.flatnonzero(np.abs(audio.samples) > 1e-3)
        return [(loud[0] / audio.sample_rate, (loud[-1] + 1) / audio.sample_rate)] if len(loud) else []


def _timed(characters: str) -> Iterator[Word]:
    seconds = CHARACTER_SAMPLES / RATE
    for match in re.finditer(r"\S+", characters):
        yield Word(match.group(), match.start() * seconds, match.end() * seconds)


def _read(audio: Audio) -> str:
    samples = audio.resampled(RATE).samples
    frames = samples[: len(samples) // CHARACTER_SAMPLES * CHARACTER_SAMPLES].reshape(-1, CHARACTER_SAMPLES)
    spectra = np.abs(np.fft.rfft(frames * np.hanning(CHARACTER_SAMPLES), n=RATE // 10))  # bins of 10 Hz
    spectra[:, : round((LOWEST_PITCH - PITCH_STEP / 2) / 10)] = 0
    indices = np.rint((spectra.argmax(axis=1) * 10 - LOWEST_PITCH) / PITCH_STEP).astype(int)
    return "".join(ALPHABET[index] if 0 <= index < len(ALPHABET) else " " for index in indices)
