"""Engine `tone`: the shipped fake. It whistles text one pitch a character over a hum that stands for the speaker.

`evalkit.judges.fake` hears both back, so a whole run can be checked by hand in milliseconds. Knobs make it clone badly
and fail in the ways real engines do.
"""

import time
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.engines.base import STRICT, Engine, Request
from evalkit.errors import SynthesisError
from evalkit.whistle import RATE, heard_hum, whistle


@dataclass(frozen=True, config=STRICT)
class Tone(Engine):
    """The fake engine.

    Attributes:
        detune: Hz by which it misses the prompt's hum, divided by the prompt's seconds: longer prompts clone better.
        jitter: Standard deviation (Hz) of a further miss, drawn from the seed and the text.
        needs: Misses by a further 100 Hz where the prompt's text lacks this: as engines do that listen to the words.
        drop_every: Leaves out every n-th word; None: none.
        crash_on: Raises where the text has this.
        silent_on: Gives zeros there.
        empty_on: Gives no samples there.
        nan_on: Gives NaN there.
        delay: Seconds that an answer takes.
        device: Ignored.
    """

    name: ClassVar[str] = "tone"
    revision: ClassVar[int] = 2
    sample_rate: ClassVar[int] = RATE
    runtime: ClassVar[frozenset[str]] = frozenset({"device", "delay"})

    detune: Annotated[float, Field(ge=0)] = 30.0
    jitter: Annotated[float, Field(ge=0)] = 0.0
    needs: str | None = None
    drop_every: Annotated[int, Field(ge=2)] | None = None
    crash_on: str | None = None
    silent_on: str | None = None
    empty_on: str | None = None
    nan_on: str | None = None
    delay: Annotated[float, Field(ge=0)] = 0.0
    device: str = "auto"

    def speak(self, request: Request) -> Audio:
        """See `Engine.speak`.

        Raises:
            SynthesisError: The text has what the engine was told to crash on.
        """
        if self.delay:  # sleeping no time at all still lets other processes go first
            time.sleep(self.delay)
        if _in(self.crash_on, request.text):
            raise SynthesisError(f"told to crash on {self.crash_on!r}")
        return self._spoilt(whistle(self._kept(request.text), self._hum(request)), request.text)

    def _hum(self, request: Request) -> float:
        chance = np.random.default_rng([request.seed, *request.text.encode()])
        jitter = chance.normal(0.0, self.jitter) if self.jitter else 0.0
        deaf = 100.0 if self.needs is not None and self.needs not in request.prompt.text else 0.0
        return heard_hum(request.prompt.audio) + self.detune / request.prompt.audio.seconds + float(jitter) + deaf

    def _kept(self, text: str) -> str:
        if self.drop_every is None:
            return text
        return " ".join(word for index, word in enumerate(text.split(), 1) if index % self.drop_every)

    def _spoilt(self, audio: Audio, text: str) -> Audio:
        if _in(self.empty_on, text):
            return Audio(audio.samples[:0], audio.sample_rate)
        if _in(self.silent_on, text):
            return Audio(np.zeros_like(audio.samples), audio.sample_rate)
        if _in(self.nan_on, text):
            return Audio(np.full_like(audio.samples, np.nan), audio.sample_rate)
        return audio


def _in(part: str | None, text: str) -> bool:
    return part is not None and part in text
