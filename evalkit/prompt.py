"""What an engine is conditioned on: a value light enough for any Python that can run an engine."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from evalkit.audio import Audio
from evalkit.digest import digest

TextSource = Literal["user", "asr", "closed_loop"]


@dataclass(frozen=True, eq=False)
class Prompt:
    """Audio and its words.

    Attributes:
        audio: Mono, at the rate the engine asked for.
        text: The words of `audio`.
        text_source: Who wrote the words: the least sure of the clips' sources.
        clips: File names of the clips used.
        text_wer: Edits between the clips' words and what the transcriber heard, a ratio; None if nobody listened.
    """

    audio: Audio
    text: str
    text_source: TextSource
    clips: tuple[str, ...]
    text_wer: float | None = None

    @cached_property
    def sha256(self) -> str:
        """Content address of audio and text (hex)."""
        return content_address(self.audio.sha256, self.text)


def content_address(audio: str, text: str) -> str:
    """Returns the content address (hex) of a prompt's audio, given by its own, and its words."""
    return digest({"audio": audio, "text": text})
