"""Speaker encoder `wavlm_large_sv`: WavLM-large fine-tuned for speaker verification, whose cosine papers print as SIM.

Its publishers load it without a look at names. Here a tensor that is missing, left over or of another shape is refused:
a head that stayed random gives numbers that look like SIM.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from evalkit.errors import WeightsError
from evalkit.judges.base import SpeakerEncoder
from evalkit.judges.snapshots import SnapshotJudge
from evalkit.weights.devices import release
from evalkit.weights.loading import advice, explained, quiet_transformers, some

if TYPE_CHECKING:
    from torch import Tensor

    from evalkit.networks.wavlm_ecapa import WavLMEcapa

FILE = "wavlm_large_finetune.pth"
# For training: the classes of the loss, and what stood for frames that were masked.
UNNEEDED = ("loss_calculator.projection.weight", "feature_extract.model.mask_emb")


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class WavLMLargeSV(SnapshotJudge, SpeakerEncoder):
    """WavLM-large with an ECAPA-TDNN head: 16 kHz waveform, layer-normalised as a whole, 256 dimensions.

    Attributes:
        weights: The asset `wavlm_large_sv`, or a directory with `wavlm_large_finetune.pth`.
        device: Where to compute.
    """

    name: ClassVar[str] = "wavlm_large_sv"
    published: ClassVar[tuple[str, ...]] = ("wavlm_large_sv",)
    layout: ClassVar[tuple[str, ...]] = (FILE,)
    packages: ClassVar[tuple[str, ...]] = ("transformers", "torch")

    weights: str = "wavlm_large_sv"
    device: str = "auto"

    def vectors(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """See `SpeakerEncoder.vectors`; one by one, since norms and pooling are over all frames, padding too."""
        import torch

        network, device = self._loaded(), self.location[1]
        with torch.inference_mode():
            found = [network(torch.tensor(samples, device=device).unsqueeze(0))[0].cpu().numpy() for samples in batch]
        return np.stack(found)

    def load(self) -> None:
        """See `Judge.load`.

        Raises:
            WeightsError: A tensor of the checkpoint is missing, unknown or of another shape.
        """
        self._loaded()

    def close(self) -> None:
        """See `Judge.close`."""
        _network.cache_clear()
        release()

    def _loaded(self) -> "WavLMEcapa":
        return _network(*self.location)


@cache
def _network(folder: Path, device: str) -> "WavLMEcapa":
    from evalkit.networks.wavlm_ecapa import published_name, sized

    quiet_transformers()
    tensors = _tensors(folder)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    try:
        with explained(folder, FILE):
            network = sized(shapes)
    except WeightsError as error:
        if isinstance(error.__cause__, KeyError):
            raise _refused(folder, "has no", [str(error.__cause__.args[0])]) from error
        raise
    names = {published_name(name): name for name in network.state_dict()}
    _refuse_others(folder, shapes, {theirs: tuple(network.state_dict()[ours].shape) for theirs, ours in names.items()})
    network.load_state_dict({ours: tensors[theirs] for theirs, ours in names.items()}, assign=True)
    return network.to(device).eval()


def _tensors(folder: Path) -> "dict[str, Tensor]":
    """Returns the checkpoint's tensors by their published names; its pickle may hold nothing but tensors."""
    import torch

    with explained(folder, FILE):
        content: Any = torch.load(folder / FILE, map_location="cpu", weights_only=True)
    state = content.get("model") if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping):
        raise WeightsError(f"{folder / FILE} has no dictionary `model`: it is another model's; {advice(folder)}")
    if odd := [str(name) for name, value in state.items() if not isinstance(value, torch.Tensor)]:
        raise _refused(folder, "has no tensor but something else as", odd)
    return {str(name): value.float() if value.is_floating_point() else value for name, value in state.items()}


def _refuse_others(folder: Path, found: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Does nothing if a checkpoint has just the tensors that are wanted, and those known to be unneeded.

    Raises:
        WeightsError: It has not; the message has the names, as the checkpoint's publishers write them.
    """
    if missing := sorted(wanted.keys() - found.keys()):
        raise _refused(folder, "has no", missing)
    if extra := sorted(found.keys() - wanted.keys() - set(UNNEEDED)):
        raise _refused(folder, "has, and the network knows not,", extra)
    if wrong := sorted(name for name in wanted if found[name] != wanted[name]):
        shapes = [f"{name} of shape {found[name]}, where its other tensors make it {wanted[name]}" for name in wrong]
        raise _refused(folder, "has", shapes)


def _refused(folder: Path, what: str, names: Sequence[str]) -> WeightsError:
    return WeightsError(f"{folder}: {FILE} {what} {some(names)}: it is another model's, or damaged; {advice(folder)}")
