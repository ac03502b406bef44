"""Engine `spoil`: any other engine, harmed in a chosen way, to see whether judges, metrics and a gate notice.

It plays the part of a new, worse version of the engine that it wraps: name, knobs and sample rate are that one's, so
that its trials match the clean ones by their settings, and only the version tells that it is not the same.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, field_validator
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio
from evalkit.digest import Json, digest
from evalkit.engines.base import STRICT, Engine, Request, Synthesis
from evalkit.engines.scorable import given_by, scorable
from evalkit.engines.wrapping import Wrapping
from evalkit.errors import SynthesisError
from evalkit.languages import shipped

Harm = Literal["none", "half_band", "drop_words", "other_voice", "clip", "cut"]
Samples = NDArray[np.float32]

DROPPED = 0.1  # share of the words
OTHER_VOICES = 0.2  # share of the utterances
OTHER_SPEED = 1.25  # of their playback: pitch and formants rise together
CLIPPED_DB = 2.0  # below the peak
CUTS = 0.1  # share of the utterances
CUT_AT = 0.6  # of their length


@dataclass(frozen=True, config=ConfigDict(**STRICT, arbitrary_types_allowed=True))
class Spoil(Wrapping):
    """Another engine, harmed. Which utterances and words are is drawn from text, prompt and seed: order is nothing.

    Attributes:
        of: The engine.
        harm: `none`; `half_band`: the upper half of the band is gone; `drop_words`: a tenth of the words is not spoken;
            `other_voice`: in one utterance of five another voice speaks; `clip`: cut off flat 2 dB below the peak;
            `cut`: one utterance of ten ends at 60 % of its length.
    """

    revision: ClassVar[int] = 1

    harm: Harm = "none"

    @field_validator("of", mode="before")
    @classmethod
    def _is_another_engine(cls, of: object) -> object:
        if isinstance(of, Spoil) or not isinstance(of, Engine):
            raise ValueError(  # noqa: TRY004  pydantic makes a finding of this one alone
                "expected an engine, other than spoil itself; type engine@engine.of=NAME"
            )
        return of

    def synthesize(self, requests: Iterable[Request]) -> Iterator[Synthesis | SynthesisError]:
        """See `Engine.synthesize`; the seconds are the wrapped engine's own, without the harm's.

        Raises:
            SynthesisError: The wrapped engine gave what cannot be scored.
        """
        return self.of.synthesize(requests) if self.harm == "none" else self._harmed(requests)

    def adapter_version(self) -> str:
        """See `Engine.adapter_version`: the wrapped engine's, and the harm."""
        told = self.of.adapter_version()
        return told if self.harm == "none" else f"{told}+{self.harm}"

    def fingerprint(self) -> dict[str, Json]:
        """See `Engine.fingerprint`; unharmed it is the wrapped engine's, so that both share their syntheses."""
        told = self.of.fingerprint()
        if self.harm == "none":
            return told
        return {**told, "spoil": {"harm": self.harm, "revision": self.revision, "soxr": version("soxr")}}

    def _harmed(self, requests: Iterable[Request]) -> Iterator[Synthesis | SynthesisError]:
        unanswered: deque[Request] = deque()

        def asked() -> Iterator[Request]:
            for request in requests:
                unanswered.append(request)
                yield replace(request, text=_shortened(request)) if self.harm == "drop_words" else request

        for answer in given_by(self.of, asked()):
            request = unanswered.popleft()
            if isinstance(answer, SynthesisError):
                yield answer
                continue
            synthesis = scorable(answer)
            yield replace(synthesis, audio=self._spoilt(synthesis.audio, request))

    def _spoilt(self, audio: Audio, request: Request) -> Audio:
        if self.harm not in _OF_SOUND or _drawn(request, self.harm) >= _SHARES.get(self.harm, 1.0):
            return audio
        return Audio(_OF_SOUND[self.harm](audio.samples), audio.sample_rate)


def _drawn(request: Request, *what: str | int) -> float:
    """Returns a number from 0 to below 1, evenly drawn, the same whenever and wherever the request is made."""
    return int(digest([request.text, request.prompt.sha256, request.seed, *what])[:12], 16) / 16**12


def _shortened(request: Request) -> str:
    """Returns the text of a request without a tenth of its words: of its characters, where no spaces part words."""
    space = " " if shipped()[request.language].entry.spaces else ""
    parts = request.text.split() if space else list(request.text)
    kept = [part for at, part in enumerate(parts) if not (_is_word(part) and _drawn(request, "word", at) < DROPPED)]
    if len(kept) == len(parts) or not any(_is_word(part) for part in kept):
        return request.text
    return space.join(kept)


def _is_word(part: str) -> bool:
    """Whether something is spoken where this stands: a dash alone is not."""
    return any(character.isalnum() for character in part)


def _half_band(samples: Samples) -> Samples:
    """Returns the samples without what is above a quarter of their rate."""
    back = _played(_played(samples, 2), 0.5)[: len(samples)]
    return np.pad(back, (0, len(samples) - len(back)))


def _played(samples: Samples, speed: float) -> Samples:
    """Returns the samples at so many times their speed, as a tape is played."""
    import soxr

    resampled: Samples = soxr.resample(samples, speed, 1)
    return resampled


def _other_voice(samples: Samples) -> Samples:
    return _played(samples, OTHER_SPEED)


def _clipped(samples: Samples) -> Samples:
    peak = float(np.abs(samples).max())
    ceiling = peak * 10 ** (-CLIPPED_DB / 20)
    return (np.clip(samples, -ceiling, ceiling) * (peak / ceiling)).astype(np.float32)


def _cut(samples: Samples) -> Samples:
    return samples[: max(1, round(CUT_AT * len(samples)))]


_OF_SOUND: Mapping[str, Callable[[Samples], Samples]] = {
    "half_band": _half_band,
    "other_voice": _other_voice,
    "clip": _clipped,
    "cut": _cut,
}
_SHARES: Mapping[str, float] = {"other_voice": OTHER_VOICES, "cut": CUTS}  # of utterances; of others it is all
