"""Engine `csm`: Sesame's Conversational Speech Model through transformers' own code.

The prompt is the first turn of a conversation, words and audio; the text to speak is the second, by the same speaker.
"""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.engines.base import STRICT, Request
from evalkit.engines.long_texts import frames_for, text_parts
from evalkit.engines.snapshots import SnapshotEngine
from evalkit.errors import SynthesisError
from evalkit.weights.devices import Dtype, device_of, dtype_of, release, seeded
from evalkit.weights.loading import explained, quiet_transformers, whole_model

RATE = 24_000
SPEAKER = "0"


@dataclass(frozen=True, config=STRICT)
class CSM(SnapshotEngine):
    """CSM: a backbone chooses the first code of each frame, a depth decoder the others.

    Attributes:
        weights: The asset `csm_1b`, or a directory with a snapshot of the model.
        temperature: Of the backbone's sampling.
        top_k: The most likely codes that the backbone samples from.
        depth_temperature: Of the depth decoder's sampling.
        max_frames: Cap on audio frames (12.5 a second) of a chunk; `auto`: what its text needs, times `slack`.
        slack: Factor on the frames that a text needs.
        chunk_chars: Longer texts are spoken in parts, at most so many characters each.
        dtype: Precision of the weights; `auto` is bfloat16 on CUDA, float16 on MPS, float32 on a CPU.
        device: Where to compute.
    """

    name: ClassVar[str] = "csm"
    sample_rate: ClassVar[int] = RATE
    published: ClassVar[tuple[str, ...]] = ("csm_1b",)
    layout: ClassVar[tuple[str, ...]] = ("config.json", "*.safetensors", "tokenizer*.json")
    packages: ClassVar[tuple[str, ...]] = ("transformers>=5.0", "tokenizers", "torch")

    weights: str = "csm_1b"
    temperature: Annotated[float, Field(gt=0, le=2)] = 0.9
    top_k: Annotated[int, Field(ge=1, le=2048)] = 50
    depth_temperature: Annotated[float, Field(gt=0, le=2)] = 0.9
    max_frames: Literal["auto"] | Annotated[int, Field(ge=1, le=2000)] = "auto"
    slack: Annotated[float, Field(ge=1, le=10)] = 2.0
    chunk_chars: Annotated[int, Field(ge=40, le=2000)] = 240
    dtype: Dtype = "auto"
    device: str = "auto"

    def load(self) -> None:
        """See `Engine.load`."""
        self._loaded()

    def speak(self, request: Request) -> Audio:
        """See `Engine.speak`."""
        parts = [
            self._chunk(text, request, index)
            for index, text in enumerate(text_parts(request.text, self.chunk_chars, request.language))
        ]
        return Audio(np.clip(np.concatenate(parts), -1, 1), RATE)

    def close(self) -> None:
        """See `Engine.close`."""
        _models.cache_clear()
        release()

    def _loaded(self) -> tuple[Any, Any]:
        return _models(self.folder, device_of(self.device), self.dtype)

    def _chunk(self, text: str, request: Request, index: int) -> NDArray[np.float32]:
        model, processor = self._loaded()
        words = {"type": "text", "text": request.prompt.text}
        sound = {"type": "audio", "path": request.prompt.audio.samples}
        turns = [[words, sound], [{"type": "text", "text": text}]]
        conversation = [{"role": SPEAKER, "content": turn} for turn in turns]
        inputs = processor.apply_chat_template(conversation, tokenize=True, return_dict=True).to(model.device)
        given = {key: value.to(model.dtype) if value.is_floating_point() else value for key, value in inputs.items()}
        with seeded(request.seed, index, str(model.device)):
            spoken = model.generate(
                **given,
                output_audio=True,
                max_new_tokens=frames_for(text, self.slack, request.language)
                if self.max_frames == "auto"
                else self.max_frames,
                do_sample=True,
                temperature=self.temperature,
                top_k=self.top_k,
                depth_decoder_do_sample=True,
                depth_decoder_temperature=self.depth_temperature,
            )
        samples: NDArray[np.float32] = spoken[0].detach().float().cpu().numpy().reshape(-1)
        if len(samples) == 0:
            raise SynthesisError("the model's first frame ended its speech: there is no sound")
        return samples


@cache
def _models(folder: Path, device: str, dtype: Dtype) -> tuple[Any, Any]:
    """Returns model and processor; cells that differ in sampling share them."""
    quiet_transformers()
    from transformers import AutoProcessor, CsmForConditionalGeneration

    with explained(folder, "the processor"):
        processor = AutoProcessor.from_pretrained(str(folder), local_files_only=True)
    model = whole_model(CsmForConditionalGeneration, folder, {"dtype": dtype_of(dtype, device)})
    return model.to(device), processor
