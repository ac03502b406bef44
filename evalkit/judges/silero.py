"""Speech detector `silero`: the Silero voice activity detector that faster-whisper brings along."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.judges.base import SpeechDetector

RATE = 16_000


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Silero(SpeechDetector):
    """Silero VAD.

    Attributes:
        threshold: Probability above which a chunk of 32 ms is speech.
        pad_ms: Milliseconds kept around speech, so that soft onsets stay.
    """

    name: ClassVar[str] = "silero"
    packages: ClassVar[tuple[str, ...]] = ("faster-whisper", "onnxruntime")  # the network, and what computes it

    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    pad_ms: Annotated[int, Field(ge=0, le=1000)] = 60

    def spans(self, audio: Audio) -> list[tuple[float, float]]:
        """See `SpeechDetector.spans`."""
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        options = VadOptions(threshold=self.threshold, min_silence_duration_ms=300, speech_pad_ms=self.pad_ms)
        found = get_speech_timestamps(audio.resampled(RATE).samples, options)
        return [(span["start"] / RATE, min(span["end"] / RATE, audio.seconds)) for span in found]
