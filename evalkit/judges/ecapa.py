"""Speaker encoder `ecapa`: ECAPA-TDNN trained on VoxCeleb 1 and 2, through SpeechBrain's own code."""

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from evalkit.judges.base import SpeakerEncoder
from evalkit.judges.snapshots import SnapshotJudge
from evalkit.weights.devices import release
from evalkit.weights.loading import explained, refuse_missing

if TYPE_CHECKING:
    from speechbrain.inference.classifiers import EncoderClassifier

CHECKPOINT = "embedding_model.ckpt"


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Ecapa(SnapshotJudge, SpeakerEncoder):
    """ECAPA-TDNN: 16 kHz, 80 log mel bands minus their mean over time, 192 dimensions.

    Attributes:
        weights: The asset `ecapa`, or a directory with its files. What its `hyperparams.yaml` names is run.
        device: Where to compute.
    """

    name: ClassVar[str] = "ecapa"
    published: ClassVar[tuple[str, ...]] = ("ecapa",)
    layout: ClassVar[tuple[str, ...]] = (
        "hyperparams.yaml", CHECKPOINT, "mean_var_norm_emb.ckpt", "classifier.ckpt", "label_encoder.txt",
    )  # fmt: skip
    packages: ClassVar[tuple[str, ...]] = ("speechbrain", "torch")

    weights: str = "ecapa"
    device: str = "auto"

    def vectors(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """See `SpeakerEncoder.vectors`; one by one.

        SpeechBrain's `wav_lens` keep padding out of the means, but not out of the convolutions, which would see silence
        where alone they see the speech mirrored: beside 10 s, the embedding of 5 s has a cosine of 0.99 with its own
        (random weights of the published shape).
        """
        import torch

        network = self._loaded()
        with torch.inference_mode():
            found = [network.encode_batch(torch.tensor(samples).unsqueeze(0)) for samples in batch]
        return np.stack([vector[0, 0].float().cpu().numpy() for vector in found])

    def load(self) -> None:
        """See `Judge.load`."""
        self._loaded()

    def close(self) -> None:
        """See `Judge.close`."""
        _network.cache_clear()
        release()

    def _loaded(self) -> "EncoderClassifier":
        return _network(*self.location)


def _forget_lazy_modules() -> None:
    """Takes out of `sys.modules` what SpeechBrain put there for later.

    Whoever looks through the loaded modules, as `inspect` does, would import these, and fail: they want other packages.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("speechbrain.") and type(module).__name__ in ("LazyModule", "DeprecatedModuleRedirect"):
            del sys.modules[name]


@cache
def _network(folder: Path, device: str) -> "EncoderClassifier":
    from speechbrain.inference.classifiers import EncoderClassifier
    from speechbrain.utils.checkpoints import torch_patched_state_dict_load
    from speechbrain.utils.fetching import FetchConfig

    _forget_lazy_modules()
    with explained(folder, "the encoder"):
        network = EncoderClassifier.from_hparams(
            source=str(folder),
            savedir=None,  # read where they lie: neither copies nor links
            overrides={"pretrained_path": str(folder)},  # the published file names a repository of the model hub
            fetch_config=FetchConfig(allow_network=False),
            run_opts={"device": "cuda:0" if device == "cuda" else device},  # SpeechBrain wants the number
        )
        # Once more: SpeechBrain leaves random what a checkpoint lacks, and only says so.
        state = torch_patched_state_dict_load(folder / CHECKPOINT)
        found = network.mods.embedding_model.load_state_dict(state, strict=False)
    refuse_missing(folder, found.missing_keys, found.unexpected_keys, ())
    return network
