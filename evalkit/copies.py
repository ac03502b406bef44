"""Whether two recordings hold the same performance, however it was encoded: at another rate, gain, codec or offset.

Two takes of one sentence are no copies: their waveforms do not correlate. Measured on the demo's voices: two clips of a
voice agree to 0.17 at the most (220 pairs), a clip and its copy (MP3, Opus, 8 kHz, clipped, a third of it) to 0.67 or
more.
"""

import numpy as np
from numpy.typing import NDArray

from evalkit.audio import Audio

COMPARED_SECONDS = 60.0  # of a recording, from its beginning; a prompt takes 30 of them at the most
COPY = 0.5  # agreement above which two recordings are the same
SHORTEST_SECONDS = 1.0  # in less, vowels of one pitch may agree by chance
_RATE = 4000  # Hz
_LOWEST, _HIGHEST = 100.0, 1600.0  # Hz: what every codec keeps, and an offset of half a sample does not turn around
_SMOOTHED = 50.0  # Hz to either side

Outline = NDArray[np.float32]


def outline(audio: Audio) -> Outline:
    """Returns what is compared of a recording: samples at 4 kHz, shape (n,); no tone and no band stands out in them."""
    samples = audio.resampled(_RATE).samples
    size = _power_of_two(len(samples))
    spectrum = np.fft.rfft(samples, size)
    levels = np.abs(spectrum)
    spectrum /= np.maximum(np.maximum(levels, _smoothed(levels, round(_SMOOTHED * size / _RATE))), 1e-9)
    frequencies = np.fft.rfftfreq(size, 1 / _RATE)
    spectrum[(frequencies < _LOWEST) | (frequencies > _HIGHEST)] = 0
    flat: Outline = np.fft.irfft(spectrum, size)[: len(samples)].astype(np.float32)
    return flat


def agreement(one: Outline, other: Outline) -> float:
    """Returns how far two outlines agree, in [0, 1]: their correlation at the offset where their products are largest.

    It is taken over what overlaps there, which is at least a second and half of the shorter recording; 0 where they are
    shorter than that. A copy turned upside down is one too.
    """
    least = max(SHORTEST_SECONDS * _RATE, min(len(one), len(other)) / 2)
    offsets = np.arange(1 - len(other), len(one))
    wide = offsets[np.minimum(offsets + len(other), len(one)) - np.maximum(offsets, 0) >= least]
    if not len(wide):
        return 0.0
    size = _power_of_two(len(one) + len(other))
    products = np.fft.irfft(np.fft.rfft(one, size) * np.fft.rfft(other, size).conj(), size)[wide % size]
    offset = int(wide[np.abs(products).argmax()])
    begin, end = max(offset, 0), min(offset + len(other), len(one))
    return _correlation(one[begin:end], other[begin - offset : end - offset])


def _correlation(one: Outline, other: Outline) -> float:
    norm = float(np.linalg.norm(one) * np.linalg.norm(other))
    return abs(float(one @ other)) / norm if norm else 0.0


def _smoothed(levels: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Returns the mean of each level and `reach` of its neighbours to either side."""
    reach = max(1, reach)
    sums = np.cumsum(np.pad(levels, (reach + 1, reach), mode="edge"))
    means: NDArray[np.float64] = (sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1)
    return means


def _power_of_two(length: int) -> int:
    return 1 << max(3, (length - 1).bit_length())
