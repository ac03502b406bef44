"""Long texts in parts that an autoregressive engine can hold, and how many audio frames a part may take."""

import math

import regex

from evalkit.languages import shipped

FRAMES_PER_SECOND = 12.5  # of the Mimi codec
LEAST_SECONDS = 2.0
_SENTENCE = regex.compile(r"(?<=[.!?;:…])\s+|(?<=[。！？；])\s*(?=\S)")


def text_parts(text: str, max_chars: int, language: str = "en") -> list[str]:
    """Returns the text in parts of at most `max_chars` characters: whole sentences where they fit, else whole words.

    A word longer than that is a part of its own. Joined, with spaces where the language has them, the parts are the
    text's words.
    """
    spoken = shipped()[language]
    space = " " if spoken.entry.spaces else ""
    parts: list[str] = []
    for sentence in _SENTENCE.split(" ".join(text.split())):
        for piece in [sentence] if len(sentence) <= max_chars else spoken.parted(sentence):
            if parts and len(parts[-1]) + len(space) + len(piece) <= max_chars:
                parts[-1] = f"{parts[-1]}{space}{piece}"
            else:
                parts.append(piece)
    return parts


def frames_for(text: str, slack: float, language: str = "en") -> int:
    """Returns the cap on audio frames for a text: what a reader of the language needs for it, times `slack`.

    Slow readers are what the slack is for.
    """
    seconds = max(LEAST_SECONDS, len(text) / shipped()[language].entry.characters_per_second)
    return math.ceil(seconds * FRAMES_PER_SECOND * slack)
