"""Fakes that only tests need: an engine with the demo's knob, and judges that cannot be loaded."""

from typing import ClassVar

from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.engines.base import STRICT, Request
from evalkit.engines.tone import Tone
from evalkit.judges.fake import Fluency, HumEncoder, WhistleReader


@dataclass(frozen=True, config=STRICT)
class Blended(Tone):
    """Has the knob of the embedded engine that the demo turns; with more voices to choose from it clones better.

    Attributes:
        bank: Divides the miss.
    """

    name: ClassVar[str] = "blended"

    bank: int = 1

    def speak(self, request: Request) -> Audio:
        return Tone(detune=self.detune / self.bank).speak(request)


class _Unloadable:
    """Under the name of a fake, whose scores it would give."""

    def load(self) -> None:
        raise ImportError("no library of that name")


class UnloadableHum(_Unloadable, HumEncoder):
    pass


class UnloadableWhistle(_Unloadable, WhistleReader):
    pass


class UnloadableFluency(_Unloadable, Fluency):
    pass
