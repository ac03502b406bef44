"""Engines that wrap another one: whatever they do not answer themselves is the wrapped one's to answer.

One may compute it elsewhere (`process/isolated`), another change what it gives (`spoil`); to rows, tables and the store
they are the engine that they wrap, but for what they say of themselves.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from evalkit.audio import Audio
from evalkit.digest import Json, Scalar
from evalkit.engines.base import Engine, Request, Synthesis
from evalkit.engines.scorable import ENDED_EARLY
from evalkit.errors import SynthesisError

Model = TypeVar("Model")  # an engine or a judge


@dataclass(frozen=True)
class Wrapping(Engine):
    """An engine that wraps another one.

    Attributes:
        of: The wrapped one.
    """

    of: Engine

    @property
    def name(self) -> str:  # type: ignore[override]
        """The wrapped engine's."""
        return self.of.name

    @property
    def sample_rate(self) -> int:  # type: ignore[override]
        """The wrapped engine's."""
        return self.of.sample_rate

    @property
    def assets(self) -> tuple[str, ...]:  # type: ignore[override]
        """The wrapped engine's."""
        return self.of.assets

    @property
    def packages(self) -> tuple[str, ...]:  # type: ignore[override]
        """The wrapped engine's."""
        return self.of.packages

    @property
    def extra(self) -> str:  # type: ignore[override]
        """The wrapped engine's."""
        return self.of.extra

    @property
    def runtime(self) -> frozenset[str]:  # type: ignore[override]
        """The wrapped engine's."""
        return self.of.runtime

    @property
    def elsewhere(self) -> str:  # type: ignore[override]
        """The wrapped engine's."""
        return self.of.elsewhere

    @property
    def repeatable(self) -> bool:
        """See `Engine.repeatable`."""
        return self.of.repeatable

    @property
    def family(self) -> Hashable:
        """See `Engine.family`."""
        return self.of.family

    def load(self) -> None:
        """See `Engine.load`."""
        self.of.load()

    def speak(self, request: Request) -> Audio:
        """See `Engine.speak`."""
        return self.speak_and_tell(request)[0]

    def speak_and_tell(self, request: Request) -> tuple[Audio, str | None]:
        """See `Engine.speak_and_tell`.

        Raises:
            SynthesisError: No answer came.
        """
        for answer in self.synthesize([request]):
            if isinstance(answer, SynthesisError):
                raise answer
            return answer.audio, answer.intended_text
        raise SynthesisError(ENDED_EARLY)

    def synthesize(self, requests: Iterable[Request]) -> Iterator[Synthesis | SynthesisError]:
        """See `Engine.synthesize`."""
        return self.of.synthesize(requests)

    def close(self) -> None:
        """See `Engine.close`."""
        self.of.close()

    def require(self) -> None:
        """See `Engine.require`."""
        self.of.require()

    def unmet(self) -> list[str]:
        """See `Engine.unmet`."""
        return self.of.unmet()

    def knobs(self) -> dict[str, Scalar]:
        """See `Engine.knobs`."""
        return self.of.knobs()

    def computes_on(self) -> dict[str, Scalar]:
        """See `Engine.computes_on`."""
        return self.of.computes_on()

    def adapter_version(self) -> str:
        """See `Engine.adapter_version`."""
        return self.of.adapter_version()

    def fingerprint(self) -> dict[str, Json]:
        """See `Engine.fingerprint`."""
        return self.of.fingerprint()


def layers(model: Model) -> Iterator[Model | Engine]:
    """Gives a model and, if it is an engine that wraps another, what it wraps, down to the one that speaks."""
    yield model
    wrapping: object = model
    while isinstance(wrapping, Wrapping):
        wrapping = wrapping.of
        yield wrapping


def innermost(model: Model) -> Model | Engine:
    """Returns the engine that speaks, below all that wrap it; any other model as it is."""
    *_, last = layers(model)
    return last
