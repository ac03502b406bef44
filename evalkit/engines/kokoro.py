"""Engine `kokoro`: an embedded stand-in for a cloning engine, small enough for a laptop's CPU.

It cannot clone, but it is conditioned on its prompt: it embeds the prompt (GE2E, which is not the judge), looks up the
nearest of the voices it has, and speaks with a blend of them. The speakers of the demo are not among those voices.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.digest import Json, file_sha256
from evalkit.engines.base import STRICT, Engine, Request
from evalkit.errors import SynthesisError
from evalkit.networks import ge2e
from evalkit.prompt import Prompt
from evalkit.weights.assets import library
from evalkit.weights.loading import explained

if TYPE_CHECKING:
    from kokoro_onnx import Kokoro as Speaker

Style = NDArray[np.float32]

DEMO_SPEAKERS = (  # kept out of the bank
    *("af_bella", "af_kore", "af_nova", "af_sarah", "am_echo", "am_fenrir", "am_michael", "am_puck"),
    *("bf_emma", "bf_isabella", "bm_fable", "bm_george"),
)
BANK = Path(__file__).with_name("kokoro_bank.npz")  # made by scripts/make_kokoro_bank.py
ACCENTS = {"a": "en-us", "b": "en-gb"}  # by the first letter of a voice's name


@dataclass(frozen=True, config=STRICT)
class Kokoro(Engine):
    """Kokoro-82M with a voice chosen by the prompt. Deterministic: the seed changes nothing.

    Attributes:
        bank: How many voices it has to choose from, the first ones in an arbitrary order that is always the same.
        top_k: How many of the nearest of them are blended; all, where there are fewer.
        temperature: Of the blend's weights, softmax(cosine / temperature): small favours the nearest voice.
        speed: Of speaking; 1 is normal.
        device: Ignored; ONNX Runtime computes on the CPU.
    """

    name: ClassVar[str] = "kokoro"
    revision: ClassVar[int] = 2
    sample_rate: ClassVar[int] = 24_000
    assets: ClassVar[tuple[str, ...]] = ("kokoro_int8", "kokoro_voices", "ge2e")
    packages: ClassVar[tuple[str, ...]] = (
        "kokoro-onnx",
        "onnxruntime",
        "phonemizer",
        "espeakng-loader",
        "torch",
        "torchaudio",
    )
    extra: ClassVar[str] = "demo"

    bank: Annotated[int, Field(ge=1, le=16)] = 16
    top_k: Annotated[int, Field(ge=1, le=16)] = 1
    temperature: Annotated[float, Field(gt=0, le=10)] = 0.05
    speed: Annotated[float, Field(ge=0.5, le=2)] = 1.0
    device: str = "auto"

    def load(self) -> None:
        """See `Engine.load`; says a word, so that no utterance pays for what is set up at the first."""
        voice = next(iter(_styles().values()))
        samples, rate = _speaker().create("Ready.", voice, lang=ACCENTS["a"])
        ge2e.embedding(Audio(samples, rate))

    def speak(self, request: Request) -> Audio:
        """See `Engine.speak`.

        Raises:
            SynthesisError: The language is not English.
        """
        if request.language != "en":
            raise SynthesisError(f"kokoro speaks en, not {request.language!r}")
        names, weights = self.nearest(request.prompt)
        styles = _styles()
        style = np.sum([weight * styles[name] for name, weight in zip(names, weights, strict=True)], axis=0)
        samples, rate = _speaker().create(
            request.text, style.astype(np.float32), speed=self.speed, lang=ACCENTS[names[0][0]]
        )
        return Audio(np.asarray(samples, dtype=np.float32), rate)

    def nearest(self, prompt: Prompt) -> tuple[list[str], NDArray[np.float64]]:
        """Returns the `top_k` voices of the bank nearest to the prompt, best first, and their weights (sum 1)."""
        names, embeddings = _bank()
        cosines = (embeddings[: self.bank] @ ge2e.embedding(prompt.audio)).astype(np.float64)
        best = np.argsort(-cosines, kind="stable")[: self.top_k]
        weights = np.exp((cosines[best] - cosines[best[0]]) / self.temperature)
        return [names[index] for index in best], weights / weights.sum()

    def fingerprint(self) -> dict[str, Json]:
        """See `Engine.fingerprint`; the bank counts as weights."""
        weights = {**library().fingerprint(self.assets), BANK.name: file_sha256(BANK)}
        return {**super().fingerprint(), "weights": weights}

    def close(self) -> None:
        """See `Engine.close`."""
        _speaker.cache_clear()
        _styles.cache_clear()
        ge2e.network.cache_clear()


def read_style(path: Path) -> Style:
    """Returns a voice of Kokoro's, shape (510, 1, 256): one style vector for each length of text in phonemes."""
    return np.fromfile(path, dtype="<f4").reshape(-1, 1, 256)


@cache
def _speaker() -> "Speaker":
    import onnxruntime
    from kokoro_onnx import Kokoro as Speaker

    path = library().file("kokoro_int8", "model.onnx")
    with explained(path.parent, "the model"):
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return Speaker.from_session(session, str(BANK))  # it wants a file of voices, though `create` is given styles


@cache
def _styles() -> Mapping[str, Style]:
    names, _ = _bank()
    return {name: read_style(library().file("kokoro_voices", f"{name}.bin")) for name in names}


@cache
def _bank() -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Returns names and embeddings, shape (16, 256), in the order of the names' hashes: it favours no kind of voice."""
    with np.load(BANK) as bank:
        names = [str(name) for name in bank["names"]]
        order = sorted(range(len(names)), key=lambda at: sha256(names[at].encode()).digest())
        return tuple(names[at] for at in order), bank["embeddings"][order]
