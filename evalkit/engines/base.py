"""The seam of an engine: text, a prompt and a seed in; sound and the time it took out.

An engine is a frozen dataclass whose fields are its knobs, so that a YAML node with `_target_` *is* its signature and
pydantic checks every value before anything loads. Heavy imports belong into `load`, which keeps what it loaded in a
module-level cache: the cells of a sampling sweep share one set of weights.
"""

import resource
import sys
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from time import perf_counter
from typing import Any, ClassVar

from packaging.requirements import Requirement
from pydantic import ConfigDict

from evalkit.audio import Audio
from evalkit.digest import Json, Scalar, digest
from evalkit.distributions import complaint
from evalkit.engines.sources import source_of
from evalkit.errors import SynthesisError
from evalkit.prompt import Prompt
from evalkit.weights.assets import library

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Request:
    """What an engine is asked for; `language` is an ISO 639-1 code."""

    text: str
    prompt: Prompt
    seed: int
    language: str

    def apart(self) -> "Request":
        """Returns the same with a copy of the prompt's samples that cannot be written to.

        Whatever an engine does to them, no other utterance and no judge hears it.
        """
        samples = self.prompt.audio.samples.copy()
        samples.flags.writeable = False
        return replace(self, prompt=replace(self.prompt, audio=Audio(samples, self.prompt.audio.sample_rate)))


@dataclass(frozen=True)
class Synthesis:
    """What an engine gave.

    Attributes:
        audio: Mono sound.
        seconds: The time it took, weights already loaded.
        intended_text: What it meant to say; None for engines that speak the text they are given.
        first_audio_seconds: Time until the first sound; None for engines that do not stream.
        memory_bytes: Largest resident memory of its process so far.
        device_memory_bytes: Largest memory of its accelerator so far; None without one.
    """

    audio: Audio
    seconds: float
    intended_text: str | None = None
    first_audio_seconds: float | None = None
    memory_bytes: int | None = None
    device_memory_bytes: int | None = None


class Engine(ABC):
    """A voice-cloning engine with its knobs set.

    Subclasses are frozen pydantic dataclasses (`@dataclass(frozen=True, config=STRICT)`), final, and give
    `speak`; those that answer several requests at once override `synthesize` instead.

    Attributes:
        name: Key in reports and configs.
        revision: To be raised by whoever changes the adapter so that it sounds different.
        sample_rate: Rate (Hz) at which the engine wants its prompt.
        assets: Names of the weights it needs.
        packages: Distributions whose version can change the sound, as requirements: `torch`, `transformers<5.1`.
        extra: The extra of evalkit that installs them.
        runtime: Fields that say where to compute, not what: they are no part of a trial.
        elsewhere: In what it computes where that is no Python: a `server`, a `program`; then it has a field
            `timeout_seconds` and keeps to it. Empty: it computes in Python, and a worker process can keep to it.
    """

    name: ClassVar[str]
    revision: ClassVar[int] = 1
    sample_rate: ClassVar[int]
    assets: ClassVar[tuple[str, ...]] = ()
    packages: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""
    runtime: ClassVar[frozenset[str]] = frozenset({"device"})
    elsewhere: ClassVar[str] = ""

    def load(self) -> None:
        """Loads the weights, if there are any and they are not loaded yet, and sets up what the first call would."""
        return

    @abstractmethod
    def speak(self, request: Request) -> Audio:
        """Returns the request's text, spoken; the same request always gives the same samples."""

    def speak_and_tell(self, request: Request) -> tuple[Audio, str | None]:
        """Returns the sound and, of an engine that chooses its words, the text it meant to speak."""
        return self.speak(request), None

    def synthesize(self, requests: Iterable[Request]) -> Iterator[Synthesis | SynthesisError]:
        """Answers requests in order; an exception is about the first one not yet answered.

        What is raised ends the iterator, and what was under way for later requests is lost with it. One that has
        several under way at once therefore *gives* the error, in the place of the answer, and goes on.
        """
        self.load()
        for request in requests:
            started = perf_counter()
            audio, intended = self.speak_and_tell(request)
            yield Synthesis(audio, perf_counter() - started, intended, None, *memory())

    def close(self) -> None:
        """Lets go of the weights of all engines of this family."""
        return

    @property
    def repeatable(self) -> bool:
        """Whether the same request always gives the same samples: if not, no two runs share what it makes."""
        return True

    @property
    def family(self) -> Hashable:
        """What engines that share weights have in common: one family is in memory at a time."""
        return type(self)

    def require(self) -> None:
        """Does nothing if the weights are here.

        Raises:
            MissingAssetsError: They are not; the message has the command that brings them.
        """
        library().require(self.assets)

    def unmet(self) -> list[str]:
        """Returns which packages are missing in this Python, or are there in a version that the engine cannot use."""
        return [wrong for package in self.packages if (wrong := complaint(Requirement(package)))]

    def knobs(self) -> dict[str, Scalar]:
        """Returns the settings that can change the sound."""
        return {name: value for name, value in self.fields().items() if name not in self.runtime}

    def fields(self) -> dict[str, Any]:
        """Returns all constructor arguments."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def computes_on(self) -> dict[str, Scalar]:
        """Returns where it computes: times mean something only there."""
        return {name: getattr(self, name) for name in sorted(self.runtime) if hasattr(self, name)}

    def adapter_version(self) -> str:
        """Returns which version of the adapter this is: its revision; of one that is not evalkit's, its code's too."""
        source = source_of(type(self))
        return f"{self.revision}" if source is None else f"{self.revision}+{digest(source)[:8]}"

    def fingerprint(self) -> dict[str, Json]:
        """Returns all that the sound depends on, except the request."""
        return {
            "engine": self.name,
            "revision": self.revision,
            "source": source_of(type(self)),
            "knobs": self.knobs(),
            "weights": library().fingerprint(self.assets),
            "packages": {name: version(name) for name in (Requirement(package).name for package in self.packages)},
        }


def memory() -> tuple[int, int | None]:
    """Returns the largest resident memory of this process and, with CUDA in use, of its devices, in bytes."""
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts kibibytes
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return resident, None
    return resident, max(torch.cuda.max_memory_allocated(index) for index in range(torch.cuda.device_count()))
