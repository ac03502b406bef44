"""Transcriber `faster_whisper`: Whisper through CTranslate2, with its decoding fixed so that a transcript is a fact.

Two ways lead to a transcript. The plain one is faster-whisper's own `transcribe`, one audio at a time. The quick one
decodes an audio's only window by `whisper_window.hear`, on all cores, and hands to the plain one what that leaves open.
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.errors import JudgementError
from evalkit.judges.base import Transcriber, Transcript
from evalkit.judges.whisper_window import FULL_FRAMES, RATE, Decoding, Snippet, Window, groups, hear
from evalkit.networks.frames import samples_at
from evalkit.weights.assets import library
from evalkit.weights.devices import cores
from evalkit.weights.loading import explained
from evalkit.words import Word

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment

PORTION = 32  # audios whose features are in memory at a time
# Audios a call. A processor gains nothing from more: the encoder outgrows its cache, so each core has its own audio.
GPU_BATCH, CPU_BATCH = 8, 1
MOST_WORKERS = 8  # each holds some 300 MB while it works, more with larger models
VOCABULARY = "vocabulary.json"
MULTILINGUAL = 51_865  # tokens: English-only weights have one less, and the same names of languages
KNOWN = ("en", "de", "es", "fr", "it", "ja", "ko", "pt", "ru", "zh")


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
        window: `full`: 30 s, whatever the audio's length, as Whisper was trained; transcripts are those of
            faster-whisper's `transcribe`. `fitted`: the audio and a margin, several times quicker; a few words differ.
            With `vad` or `word_times` it is always full.
        tell_language: Also tell the language heard.
        compute_type: Precision of the weights in CTranslate2's words.
        device: Where to compute.
    """

    name: ClassVar[str] = "faster_whisper"
    revision: ClassVar[int] = 3

    model: str = "whisper_base_ct2"
    beam_size: Annotated[int, Field(ge=1, le=10)] = 5
    word_times: bool = False
    vad: bool = False
    vad_pad_ms: Annotated[int, Field(ge=0, le=2000)] = 400
    offset_seconds: Annotated[float, Field(ge=0, le=10)] = 0.0
    window: Window = "full"
    tell_language: bool = False
    compute_type: Literal["int8", "int8_float16", "float16", "float32"] = "int8"
    device: str = "auto"

    @property
    def assets(self) -> tuple[str, ...]:  # type: ignore[override]
        """The weights it was told to use."""
        return (self.model,)

    @property
    def packages(self) -> tuple[str, ...]:  # type: ignore[override]
        """Those that decode; Silero is computed by ONNX Runtime."""
        return ("faster-whisper", "ctranslate2", "tokenizers", *(("onnxruntime",) if self.vad else ()))

    def transcribe(self, audios: Sequence[Audio], languages: Sequence[str]) -> Iterator[Transcript]:
        """See `Transcriber.transcribe`.

        Raises:
            JudgementError: Samples are no numbers, or Whisper does not know the language.
        """
        said = list(zip(audios, languages, strict=True))
        for start in range(0, len(said), PORTION):
            snippets, fault = [], None
            for audio, language in said[start : start + PORTION]:
                try:
                    snippets.append(self._snippet(audio, language))
                except JudgementError as error:
                    fault = error  # raised in its turn: an answer that is missing is the next one's
                    break
            yield from self._transcripts(snippets)
            if fault:
                raise fault

    def knows_language(self, code: str) -> bool:
        """See `Transcriber.knows_language`: what its vocabulary has a token for, of English-only weights English."""
        tokens = _vocabulary(library().folder(self.model) / VOCABULARY)
        if tokens is None or code == "en":
            return True
        return len(tokens) >= MULTILINGUAL and f"<|{code}|>" in tokens

    def language(self, audio: Audio) -> tuple[str, float] | None:
        """See `Transcriber.language`."""
        return self._language(samples_at(audio, RATE))

    def load(self) -> None:
        """See `Judge.load`."""
        self._loaded()

    def close(self) -> None:
        """See `Judge.close`."""
        _model.cache_clear()

    def _loaded(self) -> "WhisperModel":
        return _model(str(self._folder), self.device, self.compute_type, self._quick)

    @cached_property
    def _folder(self) -> Path:
        return library().whole(self.model)

    @property
    def _quick(self) -> bool:
        return not (self.vad or self.word_times)

    def _snippet(self, audio: Audio, language: str) -> Snippet:
        known = self._loaded().supported_languages
        if language not in known:
            some = ", ".join(code for code in KNOWN if code in known)
            raise JudgementError(
                f"{self.model} knows no language {language!r}; it knows {len(known)} codes, among them {some}"
            )
        samples = np.pad(samples_at(audio, RATE), (round(self.offset_seconds * RATE), 0))
        return Snippet(samples, language, audio.seconds)

    def _transcripts(self, snippets: Sequence[Snippet]) -> Iterator[Transcript]:
        if not self._quick:
            yield from map(self._plainly, snippets)
            return
        model = self._loaded().model
        chosen = groups(snippets, self._decoding, GPU_BATCH if model.device == "cuda" else CPU_BATCH)
        found: dict[int, Transcript] = {}
        with ThreadPoolExecutor(model.num_workers) as pool:
            answers = pool.map(self._together, ([snippets[index] for index in group] for group in chosen))
            for group, transcripts in zip(chosen, answers, strict=True):
                found |= dict(zip(group, transcripts, strict=True))
        yield from (found[index] for index in range(len(snippets)))

    @property
    def _decoding(self) -> Decoding:
        return Decoding(self.beam_size, self.window, self.tell_language)

    def _together(self, snippets: Sequence[Snippet]) -> list[Transcript]:
        """Returns transcripts of snippets that share a window's length."""
        if snippets[0].frames > FULL_FRAMES:
            return [self._plainly(snippet) for snippet in snippets]
        heard = hear(self._loaded(), snippets, self._decoding)
        return [
            self._plainly(snippet) if one is None else Transcript(" ".join(one.text.split()), (), one.language)
            for snippet, one in zip(snippets, heard, strict=True)
        ]

    def _plainly(self, snippet: Snippet) -> Transcript:
        segments, _ = self._loaded().transcribe(
            snippet.samples,
            language=snippet.language,
            beam_size=self.beam_size,
            temperature=0.0,  # CTranslate2 cannot be seeded anew: above 0 no transcript could be had twice
            condition_on_previous_text=False,
            word_timestamps=self.word_times,
            vad_filter=self.vad,
            vad_parameters={"speech_pad_ms": self.vad_pad_ms} if self.vad else None,
        )
        told = list(segments)
        text = " ".join("".join(segment.text for segment in told).split())
        language = self._language(snippet.samples) if self.tell_language else None
        return Transcript(text, self._words(told, snippet.seconds), language)

    def _words(self, segments: "list[Segment]", seconds: float) -> tuple[Word, ...]:
        return tuple(
            Word(word.word.strip(), self._moment(word.start, seconds), self._moment(word.end, seconds))
            for segment in segments
            for word in segment.words or ()
        )

    def _moment(self, heard: float, seconds: float) -> float:
        return min(max(float(heard) - self.offset_seconds, 0.0), seconds)

    def _language(self, samples: NDArray[np.float32]) -> tuple[str, float] | None:
        if not self._loaded().model.is_multilingual:
            return None
        code, probability, _ = self._loaded().detect_language(samples)
        return str(code), float(probability)


