"""Engine `f5_tts`: F5-TTS through its package's own model code.

Prompts come prepared (audio and words belong together), so none of the package's own preparation is used: it cuts audio
without its text and transcribes behind one's back. Long texts are spoken in chunks, one seeded call each, since the
package runs several chunks in threads that share one random generator.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.engines.base import STRICT, Request
from evalkit.engines.snapshots import SnapshotEngine
from evalkit.errors import SynthesisError
from evalkit.prompt import Prompt
from evalkit.weights.devices import Dtype, device_of, dtype_of, release, seeded
from evalkit.weights.loading import explained

if TYPE_CHECKING:
    import torch

RATE = 24_000
WINDOW_SECONDS = 22.0  # prompt and chunk together; the model was trained on up to 30 s
MIN_CHUNK_BYTES = 60  # a long prompt leaves no room by that rule, and words must not be torn apart
SENTENCE_ENDS = ".!?;:。！？…"
LAYOUT = ("*.[sp][at]*", "vocab*.txt", "vocos/config.yaml", "vocos/pytorch_model.bin")  # a .safetensors or a .pt


@dataclass(frozen=True, config=STRICT)
class F5TTS(SnapshotEngine):
    """F5-TTS (flow matching over mel spectrograms, Vocos vocoder).

    Attributes:
        weights: An asset, `f5_tts_v1_base` or `openf5_base`, or a directory with one checkpoint (.safetensors or .pt),
            vocab.txt, vocos/config.yaml, vocos/pytorch_model.bin and, for another architecture than F5TTS_v1_Base, a
            YAML file of it as the package writes them.
        nfe_step: Function evaluations of the sampler.
        cfg_strength: Classifier-free guidance.
        sway_sampling_coef: Shifts the sampler's steps towards the start (negative) or the end.
        speed: Of speaking; 1 is the prompt's.
        target_rms: Quieter prompts are raised to this level, and the output lowered again.
        cross_fade_seconds: Overlap of neighbouring chunks.
        ode_method: Solver of the flow.
        dtype: Precision of the flow model; `auto` is the package's own choice, float16 on CUDA, else float32.
        device: Where to compute.
    """

    name: ClassVar[str] = "f5_tts"
    revision: ClassVar[int] = 2
    sample_rate: ClassVar[int] = RATE
    published: ClassVar[tuple[str, ...]] = ("f5_tts_v1_base", "openf5_base")
    layout: ClassVar[tuple[str, ...]] = LAYOUT
    packages: ClassVar[tuple[str, ...]] = (
        "f5-tts", "vocos", "torchdiffeq", "x-transformers", "torch",
        "torchaudio",  # the prompt's mel spectrogram
        "rjieba", "pypinyin",  # text into letters: where words are parted, in English too
    )  # fmt: skip
    extra: ClassVar[str] = "f5"

    weights: str = "f5_tts_v1_base"
    nfe_step: Annotated[int, Field(ge=1, le=256)] = 32
    cfg_strength: Annotated[float, Field(ge=0, le=10)] = 2.0
    sway_sampling_coef: Annotated[float, Field(ge=-1, le=1)] = -1.0
    speed: Annotated[float, Field(ge=0.3, le=3)] = 1.0
    target_rms: Annotated[float, Field(gt=0, le=1)] = 0.1
    cross_fade_seconds: Annotated[float, Field(ge=0, le=1)] = 0.15
    ode_method: Literal["euler", "midpoint"] = "euler"
    dtype: Dtype = "auto"
    device: str = "auto"

    def load(self) -> None:
        """See `Engine.load`."""
        _models(self.folder, device_of(self.device), self.dtype)

    def speak(self, request: Request) -> Audio:
        """See `Engine.speak`."""
        spoken = [self._chunk(chunk, request, index) for index, chunk in enumerate(self._chunks(request))]
        return Audio(np.clip(_crossfaded(spoken, round(self.cross_fade_seconds * RATE)), -1, 1), RATE)

    def close(self) -> None:
        """See `Engine.close`."""
        _models.cache_clear()
        release()

    def _chunks(self, request: Request) -> list[str]:
        from f5_tts.infer.utils_infer import chunk_text

        text, seconds = reference_text(request.prompt), request.prompt.audio.seconds
        room = len(text.encode()) / seconds * (WINDOW_SECONDS - seconds) * self.speed
        chunks: list[str] = chunk_text(request.text, max_chars=max(MIN_CHUNK_BYTES, int(room)))
        return chunks

    def _chunk(self, text: str, request: Request, index: int) -> NDArray[np.float32]:
        import torch
        from f5_tts.infer.utils_infer import infer_batch_process

        device = device_of(self.device)
        model, vocoder = _models(self.folder, device, self.dtype)
        model.odeint_kwargs = {"method": self.ode_method}
        audio = torch.tensor(request.prompt.audio.samples).unsqueeze(0)
        with seeded(request.seed, index, device):
            samples, _, _ = next(
                infer_batch_process(
                    (audio, request.prompt.audio.sample_rate),
                    reference_text(request.prompt),
                    [text],
                    model,
                    vocoder,
                    progress=None,
                    target_rms=self.target_rms,
                    cross_fade_duration=0,
                    nfe_step=self.nfe_step,
                    cfg_strength=self.cfg_strength,
                    sway_sampling_coef=self.sway_sampling_coef,
                    speed=self.speed,
                    device=device,
                )
            )
        return np.asarray(samples, dtype=np.float32)


def reference_text(prompt: Prompt) -> str:
    """Returns the prompt's words as the model was trained to see them: a sentence's end, then a space."""
    text = prompt.text.strip()
    return f"{text} " if text.endswith(tuple(SENTENCE_ENDS)) else f"{text}. "


def _crossfaded(parts: Sequence[NDArray[np.float32]], overlap: int) -> NDArray[np.float32]:
    result = parts[0]
    for part in parts[1:]:
        shared = min(overlap, len(result), len(part))
        ramp = np.linspace(0, 1, shared, dtype=np.float32)
        mixed = result[len(result) - shared :] * (1 - ramp) + part[:shared] * ramp
        result = np.concatenate([result[: len(result) - shared], mixed, part[shared:]])
    return result.astype(np.float32)


@cache
def _models(folder: Path, device: str, dtype: Dtype) -> "tuple[Any, torch.nn.Module]":
    """Returns the flow model and the vocoder; cells that differ in knobs share them."""
    import f5_tts.model
    from f5_tts.infer.utils_infer import load_checkpoint, load_model, load_vocoder

    configs = sorted(folder.glob("*.yaml"))
    config = configs[0] if configs else Path(f5_tts.model.__file__).parent.parent / "configs/F5TTS_v1_Base.yaml"
    with explained(folder, "the flow model"):  # the package loads strictly: every weight is the checkpoint's
        described = yaml.safe_load(config.read_text(encoding="utf-8"))["model"]
        checkpoint = str(_only(folder, LAYOUT[0]))
        model = load_model(
            getattr(f5_tts.model, described["backbone"]),
            described["arch"],
            checkpoint,
            mel_spec_type="vocos",
            vocab_file=str(_only(folder, LAYOUT[1])),
            device=device,
        )
        if dtype != "auto":  # by itself it loads halves on a GPU, which no cast makes whole again
            model = load_checkpoint(model, checkpoint, device, dtype=dtype_of(dtype, device))
    with explained(folder / "vocos", "the vocoder"):
        return model, load_vocoder("vocos", is_local=True, local_path=str(folder / "vocos"), device=device)


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise SynthesisError(f"{folder}: expected one file like {pattern}, found {names}")
    return found[0]
