"""Engine `abstractvoice`: an installed AbstractVoice's own cloning engines, so that what it ships can be measured.

Their text splitting, prompt cutting and levels are theirs: this adapter gives them a file and its words, and a seed.
AbstractVoice's packages may not suit evalkit's: `engine.python=PATH` lets it have a Python of its own.
"""

import io
import tempfile
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.digest import Json, Scalar
from evalkit.engines.base import STRICT, Engine, Request
from evalkit.errors import MissingAssetsError
from evalkit.weights.devices import device_of, release, seeded
from evalkit.weights.named import directory_hashes

CACHE = Path("~/.cache/abstractvoice")
PLACES = {"f5": ("openf5", ("*.pt", "*.y*ml", "vocab*.txt")), "chroma": ("chroma", ("config.json", "*.safetensors"))}
# The distributions that its engines speak through; what these rest on in turn they bring along.
BENEATH = {"f5": ("f5-tts", "vocos", "torchdiffeq", "x-transformers"), "chroma": ("transformers", "tokenizers")}
# Our knobs, and what the constructors call them.
ARGUMENTS = {
    "f5": {"nfe_step": "nfe_step", "cfg_strength": "cfg_strength"},
    "chroma": {"temperature": "temperature", "top_k": "top_k", "max_frames": "max_new_tokens_per_chunk"},
}


@dataclass(frozen=True, config=STRICT)
class AbstractVoice(Engine):
    """AbstractVoice's F5 or Chroma engine as it ships; a knob that is None is what it ships with.

    Attributes:
        backend: Which of its engines.
        quality: Its own quality preset, which sets the knobs.
        nfe_step: Function evaluations (f5).
        cfg_strength: Classifier-free guidance (f5).
        temperature: Of sampling (chroma).
        top_k: Of sampling (chroma).
        max_frames: Cap on audio frames of a part of the text (chroma).
        device: Where to compute.
    """

    name: ClassVar[str] = "abstractvoice"
    sample_rate: ClassVar[int] = 24_000
    extra: ClassVar[str] = "abstractvoice"

    backend: Literal["f5", "chroma"] = "f5"
    quality: Literal["low", "standard", "high"] | None = None
    nfe_step: Annotated[int, Field(ge=1, le=256)] | None = None
    cfg_strength: Annotated[float, Field(ge=0, le=10)] | None = None
    temperature: Annotated[float, Field(gt=0, le=2)] | None = None
    top_k: Annotated[int, Field(ge=1, le=2048)] | None = None
    max_frames: Annotated[int, Field(ge=1, le=2000)] | None = None
    device: str = "auto"

    @model_validator(mode="after")
    def _fits_the_backend(self) -> "AbstractVoice":
        given = [name for names in ARGUMENTS.values() for name in names if getattr(self, name) is not None]
        if wrong := [name for name in given if name not in ARGUMENTS[self.backend]]:
            raise ValueError(f"backend {self.backend} has {', '.join(ARGUMENTS[self.backend])}, not {', '.join(wrong)}")
        if given and self.quality:
            raise ValueError(f"quality={self.quality} sets {', '.join(given)} itself; give the one or the other")
        return self

    @property
    def packages(self) -> tuple[str, ...]:  # type: ignore[override]
        """AbstractVoice, and what its backend computes with."""
        return ("abstractvoice", "torch", "torchaudio", *BENEATH[self.backend])

    @property
    def folder(self) -> Path:
        """Where AbstractVoice keeps the backend's weights."""
        return CACHE.expanduser() / PLACES[self.backend][0]

    def require(self) -> None:
        """See `Engine.require`."""
        patterns = PLACES[self.backend][1]
        if lacking := [pattern for pattern in patterns if not any(self.folder.rglob(pattern))]:
            option = {"f5": "--openf5", "chroma": "--chroma"}[self.backend]
            raise MissingAssetsError(
                f"AbstractVoice's weights are missing in {self.folder} ({', '.join(lacking)}); "
                f"type: abstractvoice-prefetch {option}"
            )

    def load(self) -> None:
        """See `Engine.load`."""
        self._loaded()

    def speak(self, request: Request) -> Audio:
        """See `Engine.speak`."""
        import soundfile

        engine = self._loaded()
        with tempfile.NamedTemporaryFile(suffix=".wav") as file, seeded(request.seed, 0, device_of(self.device)):
            prompt = request.prompt.audio
            soundfile.write(file.name, prompt.samples, prompt.sample_rate, subtype="FLOAT")
            wav = engine.infer_to_wav_bytes(
                text=request.text, reference_paths=[file.name], reference_text=request.prompt.text
            )
        samples, rate = soundfile.read(io.BytesIO(wav), dtype="float32")
        return Audio(np.ascontiguousarray(samples, dtype=np.float32), int(rate))

    def close(self) -> None:
        """See `Engine.close`."""
        _engine.cache_clear()
        release()

    def fingerprint(self) -> dict[str, Json]:
        """See `Engine.fingerprint`."""
        return {**super().fingerprint(), "weights": directory_hashes(self.folder)}

    def _loaded(self) -> Any:
        arguments = {theirs: getattr(self, ours) for ours, theirs in ARGUMENTS[self.backend].items()}
        given = {name: value for name, value in arguments.items() if value is not None}
        return _engine(self.backend, self.device, self.quality, tuple(given.items()))


@cache
def _engine(backend: str, device: str, quality: str | None, arguments: tuple[tuple[str, Scalar], ...]) -> Any:
    """Returns a loaded engine of theirs; each holds weights of its own, so one is in memory at a time."""
    _engine.cache_clear()
    release()
    if backend == "f5":
        from abstractvoice.cloning.engine_f5 import F5TTSVoiceCloningEngine as Theirs
    else:
        from abstractvoice.cloning.engine_chroma import ChromaVoiceCloningEngine as Theirs
    engine = Theirs(device=device, **dict(arguments))
    if quality is not None:
        engine.set_quality_preset(quality)
    engine.preload()
    return engine
