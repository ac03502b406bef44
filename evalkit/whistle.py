"""Whistled text: the code of the shipped fakes, one pitch a character over a hum that stands for the speaker.

The engine `tone` speaks it and the fake judges hear it back exactly, so that a whole run can be checked by hand.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from evalkit.audio import Audio
from evalkit.words import Word

RATE = 16_000
CHARACTER_SAMPLES = 480  # 30 ms
SIGNS = "天地人日月山水火木金土大小上下"  # so that what has no spaces between words can be checked by hand too
ALPHABET = f" abcdefghijklmnopqrstuvwxyz0123456789'.,?!-{SIGNS}"
LOWEST_PITCH, PITCH_STEP = 1000.0, 100.0  # Hz
HUM_RANGE = (80.0, 500.0)  # Hz
REMEMBERED = 4096  # hums: an engine hears its prompt's at every request

_hums: dict[str, float] = {}  # by the sound's address


def pitches(text: str) -> NDArray[np.float64]:
    """Returns the pitch (Hz) of each character, shape (n,); characters outside the alphabet are spaces."""
    indices = [max(0, ALPHABET.find(character)) for character in text.lower()]
    return LOWEST_PITCH + PITCH_STEP * np.array(indices, dtype=np.float64)


def whistle(text: str, hum: float) -> Audio:
    """Returns `text` whistled over a hum of `hum` Hz: 30 ms a character, 16 kHz."""
    phases = np.repeat(pitches(text), CHARACTER_SAMPLES).cumsum() * (2 * np.pi / RATE)
    drone = np.sin(2 * np.pi * hum * np.arange(len(phases)) / RATE)
    return Audio((0.4 * np.sin(phases) + 0.3 * drone).astype(np.float32), RATE)


def heard_hum(audio: Audio) -> float:
    """Returns the strongest frequency (Hz) in the range of hums; of a sound that was heard before, from memory."""
    hum = _hums.get(audio.sha256)
    if hum is None:
        hum = _strongest(audio.resampled(RATE).samples)
        if len(_hums) >= REMEMBERED:
            _hums.clear()
        _hums[audio.sha256] = hum
    return hum


def _strongest(samples: NDArray[np.float32]) -> float:
    size = max(8 * RATE, len(samples))  # bins of 1/8 Hz or finer, by zero padding
    first, frequencies = _hum_bins(size)
    spectrum = np.fft.rfft(samples * _window(len(samples)), n=size)[first : first + len(frequencies)]
    return float(frequencies[np.abs(spectrum).argmax()])


@lru_cache(16)
def _hum_bins(size: int) -> tuple[int, NDArray[np.float64]]:
    """Returns the index of the first bin in the range of hums, and the frequencies of all in it, of so many samples."""
    frequencies = np.fft.rfftfreq(size, 1 / RATE).astype(np.float64)
    inside = np.flatnonzero((frequencies >= HUM_RANGE[0]) & (frequencies <= HUM_RANGE[1]))
    return int(inside[0]), frequencies[inside]


@lru_cache(16)
def _window(length: int) -> NDArray[np.float64]:
    return np.hanning(length)


def timed(characters: str) -> Iterator[Word]:
    """Gives the words among characters of 30 ms each, with their times."""
    seconds = CHARACTER_SAMPLES / RATE
    for match in re.finditer(r"\S+", characters):
        yield Word(match.group(), match.start() * seconds, match.end() * seconds)


def heard_text(audio: Audio) -> str:
    """Returns the characters that are whistled, one each 30 ms."""
    samples = audio.resampled(RATE).samples
    frames = samples[: len(samples) // CHARACTER_SAMPLES * CHARACTER_SAMPLES].reshape(-1, CHARACTER_SAMPLES)
    lowest = round((LOWEST_PITCH - PITCH_STEP / 2) / 10)  # the bin, of 10 Hz, under which there are no whistles
    spectra = np.abs(np.fft.rfft(frames * _window(CHARACTER_SAMPLES), n=RATE // 10)[:, lowest:])
    indices = np.rint(((lowest + spectra.argmax(axis=1)) * 10 - LOWEST_PITCH) / PITCH_STEP).astype(int)
    return "".join(ALPHABET[index] if 0 <= index < len(ALPHABET) else " " for index in indices)
