"""Engine `chroma`: FlashLabs' Chroma-4B, a dialogue model that is told to read aloud, through its own remote code.

Its code comes with its weights and is run from a pinned revision, or from a directory that the user named. What that
code expects of transformers, and what it leaves undone, is put right here, in `chroma_fixes`.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.digest import Scalar
from evalkit.engines.base import STRICT, Request
from evalkit.engines.chroma_fixes import (
    prompt_as_given,
    tie_audio_embedding,
    without_model_defaults,
    without_reinitialising,
)
from evalkit.engines.long_texts import frames_for, text_parts
from evalkit.engines.snapshots import SnapshotEngine
from evalkit.errors import SynthesisError, told
from evalkit.weights.devices import (
    Dtype,
    device_of,
    dtype_of,
    is_out_of_memory,
    release,
    seeded,
)
from evalkit.weights.loading import explained, quiet_transformers, whole_model

RATE = 24_000
READ_ALOUD = "Do not answer, explain or paraphrase: read the user's text aloud, exactly as it is written."
TIED = ("backbone.audio_embedding.embed_audio_tokens.weight",)  # to the decoder's, by `tie_audio_embedding`
INERT = ("top_p", "repetition_penalty", "min_p", "num_beams")


@dataclass(frozen=True, config=STRICT)
class Chroma(SnapshotEngine):
    """Chroma-4B: a language model (the thinker) chooses words, a backbone and a decoder speak them.

    Attributes:
        weights: The asset `chroma_4b`, or a directory with a snapshot of the model.
        temperature: Of sampling audio codes.
        top_k: The most likely codes to sample from.
        greedy: Take the most likely code instead; the other two then do nothing.
        max_frames: Cap on audio frames (12.5 a second) of a chunk; `auto`: what its text needs, times `slack`.
        slack: Factor on the frames that a text needs.
        system_prompt: What makes the dialogue model read instead of answer.
        chunk_chars: Longer texts are spoken in parts, at most so many characters each.
        dtype: Precision of the weights; `auto` is bfloat16 on CUDA, float16 on MPS, float32 on a CPU.
        device: Where to compute.
        top_p: Refused, as are the next three: the model's code never looks at them.
        repetition_penalty: Refused.
        min_p: Refused.
        num_beams: Refused.
    """

    name: ClassVar[str] = "chroma"
    sample_rate: ClassVar[int] = RATE
    published: ClassVar[tuple[str, ...]] = ("chroma_4b",)
    layout: ClassVar[tuple[str, ...]] = ("config.json", "*.safetensors", "*.py")
    packages: ClassVar[tuple[str, ...]] = (
        "transformers>=5.0,<5.1", "tokenizers", "torch", "accelerate",
        "torchaudio", "torchvision", "librosa", "audioread", "av",  # its own code computes what it hears with these
    )  # fmt: skip
    extra: ClassVar[str] = "chroma"

    weights: str = "chroma_4b"
    temperature: Annotated[float, Field(gt=0, le=2)] = 0.7
    top_k: Annotated[int, Field(ge=1, le=2048)] = 50
    greedy: bool = False
    max_frames: Literal["auto"] | Annotated[int, Field(ge=1, le=2000)] = 512
    slack: Annotated[float, Field(ge=1, le=10)] = 2.0
    system_prompt: Annotated[str, Field(min_length=1)] = READ_ALOUD
    chunk_chars: Annotated[int, Field(ge=40, le=2000)] = 240
    dtype: Dtype = "auto"
    device: str = "auto"
    top_p: Any = None
    repetition_penalty: Any = None
    min_p: Any = None
    num_beams: Any = None

    @field_validator(*INERT)
    @classmethod
    def _is_inert(cls, value: object) -> None:
        if value is not None:
            raise ValueError(
                "the model's code ignores it: no difference would be real; temperature, top_k and greedy act"
            )

    def load(self) -> None:
        """See `Engine.load`."""
        self._loaded()

    def speak(self, request: Request) -> Audio:
        """See `Engine.speak`."""
        return self.speak_and_tell(request)[0]

    def speak_and_tell(self, request: Request) -> tuple[Audio, str | None]:
        """See `Engine.speak_and_tell`.

        Raises:
            SynthesisError: The model made no frame, or a code that its codec does not have.
        """
        parts = [
            self._chunk(text, request, index)
            for index, text in enumerate(text_parts(request.text, self.chunk_chars, request.language))
        ]
        meant = [text for _, text in parts if text is not None]
        samples = np.concatenate([samples for samples, _ in parts])
        return Audio(np.clip(samples, -1, 1), RATE), " ".join(meant) if len(meant) == len(parts) else None

    def knobs(self) -> dict[str, Scalar]:
        """See `Engine.knobs`."""
        return {name: value for name, value in super().knobs().items() if name not in INERT}

    def close(self) -> None:
        """See `Engine.close`."""
        _models.cache_clear()
        release()

    def _loaded(self) -> tuple[Any, Any]:
        return _models(self.folder, device_of(self.device), self.dtype)

    def _chunk(self, text: str, request: Request, index: int) -> tuple[NDArray[np.float32], str | None]:
        import torch

        model, processor = self._loaded()
        inputs = self._inputs(processor, text, request).to(model.device)
        given = {key: value.to(model.dtype) if value.is_floating_point() else value for key, value in inputs.items()}
        sampling = {} if self.greedy else {"temperature": self.temperature, "top_k": self.top_k}
        frames = frames_for(text, self.slack, request.language) if self.max_frames == "auto" else self.max_frames
        with (
            seeded(request.seed, index, str(model.device)),
            torch.inference_mode(),
            without_model_defaults(),
            _overheard(model, processor) as meant,
            _errors_explained(),
        ):
            spoken = model.generate(
                **given,
                max_new_tokens=frames,
                do_sample=not self.greedy,
                **sampling,
                use_cache=True,
                output_attentions=False,
                output_audio=True,
            )
        audio = spoken.audio if hasattr(spoken, "audio") else spoken
        samples = audio[0].detach().float().cpu().numpy().reshape(-1)
        return samples, "".join(meant) if meant else None

    def _inputs(self, processor: Any, text: str, request: Request) -> Any:
        roles = {"system": self.system_prompt, "user": text}
        conversation = [{"role": role, "content": [{"type": "text", "text": said}]} for role, said in roles.items()]
        return processor(
            [conversation],
            add_generation_prompt=True,
            tokenize=False,
            prompt_audio=[request.prompt.audio],
            prompt_text=[request.prompt.text],
            return_tensors="pt",
        )


@contextmanager
def _overheard(model: Any, processor: Any) -> Iterator[list[str]]:
    """Gives a list that holds, once the block is left, the text that the thinker chose, greedily, word by word."""
    thinker, tokenizer = getattr(model, "thinker", None), getattr(processor, "tokenizer", None)
    said: list[str] = []
    if thinker is None or tokenizer is None:
        yield said
        return
    tokens: list[int] = []

    def listen(module: Any, arguments: Any, output: Any) -> None:
        if (logits := getattr(output, "logits", None)) is not None:
            tokens.append(int(logits[0, -1].argmax()))

    hook = thinker.register_forward_hook(listen)
    try:
        yield said
    finally:
        hook.remove()
        if tokens:
            said.append(str(tokenizer.decode(tokens, skip_special_tokens=True)).strip())


@contextmanager
def _errors_explained() -> Iterator[None]:
    try:
        yield
    except (IndexError, ValueError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise SynthesisError(_explanation(error)) from error


def _explanation(error: Exception) -> str:
    """Returns what an error of the model's code means, as far as it can be told from where it arose."""
    said = f"{type(error).__name__}: {told(error)}"
    is_decoding = any("decode" in frame.name.split("_") for frame in traceback.extract_tb(error.__traceback__))
    if is_decoding and isinstance(error, IndexError):
        return f"the model sampled a code that its codec does not have ({said}); lower temperature or top_k"
    if is_decoding or "non-empty" in said:  # there is no frame to be put together, or to be decoded
        return f"the model failed while speaking, as it does when its first frame ends the speech ({said})"
    if "index k out of range" in said:
        return f"the model has fewer codes than top_k asks for ({said}); lower top_k"
    return f"the model failed while speaking: {said}"


@cache
def _models(folder: Path, device: str, dtype: Dtype) -> tuple[Any, Any]:
    """Returns model and processor; cells that differ in sampling share them."""
    quiet_transformers()
    from transformers import AutoModelForCausalLM, AutoProcessor

    with without_reinitialising():
        given = {"trust_remote_code": True, "dtype": dtype_of(dtype, device), "device_map": device}
        model = whole_model(AutoModelForCausalLM, folder, given, TIED)
    tie_audio_embedding(model)
    with explained(folder, "the processor"):
        processor = AutoProcessor.from_pretrained(str(folder), trust_remote_code=True, local_files_only=True)
    prompt_as_given(processor)
    return model, processor
