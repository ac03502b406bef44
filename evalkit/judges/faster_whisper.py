"""Transcriber `faster_whisper`: Whisper through CTranslate2, with its decoding fixed so that a transcript is a fact."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from evalkit.assets import library
from evalkit.audio import Audio
from evalkit.judges.base import Transcriber, Transcript
from evalkit.words import Word

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment

RATE = 16_000


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class FasterWhisper(Transcriber):
    """Whisper with no text carried from one window to the next.

    Attributes:
        model: Asset with the converted weights.
        beam_size: Hypotheses kept while decoding.
        word_times: Also tell when each word is spoken.
        vad: Leave out what Silero's voice activity detection takes for no speech.
        vad_pad_ms: Milliseconds kept around speech.
        offset_seconds: Silence put before the audio, so that Whisper's window lies elsewhere.
        compute_type: Precision of the weights in CTranslate2's words.
        device: Where to compute.
    """

    name: ClassVar[str] = "faster_whisper"
    revision: ClassVar[int] = 2
    packages: ClassVar[tuple[str, ...]] = ("faster-whisper", "ctranslate2")

    model: str = "whisper_base_ct2"
    beam_size: Annotated[int, Field(ge=1, le=10)] = 5
    word_times: bool = False
    vad: bool = False
    vad_pad_ms: Annotated[int, Field(ge=0, le=2000)] = 400
    offset_seconds: Annotated[float, Field(ge=0, le=10)] = 0.0
    compute_type: Literal["int8", "int8_float16", "float16", "float32"] = "int8"
    device: str = "auto"

    @property
    def assets(self) -> tuple[str, ...]:  # type: ignore[override]
        """The weights it was told to use."""
        return (self.model,)

    def transcribe(self, audios: Sequence[Audio], languages: Sequence[str]) -> Iterator[Transcript]:
        """See `Transcriber.transcribe`."""
        for audio, language in zip(audios, languages, strict=True):
            segments, _ = self._loaded().transcribe(
                self._shifted(audio),
                language=language,
                beam_size=self.beam_size,
                temperature=0.0,  # CTranslate2 cannot be seeded anew: above 0 no transcript could be had twice
                condition_on_previous_text=False,
                word_timestamps=self.word_times,
                vad_filter=self.vad,
                vad_parameters={"speech_pad_ms": self.vad_pad_ms} if self.vad else None,
            )
            yield self._transcript(list(segments), audio.seconds)

    def language(self, audio: Audio) -> tuple[str, float] | None:
        """See `Transcriber.language`."""
        code, probability, _ = self._loaded().detect_language(audio.resampled(RATE).samples)
        return str(code), float(probability)

    def load(self) -> None:
        """See `Judge.load`."""
        self._loaded()

    def close(self) -> None:
        """See `Judge.close`."""
        _model.cache_clear()

    def _loaded(self) -> "WhisperModel":
        return _model(str(library().folder(self.model)), self.device, self.compute_type)

    def _shifted(self, audio: Audio) -> NDArray[np.float32]:
        return np.pad(audio.resampled(RATE).samples, (round(self.offset_seconds * RATE), 0))

    def _transcript(self, segments: "list[Segment]", seconds: float) -> Transcript:
        text = " ".join("".join(segment.text for segment in segments).split())
        words = tuple(
            Word(word.word.strip(), self._moment(word.start, seconds), self._moment(word.end, seconds))
            for segment in segments
            for word in segment.words or ()
        )
        return Transcript(text, words)

    def _moment(self, heard: float, seconds: float) -> float:
        return min(max(float(heard) - self.offset_seconds, 0.0), seconds)


@cache
def _model(path: str, device: str, compute_type: str) -> "WhisperModel":
    from faster_whisper import WhisperModel

    kind, _, index = device.partition(":")
    kind = "cpu" if kind == "mps" else kind  # CTranslate2 knows no Metal
    return WhisperModel(
        path, device=kind, device_index=int(index or 0), compute_type=compute_type, local_files_only=True
    )
