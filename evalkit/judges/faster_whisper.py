"""Transcriber `faster_whisper`: Whisper through CTranslate2, with its decoding fixed so that a transcript is a fact."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from evalkit.assets import library
from evalkit.audio import Audio
from evalkit.judges.base import Transcriber, Transcript

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

RATE = 16_000


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class FasterWhisper(Transcriber):
    """Whisper with beam search at temperature 0, no text carried from one window to the next.

    Attributes:
        model: Asset with the converted weights.
        beam_size: Hypotheses kept while decoding.
        compute_type: Precision of the weights in CTranslate2's words.
        device: Where to compute.
    """

    name: ClassVar[str] = "faster_whisper"
    packages: ClassVar[tuple[str, ...]] = ("faster-whisper", "ctranslate2")

    model: str = "whisper_base_ct2"
    beam_size: Annotated[int, Field(ge=1, le=10)] = 5
    compute_type: Literal["int8", "int8_float16", "float16", "float32"] = "int8"
    device: str = "auto"

    @property
    def assets(self) -> tuple[str, ...]:  # type: ignore[override]
        """The weights it was told to use."""
        return (self.model,)

    def transcribe(self, audios: Sequence[Audio], languages: Sequence[str]) -> Iterator[Transcript]:
        """See `Transcriber.transcribe`."""
        model = _model(str(library().folder(self.model)), self.device, self.compute_type)
        for audio, language in zip(audios, languages, strict=True):
            segments, _ = model.transcribe(
                audio.resampled(RATE).samples,
                language=language,
                beam_size=self.beam_size,
                temperature=0.0,  # no random fall-back: the same sound always gives the same words
                condition_on_previous_text=False,
            )
            yield Transcript(" ".join("".join(segment.text for segment in segments).split()))

    def close(self) -> None:
        """See `Judge.close`."""
        _model.cache_clear()


@cache
def _model(path: str, device: str, compute_type: str) -> "WhisperModel":
    from faster_whisper import WhisperModel

    return WhisperModel(path, device=device, compute_type=compute_type, local_files_only=True)
