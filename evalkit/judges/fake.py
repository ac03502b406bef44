"""The shipped fake judges: they hear what the engine `tone` whistles, exactly, and need no weights."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.judges.base import SpeakerEncoder, SpeechDetector, Transcriber, Transcript
from evalkit.whistle import HUM_RANGE, heard_hum, heard_text, timed

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
            characters = heard_text(audio)
            if self.mishear:
                characters = characters.replace(self.mishear, "x")
            yield Transcript(" ".join(characters.split()), tuple(timed(characters)))


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LoudSpans(SpeechDetector):
    """Takes everything that is not digital silence for speech."""

    name: ClassVar[str] = "loud"

    def spans(self, audio: Audio) -> list[tuple[float, float]]:
        """See `SpeechDetector.spans`."""
        loud = np.flatnonzero(np.abs(audio.samples) > 1e-3)
        return [(loud[0] / audio.sample_rate, (loud[-1] + 1) / audio.sample_rate)] if len(loud) else []
