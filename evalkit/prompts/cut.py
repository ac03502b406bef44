"""Where a clip may be cut: between two words, at the quietest moment there, and the words with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from evalkit.audio import Audio
from evalkit.words import Word

SEARCH_SECONDS = 0.12  # a transcriber's word times are about this exact
PAUSE_SECONDS = 0.1
PAUSE_DB = 20.0  # a pause is this far below the clip's loud frames
AWAY_DB = 6.0  # a moment at the search's edge must be this much quieter than one where the words were heard to part
FADE_SECONDS = 0.005
HOP_SECONDS = 0.005


@dataclass(frozen=True)
class Cut:
    """A place to end: seconds from the clip's start, and how many of its words lie before it."""

    seconds: float
    words: int


def cuts(audio: Audio, words: Sequence[Word], kind: Literal["word", "silence"]) -> list[Cut]:
    """Returns the places after each word but the last where the clip may end; with `silence`, those in a pause."""
    levels = _levels(audio)
    found = []
    for count, (word, following) in enumerate(pairwise(words), start=1):
        if following.start < word.start or following.end <= word.end:
            continue  # not heard apart: a cut between them would part audio from text
        moment, depth = _quietest(levels, word, following)
        if kind == "word" or depth >= PAUSE_DB:
            found.append(Cut(moment, count))
    return found


def cut_at(audio: Audio, seconds: float) -> Audio:
    """Returns the audio up to `seconds`, its last 5 ms faded out so that the cut does not click."""
    samples = audio.samples[: round(seconds * audio.sample_rate)].copy()
    fade = min(round(FADE_SECONDS * audio.sample_rate), len(samples))
    if fade:
        samples[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return Audio(samples, audio.sample_rate)


def _quietest(levels: np.ndarray, word: Word, following: Word) -> tuple[float, float]:
    """Returns the quietest moment near the boundary, and how far below the clip's loud frames a pause there lies."""
    first = max(word.end - SEARCH_SECONDS, (word.start + word.end) / 2)
    last = min(following.start + SEARCH_SECONDS, (following.start + following.end) / 2)
    low = min(max(0, int(first / HOP_SECONDS)), len(levels) - 1)
    high = min(max(low + 1, int(np.ceil(last / HOP_SECONDS))), len(levels))
    window = levels[low:high]
    width = round(PAUSE_SECONDS / HOP_SECONDS)
    # the loudest frame of each stretch as long as a pause; the quietest such stretch decides
    pause = min(window[start : start + width].max() for start in range(max(1, len(window) - width + 1)))
    depth = float(np.percentile(levels, 90) - pause) if len(window) >= width else 0.0
    moments = (low + np.arange(len(window)) + 0.5) * HOP_SECONDS
    away = np.abs(moments - (word.end + following.start) / 2) / max(float(np.ptp(moments)), HOP_SECONDS)
    return float(moments[(window + AWAY_DB * away).argmin()]), depth


def _levels(audio: Audio) -> np.ndarray:
    """Returns levels in dB of 20 ms windows every 5 ms."""
    hop = max(1, round(HOP_SECONDS * audio.sample_rate))
    power = np.convolve(audio.samples.astype(np.float64) ** 2, np.ones(4 * hop) / (4 * hop), mode="same")
    return 10 * np.log10(np.maximum(power[hop // 2 :: hop], 1e-10))
