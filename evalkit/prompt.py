"""What an engine is conditioned on: a value light enough for any Python that can run an engine."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from evalkit.audio import Audio
from evalkit.digest import digest

TextSource = Literal["user", "asr", "closed_loop"]
EndsAt = Literal["clip", "pause", "word", "hard"]


@dataclass(frozen=True)
class Ending:
    """Where a prompt ends, and how that was made sure of.

    Attributes:
        at: The end of a `clip`, a `pause` within one, a `word` that runs into the next, or `hard` at the very sample.
        tried: Cuts that were heard until one was believed, or none was.
        before: What was heard before the cut that was believed, in its last seconds.
        after: What was heard after it.
    """

    at: EndsAt
    tried: int = 0
    before: str = ""
    after: str = ""


@dataclass(frozen=True, eq=False)
class Prompt:
    """Audio and its words.

    Attributes:
        audio: Mono, at the rate the engine asked for.
        text: The words of `audio`.
        text_source: Who wrote the words: the least sure of the clips' sources.
        clips: File names of the clips used.
        text_wer: Edits between the words of the clips, each whole, and what is heard in them, a ratio: whether they
            are rightly written down, whatever became of them here; None if nobody listened.
        wer: Edits between `text`, with all that was done to it, and what is heard in `audio`, a ratio.
        ending: Where it ends; None if that is not known.
    """

    audio: Audio
    text: str
    text_source: TextSource
    clips: tuple[str, ...]
    text_wer: float | None = None
    wer: float | None = None
    ending: Ending | None = None

    @cached_property
    def sha256(self) -> str:
        """Content address of audio and text (hex)."""
        return content_address(self.audio.sha256, self.text)


def content_address(audio: str, text: str) -> str:
    """Returns the content address (hex) of a prompt's audio, given by its own, and its words."""
    return digest({"audio": audio, "text": text})
