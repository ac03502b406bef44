"""What Chroma's remote code needs from us: repairs, each of which does nothing where it is not needed."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from evalkit.audio import Audio
from evalkit.errors import SynthesisError

if TYPE_CHECKING:
    import torch


def tie_audio_embedding(model: Any) -> None:
    """Lets the backbone hear audio codes through the decoder's table.

    Checkpoints leave the backbone's copy out, and since transformers 5.0 it is then random, without a word.

    Raises:
        SynthesisError: The model has no such tables: another revision than evalkit knows.
    """
    try:
        model.backbone.audio_embedding.embed_audio_tokens = model.decoder.audio_embedding.embed_audio_tokens
    except AttributeError as error:
        raise SynthesisError(f"this is not the Chroma that evalkit knows: {error}") from error


@contextmanager
def without_reinitialising() -> Iterator[None]:
    """Keeps, while loading, weights that came from the checkpoint.

    transformers 5.0 lets every module initialise itself after loading and shields loaded weights only from
    `torch.nn.init`; code that writes `weight.data.normal_()`, as was usual before and as older public copies of
    Chroma's do, makes them random, without a word. The published code asks by itself: to it this makes no difference.
    """
    from transformers import PreTrainedModel

    original = PreTrainedModel._initialize_weights

    def careful(self: Any, module: Any, *rest: Any, **more: Any) -> None:
        own = list(module.parameters(recurse=False))
        if not (own and all(getattr(parameter, "_is_hf_initialized", False) for parameter in own)):
            original(self, module, *rest, **more)

    PreTrainedModel._initialize_weights = careful
    try:
        yield
    finally:
        PreTrainedModel._initialize_weights = original


@contextmanager
def without_model_defaults() -> Iterator[None]:
    """Accepts, while generating, an argument that transformers 5.0 dropped and Chroma's code still passes on."""
    from transformers.generation.utils import GenerationMixin

    original = GenerationMixin._prepare_generation_config
    if "use_model_defaults" in inspect.signature(original).parameters:
        yield
        return

    def tolerant(self: Any, generation_config: Any, use_model_defaults: Any = None, **rest: Any) -> Any:
        return original(self, generation_config, **rest)

    GenerationMixin._prepare_generation_config = tolerant
    try:
        yield
    finally:
        GenerationMixin._prepare_generation_config = original


def prompt_as_given(processor: Any) -> None:
    """Lets the processor take prompts as `Audio`: its own way reads a file through torchaudio, which needs FFmpeg.

    Raises:
        SynthesisError: The processor reads audio in another way than evalkit knows.
    """
    import torch

    if not hasattr(processor, "load_audio"):
        raise SynthesisError("this is not the Chroma that evalkit knows: its processor has no load_audio")

    def load_audio(audio: Audio, target_sample_rate: int = 24_000) -> "torch.Tensor":
        return torch.tensor(audio.resampled(target_sample_rate).samples)

    processor.load_audio = load_audio
