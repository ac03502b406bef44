"""Building a prompt: which clips an engine hears, and the words that go with them.

Audio and words are taken together, whole clips at a time, so that the text never covers audio that the prompt lacks.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as validated

from evalkit.audio import Audio, concatenate, read_audio
from evalkit.digest import digest
from evalkit.errors import DataError
from evalkit.voices import Clip, Voice

TextSource = Literal["user"]


@validated(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class PromptSettings:
    """How a prompt is built from a voice's prompt clips.

    Attributes:
        seconds: Target length; whole clips are taken in order, as many as come nearest to it. None: all of them.
        gap_seconds: Silence between clips.
        max_seconds: No prompt is longer than this, whatever the target; engines degrade or fail beyond 30 s.
    """

    seconds: Annotated[float, Field(gt=0)] | None = None
    gap_seconds: Annotated[float, Field(ge=0, le=5)] = 0.2
    max_seconds: Annotated[float, Field(gt=0, le=120)] = 30.0


@dataclass(frozen=True, eq=False)
class Prompt:
    """What an engine is conditioned on.

    Attributes:
        audio: Mono, at the rate the engine asked for.
        text: The words of `audio`, all of them and no others.
        text_source: Who wrote the words.
        clips: File names of the clips used.
    """

    audio: Audio
    text: str
    text_source: TextSource
    clips: tuple[str, ...]

    @cached_property
    def sha256(self) -> str:
        """Content address of audio and text (hex)."""
        return digest({"audio": self.audio.sha256, "text": self.text})


def build_prompt(voice: Voice, settings: PromptSettings, sample_rate: int) -> Prompt:
    """Returns the prompt of a voice.

    Raises:
        DataError: A clip cannot be used, has no transcript, or is longer than `max_seconds` by itself.
    """
    recordings = [(clip, read_audio(clip.path).resampled(sample_rate)) for clip in voice.prompt_clips]
    count = _how_many([audio.seconds for _, audio in recordings], settings)
    if count == 0:
        clip, audio = recordings[0]
        raise DataError(
            f"voice {voice.name!r}: its first clip {clip.path.name} has {audio.seconds:.1f} s, "
            f"prompt.max_seconds={settings.max_seconds:g} allows less; use shorter clips or raise it"
        )
    chosen = recordings[:count]
    return Prompt(
        audio=_joined([audio for _, audio in chosen], settings.gap_seconds),
        text=" ".join(_words_of(clip, voice) for clip, _ in chosen),
        text_source="user",
        clips=tuple(clip.path.name for clip, _ in chosen),
    )


def _how_many(lengths: list[float], settings: PromptSettings) -> int:
    """Returns how many clips come nearest to the target within the cap; 0 if not even one fits under the cap."""
    totals = np.cumsum(lengths) + settings.gap_seconds * np.arange(len(lengths))
    allowed = int((totals <= settings.max_seconds).sum())
    if settings.seconds is None or allowed == 0:
        return allowed
    return int(np.abs(totals[:allowed] - settings.seconds).argmin()) + 1


def _joined(parts: list[Audio], gap_seconds: float) -> Audio:
    rate = parts[0].sample_rate
    gap = Audio(np.zeros(round(gap_seconds * rate), dtype=np.float32), rate)
    return concatenate([piece for part in parts for piece in (gap, part)][1:])


def _words_of(clip: Clip, voice: Voice) -> str:
    if clip.text is None:
        raise DataError(
            f"voice {voice.name!r}: {clip.path.name} has no transcript; write its words into "
            f"{clip.path.with_suffix('.txt').name} beside it, or into voice.yaml"
        )
    return clip.text
