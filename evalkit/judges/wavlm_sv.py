"""Speaker encoder `wavlm_sv`: WavLM with an x-vector head, through transformers' own code."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from evalkit.judges.base import SpeakerEncoder
from evalkit.judges.snapshots import SnapshotJudge
from evalkit.weights.devices import release
from evalkit.weights.loading import explained, whole_model

RATE = 16_000
UNUSED = (
    "masked_spec_embed",
    "*.masked_spec_embed",
    "objective.*",
    "classifier.*",
)  # for training, and after the embedding


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class WavLMSV(SnapshotJudge, SpeakerEncoder):
    """WavLM speaker verification: 16 kHz waveform, 512 dimensions.

    Attributes:
        weights: The asset `wavlm_base_plus_sv`, or a directory with a snapshot of such a model.
        device: Where to compute.
    """

    name: ClassVar[str] = "wavlm_sv"
    published: ClassVar[tuple[str, ...]] = ("wavlm_base_plus_sv",)
    layout: ClassVar[tuple[str, ...]] = ("config.json", "preprocessor_config.json", "*model*")
    packages: ClassVar[tuple[str, ...]] = ("transformers", "torch")
    # The head's convolutions span 15 frames, and a deviation needs 16: 0.325 s; this gives one to spare.
    least_seconds: ClassVar[float] = 0.35

    weights: str = "wavlm_base_plus_sv"
    device: str = "auto"

    def vectors(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """See `SpeakerEncoder.vectors`; one by one, since the first layer's norm is over all samples, padding too."""
        import torch

        extractor, model = self._loaded()
        found = []
        with torch.inference_mode():
            for samples in batch:
                values = extractor(samples, sampling_rate=RATE, return_tensors="pt").input_values
                found.append(model(values.to(model.device)).embeddings[0].cpu().numpy())
        return np.stack(found)

    def load(self) -> None:
        """See `Judge.load`."""
        self._loaded()

    def close(self) -> None:
        """See `Judge.close`."""
        _model.cache_clear()
        release()

    def _loaded(self) -> tuple[Any, Any]:
        return _model(*self.location)


@cache
def _model(folder: Path, device: str) -> tuple[Any, Any]:
    from transformers import AutoFeatureExtractor, WavLMForXVector

    with explained(folder, "the feature extractor"):
        extractor = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
    return extractor, whole_model(WavLMForXVector, folder, {"dtype": "float32"}, UNUSED).to(device)