@cache
def _model(path: str, device: str, compute_type: str, quick: bool) -> "WhisperModel":
    import ctranslate2  # type: ignore[import-untyped]
    from faster_whisper import WhisperModel

    kind, _, index = device.partition(":")
    if kind == "auto":
        kind = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    kind = "cpu" if kind == "mps" else kind  # CTranslate2 knows no Metal
    workers, threads = _shares(cores()) if quick and kind == "cpu" else (1, 0)
    make = partial(
        WhisperModel,
        path,
        device=kind,
        device_index=int(index or 0),
        compute_type=compute_type,
        cpu_threads=threads,
        num_workers=workers,
        local_files_only=True,
    )
    # CTranslate2 sets OpenMP's threads for whichever thread makes a model. In ours that would be torch's too, and an
    # engine's sums, rounded otherwise, would depend on whether a judge was loaded before it.
    with ThreadPoolExecutor(1) as aside, explained(Path(path), "the model"):
        return aside.submit(make).result()


@cache
def _vocabulary(file: Path) -> frozenset[str] | None:
    """Returns the tokens of converted weights; None where they lie in another file."""
    if not file.is_file():
        return None
    return frozenset(json.loads(file.read_text(encoding="utf-8")))


def _shares(number: int) -> tuple[int, int]:
    """Returns workers and threads of each: many workers of one thread waste less than one worker of many threads."""
    workers = min(number, MOST_WORKERS)
    return workers, number // workers
