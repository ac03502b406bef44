"""The seams of the judges: sound in, speaker embeddings, transcripts, opinions or spans of speech out.

A judge is a frozen dataclass like an engine: fields are its settings, weights load on first use.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from packaging.requirements import Requirement

from evalkit.audio import Audio
from evalkit.digest import Json, Scalar
from evalkit.distributions import complaint
from evalkit.networks.frames import samples_at, unit_rows, windows
from evalkit.weights.assets import library
from evalkit.words import Word


@dataclass(frozen=True)
class Transcript:
    """The words that a transcriber heard, as it wrote them.

    Attributes:
        text: The words.
        words: Their times, where it was told to give them.
        language: The language that was heard and its probability, where it can tell.
    """

    text: str
    words: tuple[Word, ...] = ()
    language: tuple[str, float] | None = None


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

    def unmet(self) -> list[str]:
        """Returns which packages are missing in this Python."""
        return [wrong for package in self.packages if (wrong := complaint(Requirement(package)))]

    def load(self) -> None:
        """Loads the weights, if there are any and they are not loaded yet."""
        return

    def close(self) -> None:
        """Lets go of the weights of all judges of this class."""
        return


class SpeakerEncoder(Judge):
    """Turns speech into a vector that tells the speaker.

    Audio longer than 30 s is parted into windows of equal length, at most 30 s each, and its embedding is the mean of
    theirs, scaled to unit length; audio shorter than `least_seconds` is padded with silence to that.

    Attributes:
        rate: Rate (Hz) that the model wants.
        least_seconds: The shortest audio that the model can take.
        batch: How many audios `vectors` is given at a time, those of like length together.
    """

    rate: ClassVar[int] = 16_000
    least_seconds: ClassVar[float] = 0.1
    batch: ClassVar[int] = 1

    def embed(self, audios: Sequence[Audio]) -> NDArray[np.float32]:
        """Returns embeddings of shape (n, d), unit length each; none depends on the others."""
        parts = [self._parts(audio) for audio in audios]
        flat = [part for own in parts for part in own]
        order = sorted(range(len(flat)), key=lambda index: len(flat[index]))
        found: dict[int, NDArray[np.float32]] = {}
        for start in range(0, len(order), self.batch):
            chosen = order[start : start + self.batch]
            found |= dict(zip(chosen, unit_rows(self.vectors([flat[index] for index in chosen])), strict=True))
        rows, first = [], 0
        for own in parts:
            rows.append(np.mean([found[index] for index in range(first, first + len(own))], axis=0))
            first += len(own)
        return unit_rows(np.stack(rows).astype(np.float32))

    @abstractmethod
    def vectors(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Returns vectors of shape (n, d) for mono samples at `rate`, of any length from `least_seconds` to 30 s.

        A batch must give what its members give one by one, within 1e-4.
        """

    def _parts(self, audio: Audio) -> list[NDArray[np.float32]]:
        return windows(samples_at(audio, self.rate, self.least_seconds), self.rate)


class Transcriber(Judge):
    """Turns speech into words."""

    @abstractmethod
    def transcribe(self, audios: Sequence[Audio], languages: Sequence[str]) -> Iterator[Transcript]:
        """Gives a transcript per audio, in order; `languages` are ISO 639-1 codes, one for each."""

    def knows_language(self, code: str) -> bool:
        """Whether it can hear a language, as far as can be told before it is loaded; code: ISO 639-1."""
        return bool(code)

    def language(self, audio: Audio) -> tuple[str, float] | None:
        """Returns the language heard and its probability; None if this transcriber cannot tell."""
        return None


class QualityModel(Judge):
    """Says how good speech sounds."""

    scores: ClassVar[tuple[str, ...]]  # the names of what it says; each is a metric

    @abstractmethod
    def score(self, audios: Sequence[Audio]) -> Iterator[Mapping[str, float]]:
        """Gives, per audio and in order, a value for each name in `scores`."""


class SpeechDetector(Judge):
    """Tells where there is speech."""

    @abstractmethod
    def spans(self, audio: Audio) -> list[tuple[float, float]]:
        """Returns the spans of speech, in seconds, in order."""
