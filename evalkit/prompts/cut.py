"""Where a clip may be cut: in the pauses that its levels show, and between words; and what is then to be heard."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evalkit.audio import Audio
from evalkit.words import Word

PAUSE_SECONDS = 0.1  # a stop's closure within a word is shorter, mostly
PAUSE_DB = 25.0  # a pause is this far below the clip's loud frames; at 20 a fifth of those found lay within a word
KEPT_SECONDS = 0.2  # of a pause, after the word that it follows
FADE_SECONDS = 0.005
HOP_SECONDS = 0.005


def pauses(audio: Audio, least: float = PAUSE_SECONDS) -> list[float]:
    """Returns a moment in each pause of `least` seconds or more, the silence at both ends of the clip left aside."""
    levels = _levels(audio)
    quiet = levels < np.percentile(levels, 90) - PAUSE_DB
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8))) + 1
    found = []
    for start, end in pairwise(edges):
        seconds = (end - start) * HOP_SECONDS
        if quiet[start] and seconds >= least:
            found.append(float(start * HOP_SECONDS + min(seconds / 2, KEPT_SECONDS)))
    return found


def between(words: Sequence[Word]) -> list[float]:
    """Returns the moments between neighbouring words, where they were heard apart: each as the second word starts."""
    return [
        following.start
        for word, following in pairwise(words)
        if following.start >= word.start and following.end > word.end
    ]


def cut_at(audio: Audio, seconds: float) -> Audio:
    """Returns the audio up to `seconds`, its last 5 ms faded out so that the cut does not click."""
    samples = audio.samples[: round(seconds * audio.sample_rate)].copy()
    _fade(samples[::-1], audio.sample_rate)
    return Audio(samples, audio.sample_rate)


def rest_after(audio: Audio, seconds: float) -> Audio:
    """Returns what follows a cut, its first 5 ms faded in."""
    samples = audio.samples[round(seconds * audio.sample_rate) :].copy()
    _fade(samples, audio.sample_rate)
    return Audio(samples, audio.sample_rate)


def after_silence(audio: Audio, seconds: float) -> Audio:
    """Returns the audio with so much silence before it."""
    silence = np.zeros(round(seconds * audio.sample_rate), np.float32)
    return Audio(np.concatenate([silence, audio.samples]), audio.sample_rate)


def _fade(samples: NDArray[np.float32], sample_rate: int) -> None:
    """Lets samples begin at nothing, in place."""
    fade = min(round(FADE_SECONDS * sample_rate), len(samples))
    samples[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)


def _levels(audio: Audio) -> NDArray[np.float64]:
    """Returns levels in dB of 20 ms windows every 5 ms."""
    hop = max(1, round(HOP_SECONDS * audio.sample_rate))
    power = np.convolve(audio.samples.astype(np.float64) ** 2, np.ones(4 * hop) / (4 * hop), mode="same")
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(power[hop // 2 :: hop], 1e-10))
    return levels
