"""What can be measured in a recording of speech, before anything is synthesised: level, background, bandwidth."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from evalkit.audio import Audio
from evalkit.metrics.acoustics import clipped_share, rms_levels

LOUD, QUIET = 95, 10  # percentiles of frame levels: speech, and what is heard in its pauses
FAINTEST = 1e-6  # -120 dBFS: digital silence has no level in decibels
SPECTRUM = 2048  # samples
HEARD = -60.0  # dB below the strongest band: what lies lower is noise or nothing


@dataclass(frozen=True)
class Sounding:
    """Facts about a recording.

    Attributes:
        level: Of the speech, dBFS.
        above: How far the speech is above what is heard between words, dB. White noise at a signal-to-noise ratio of
            10 dB leaves 14 to 17 of them, at 20 dB 22 to 27, of clean speech there are 25 or more (the demo's voices).
        clipped: Share of samples that are cut off flat at the peak.
        bandwidth: The highest frequency that is heard, Hz.
    """

    level: float
    above: float
    clipped: float
    bandwidth: float


def sounding(audio: Audio) -> Sounding:
    """Returns the facts about a recording of at least one sample."""
    levels = np.maximum(rms_levels(audio), FAINTEST)
    loud, quiet = np.percentile(levels, [LOUD, QUIET])
    return Sounding(
        level=float(20 * np.log10(loud)),
        above=float(20 * np.log10(loud / quiet)),
        clipped=clipped_share(audio.samples),
        bandwidth=_bandwidth(audio),
    )


def _bandwidth(audio: Audio) -> float:
    samples = np.pad(audio.samples, (0, max(0, SPECTRUM - len(audio.samples))))
    window, power = np.hanning(SPECTRUM), np.zeros(SPECTRUM // 2 + 1)
    for frame in sliding_window_view(samples, SPECTRUM)[:: SPECTRUM // 2]:
        power += np.abs(np.fft.rfft(frame * window)) ** 2
    decibels = 10 * np.log10(np.maximum(power / max(power.max(), 1e-30), 1e-30))
    return float(np.flatnonzero(decibels > HEARD).max() * audio.sample_rate / SPECTRUM)
