"""Transcriber `whisper_hf`: Whisper through transformers' own code, called as seed-tts-eval calls it.

faster-whisper has the same weights in other arithmetic, and another search. How far apart they are is a number:
`python -m evalkit bench judges`.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.errors import JudgementError
from evalkit.judges.base import Transcriber, Transcript
from evalkit.judges.snapshots import SnapshotJudge
from evalkit.networks.frames import samples_at
from evalkit.weights.devices import release
from evalkit.weights.loading import explained, whole_model

RATE = 16_000
CHUNK = 30 * RATE  # samples that Whisper hears at a time
TIED = ("proj_out.weight",)  # it is the embedding of the tokens


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class WhisperHf(SnapshotJudge, Transcriber):
    """Whisper told the language and to transcribe, greedy, without timestamps, in 32 bits.

    Audio is heard in chunks of 30 s, each by itself. seed-tts-eval hears the first chunk only.

    Attributes:
        weights: The asset `whisper_large_v3`, or a directory with a snapshot of a Whisper model.
        device: Where to compute.
    """

    name: ClassVar[str] = "whisper_hf"
    published: ClassVar[tuple[str, ...]] = ("whisper_large_v3",)
    layout: ClassVar[tuple[str, ...]] = (
        "config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json", "*model*",
    )  # fmt: skip
    packages: ClassVar[tuple[str, ...]] = ("transformers", "torch")

    weights: str = "whisper_large_v3"
    device: str = "auto"

    def transcribe(self, audios: Sequence[Audio], languages: Sequence[str]) -> Iterator[Transcript]:
        """See `Transcriber.transcribe`.

        Raises:
            JudgementError: Samples are no numbers, or the model does not know the language.
        """
        for audio, language in zip(audios, languages, strict=True):
            self._check(language)
            samples = samples_at(audio, RATE)
            chunks = [samples[start : start + CHUNK] for start in range(0, max(1, len(samples)), CHUNK)]
            yield Transcript(" ".join(" ".join(self._heard(chunk, language) for chunk in chunks).split()))

    def load(self) -> None:
        """See `Judge.load`."""
        self._loaded()

    def close(self) -> None:
        """See `Judge.close`."""
        _model.cache_clear()
        release()

    def _check(self, language: str) -> None:
        _, model = self._loaded()
        known = sorted(token.strip("<|>") for token in model.generation_config.lang_to_id)
        if language not in known:
            some = ", ".join(known[:10])
            raise JudgementError(
                f"{self.name} with these weights knows no language {language!r}; it knows {len(known)} codes, among "
                f"them {some}"
            )

    def _heard(self, samples: NDArray[np.float32], language: str) -> str:
        import torch

        processor, model = self._loaded()
        features = processor(samples, sampling_rate=RATE, return_tensors="pt").input_features.to(model.device)
        with torch.inference_mode():
            tokens = model.generate(features, language=language, task="transcribe", return_timestamps=False)
        return str(processor.batch_decode(tokens, skip_special_tokens=True)[0])

    def _loaded(self) -> tuple[Any, Any]:
        return _model(*self.location)


@cache
def _model(folder: Path, device: str) -> tuple[Any, Any]:
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    with explained(folder, "the processor"):
        processor = WhisperProcessor.from_pretrained(folder, local_files_only=True)
    model = whole_model(WhisperForConditionalGeneration, folder, {"dtype": "float32"}, TIED)
    return processor, model.to(device)
