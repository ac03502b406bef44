"""Long texts in parts that an autoregressive engine can hold, and how many audio frames a part may take."""

import math
import re

CHARACTERS_PER_SECOND = 13.0  # of read English; slow readers are what the slack is for
FRAMES_PER_SECOND = 12.5  # of the Mimi codec
LEAST_SECONDS = 2.0
_SENTENCE = re.compile(r"(?<=[.!?;:。！？…])\s+")


def text_parts(text: str, max_chars: int) -> list[str]:
    """Returns the text in parts of at most `max_chars` characters: whole sentences where they fit, else whole words.

    A word longer than that is a part of its own. Joined with spaces, the parts are the text's words.
    """
    parts: list[str] = []
    for sentence in _SENTENCE.split(" ".join(text.split())):
        fits = len(sentence) <= max_chars
        for piece in [sentence] if fits else sentence.split(" "):
            if parts and len(parts[-1]) + 1 + len(piece) <= max_chars:
                parts[-1] = f"{parts[-1]} {piece}"
            else:
                parts.append(piece)
    return parts


def frames_for(text: str, slack: float) -> int:
    """Returns the cap on audio frames for a text: what a reader needs at 13 characters a second, times `slack`."""
    seconds = max(LEAST_SECONDS, len(text) / CHARACTERS_PER_SECOND)
    return math.ceil(seconds * FRAMES_PER_SECOND * slack)
