"""What stages keep in the store: each kind of artefact, its record, and how its keys are made.

A judgement's key begins with the address of the sound that was judged, so that what belongs to a sound can be told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from evalkit.audio import Audio
from evalkit.digest import digest
from evalkit.judges.base import Transcript
from evalkit.metrics.acoustics import Acoustics
from evalkit.prompt import Ending, Prompt, TextSource, content_address
from evalkit.row import Amount, Count
from evalkit.store.codecs import Kind, Records, Sounds, Vectors

Embedding = NDArray[np.float32]
Opinion = Mapping[str, float]
Spans = list[tuple[float, float]]


@dataclass(frozen=True)
class Made:
    """A synthesis, its sound apart.

    Attributes:
        sound: Address of its sound.
        audio_seconds: Its length.
        peak: Largest sample that the engine gave, before it was kept.
        synth_seconds: Time that the engine took.
        timed_on: Digest of the place where it computed: times mean something only there.
        run: Id of the run that made it.
        intended_text: What the engine meant to say; None where it speaks what it is given.
        first_audio_seconds: Time until the first sound; None where it does not stream.
        memory_bytes: Largest memory of its process so far.
        device_memory_bytes: Largest memory of its accelerator so far; None without one.
    """

    sound: str
    audio_seconds: Amount
    peak: Amount
    synth_seconds: Amount
    timed_on: str
    run: str
    intended_text: str | None = None
    first_audio_seconds: Amount | None = None
    memory_bytes: Count | None = None
    device_memory_bytes: Count | None = None


@dataclass(frozen=True)
class BuiltPrompt:
    """A prompt, its sound apart; see `prompt.Prompt`.

    Attributes:
        sound: Address of its sound.
        seconds: Its length.
        text: The words.
        text_source: Who wrote them.
        clips: File names of the clips used.
        text_wer: Edits between the clips' words and what is heard in them, a ratio.
        wer: Edits between `text` and what is heard in the prompt, a ratio.
        ending: Where it ends.
        wanted_seconds: The length that was asked for; None for all that there is.
    """

    sound: str
    seconds: float
    text: str
    text_source: TextSource
    clips: tuple[str, ...]
    text_wer: float | None
    wer: float | None = None
    ending: Ending | None = None
    wanted_seconds: float | None = None

    @classmethod
    def of(cls, prompt: Prompt, wanted_seconds: float | None) -> "BuiltPrompt":
        """Returns the record of a prompt that was to have so many seconds."""
        return cls(
            sound=prompt.audio.sha256,
            seconds=prompt.audio.seconds,
            text=prompt.text,
            text_source=prompt.text_source,
            clips=prompt.clips,
            text_wer=prompt.text_wer,
            wer=prompt.wer,
            ending=prompt.ending,
            wanted_seconds=wanted_seconds,
        )

    @cached_property
    def sha256(self) -> str:
        """Content address of audio and text, as `Prompt.sha256`."""
        return content_address(self.sound, self.text)

    def with_audio(self, audio: Audio) -> Prompt:
        """Returns the prompt itself."""
        return Prompt(audio, self.text, self.text_source, self.clips, self.text_wer, self.wer, self.ending)


SOUND: Kind[Audio] = Kind("sound", ".flac", Sounds())
PROMPT: Kind[BuiltPrompt] = Kind("prompt", ".json", Records(BuiltPrompt))
SYNTHESIS: Kind[Made] = Kind("synthesis", ".json", Records(Made))
TRANSCRIPT: Kind[Transcript] = Kind("transcript", ".json", Records(Transcript))
SPEECH: Kind[Spans] = Kind("speech", ".json", Records(Spans))
EMBEDDING: Kind[Embedding] = Kind("embedding", ".f32", Vectors())
QUALITY: Kind[Opinion] = Kind("quality", ".json", Records(dict[str, float]))
ACOUSTICS: Kind[Acoustics] = Kind("acoustics", ".json", Records(Acoustics))

KINDS: tuple[Kind[object], ...] = (SOUND, PROMPT, SYNTHESIS, TRANSCRIPT, SPEECH, EMBEDDING, QUALITY, ACOUSTICS)  # type: ignore[assignment]
JUDGEMENTS = (TRANSCRIPT, SPEECH, EMBEDDING, QUALITY, ACOUSTICS)  # their keys begin with a sound's address


def synthesis_key(engine: str, prompt: str, text: str, seed: int, language: str) -> str:
    """Returns a synthesis' key.

    Args:
        engine: Digest of the engine's fingerprint.
        prompt: Content address of the prompt.
        text: What is to be spoken.
        seed: Of the utterance.
        language: ISO 639-1 code.
    """
    return digest({"engine": engine, "prompt": prompt, "text": text, "seed": seed, "language": language})


def judgement_key(judge: str, sound: str, language: str | None = None) -> str:
    """Returns the key of what a judge says of a sound.

    Args:
        judge: Digest of the judge's fingerprint.
        sound: The sound's address.
        language: What it is told to hear, if it is told.
    """
    return f"{sound}-{_way_of_judging(judge, language)}"


@lru_cache
def _way_of_judging(judge: str, language: str | None) -> str:
    return digest([judge, language])[:32]


def judged_sound(key: str) -> str:
    """Returns the address of the sound that a judgement's key is of."""
    return key.partition("-")[0]
