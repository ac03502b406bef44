"""Transcriber `hf_ctc`: an encoder with a CTC head (HuBERT, wav2vec 2.0, WavLM), through transformers' own code.

It has no language model: it writes what it hears, letter by letter, and cannot make up a sentence.
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
from evalkit.networks.frames import samples_at, windows
from evalkit.weights.devices import release
from evalkit.weights.loading import explained, whole_model

RATE = 16_000
LEAST_SECONDS = 0.1
UNUSED = ("masked_spec_embed", "*.masked_spec_embed")  # for training


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class HfCtc(SnapshotJudge, Transcriber):
    """Greedy CTC: the likeliest letter of each frame.

    Audio longer than 30 s is heard in windows of equal length, at most 30 s each; a word on a border can be lost.

    Attributes:
        weights: The asset `hubert_large_ls960`, or a directory with a snapshot of such a model.
        knows: The one language that the model knows (ISO 639-1).
        device: Where to compute.
    """

    name: ClassVar[str] = "hf_ctc"
    published: ClassVar[tuple[str, ...]] = ("hubert_large_ls960",)
    layout: ClassVar[tuple[str, ...]] = ("config.json", "preprocessor_config.json", "vocab.json", "*model*")
    packages: ClassVar[tuple[str, ...]] = ("transformers", "torch")

    weights: str = "hubert_large_ls960"
    knows: str = "en"
    device: str = "auto"

    def transcribe(self, audios: Sequence[Audio], languages: Sequence[str]) -> Iterator[Transcript]:
        """See `Transcriber.transcribe`."""
        for audio, language in zip(audios, languages, strict=True):
            if language != self.knows:
                raise JudgementError(
                    f"{self.name} with these weights knows the language {self.knows} only, not {language}; "
                    "use judge/asr=whisper_base"
                )
            samples = samples_at(audio, RATE, LEAST_SECONDS)
            yield Transcript(" ".join(" ".join(self._heard(window) for window in windows(samples, RATE)).split()))

    def knows_language(self, code: str) -> bool:
        """See `Transcriber.knows_language`."""
        return code == self.knows

    def load(self) -> None:
        """See `Judge.load`."""
        self._loaded()

    def close(self) -> None:
        """See `Judge.close`."""
        _model.cache_clear()
        release()

    def _heard(self, samples: NDArray[np.float32]) -> str:
        """One window by itself: models whose first layer normalises over all samples would hear padding too."""
        import torch

        processor, model = self._loaded()
        values = processor(samples, sampling_rate=RATE, return_tensors="pt").input_values
        with torch.inference_mode():
            likeliest = model(values.to(model.device)).logits[0].argmax(dim=-1).cpu()
        return str(processor.decode(likeliest))

    def _loaded(self) -> tuple[Any, Any]:
        return _model(*self.location)


@cache
def _model(folder: Path, device: str) -> tuple[Any, Any]:
    from transformers import AutoModelForCTC, AutoProcessor

    with explained(folder, "the processor"):
        processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    return processor, whole_model(AutoModelForCTC, folder, {"dtype": "float32"}, UNUSED).to(device)
