"""The seams of the judges: sound in, speaker embeddings, transcripts or spans of speech out.

A judge is a frozen dataclass like an engine: fields are its settings, weights load on first use.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from evalkit.assets import library
from evalkit.audio import Audio
from evalkit.digest import Json, Scalar
from evalkit.words import Word


@dataclass(frozen=True)
class Transcript:
    """The words that a transcriber heard, as it wrote them; `words` has their times where it was told to give them."""

    text: str
    words: tuple[Word, ...] = ()


class Judge(ABC):
    """What all judges share: a name, settings, and an identity that tells whether two scores can be compared.

    Attributes:
        name: Key in reports and configs.
        revision: To be raised by whoever changes the adapter so that it scores differently.
        assets: Names of the weights it needs.
        packages: Distributions whose version can change a score.
        runtime: Fields that say where to compute, not what.
    """

    name: ClassVar[str]
    revision: ClassVar[int] = 1
    assets: ClassVar[tuple[str, ...]] = ()
    packages: ClassVar[tuple[str, ...]] = ()
    runtime: ClassVar[frozenset[str]] = frozenset({"device"})

    def settings(self) -> dict[str, Scalar]:
        """Returns the settings that can change a score."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: value for name, value in values.items() if name not in self.runtime}

    def fingerprint(self) -> dict[str, Json]:
        """Returns all that a score depends on, except the sound."""
        return {
            "judge": self.name,
            "revision": self.revision,
            "settings": self.settings(),
            "weights": library().fingerprint(self.assets),
            "packages": {package: version(package) for package in self.packages},
        }

    def load(self) -> None:
        """Loads the weights, if there are any and they are not loaded yet."""
        return

    def close(self) -> None:
        """Lets go of the weights of all judges of this class."""
        return


class SpeakerEncoder(Judge):
    """Turns speech into a vector that tells the speaker."""

    @abstractmethod
    def embed(self, audios: Sequence[Audio]) -> NDArray[np.float32]:
        """Returns embeddings of shape (n, d), unit length each."""


class Transcriber(Judge):
    """Turns speech into words."""

    @abstractmethod
    def transcribe(self, audios: Sequence[Audio], languages: Sequence[str]) -> Iterator[Transcript]:
        """Gives a transcript per audio, in order; `languages` are ISO 639-1 codes, one for each."""

    def language(self, audio: Audio) -> tuple[str, float] | None:
        """Returns the language heard and its probability; None if this transcriber cannot tell."""
        return None


class SpeechDetector(Judge):
    """Tells where there is speech."""

    @abstractmethod
    def spans(self, audio: Audio) -> list[tuple[float, float]]:
        """Returns the spans of speech, in seconds, in order."""


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns vectors of shape (n, d) scaled to unit length."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled
