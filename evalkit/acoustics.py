"""What can be measured in sound without a model: silence, clipping, pitch.

Levels are of frames of 20 ms. A frame is silent if it is more than 40 dB below the loud ones (the 95th percentile of
frame levels), or below -60 dBFS whatever the others are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.audio import Audio

RATE = 16_000
FRAME_SECONDS = 0.02
SILENT_BELOW_LOUD = 10 ** (-40 / 20)
SILENT = 10 ** (-60 / 20)
VOICED_BELOW_LOUD = 10 ** (-20 / 20)  # softer frames are mostly no vowels, and have no pitch to speak of
LOWEST_PITCH, HIGHEST_PITCH = 60.0, 500.0  # Hz: of speech, children's included
FLAT_SAMPLES = 3  # so many equal samples at the very top are cut off, not a wave's crest


@dataclass(frozen=True)
class Acoustics:
    """Facts about a sound.

    Attributes:
        silence_share: Share of silent frames, in [0, 1].
        longest_gap_seconds: Longest run of silent frames between sound.
        clipped_share: Share of samples that are cut off flat at the sound's peak.
        f0_median: Median pitch in Hz; None without voiced frames.
        f0_range: From the 10th to the 90th percentile of pitch, in semitones.
    """

    silence_share: float
    longest_gap_seconds: float
    clipped_share: float
    f0_median: float | None
    f0_range: float | None


def measure(audio: Audio) -> Acoustics:
    """Returns the facts about a sound of at least one sample."""
    levels = _levels(audio)
    loud = float(np.percentile(levels, 95))
    silent = levels < max(SILENT, loud * SILENT_BELOW_LOUD)
    pitch = _pitch(audio, loud)
    low, middle, high = np.percentile(pitch, [10, 50, 90]) if len(pitch) else (0.0, 0.0, 0.0)
    return Acoustics(
        silence_share=float(silent.mean()),
        longest_gap_seconds=_longest_inner_run(silent) * FRAME_SECONDS,
        clipped_share=_clipped_share(audio.samples),
        f0_median=float(middle) if len(pitch) else None,
        f0_range=float(12 * np.log2(high / low)) if len(pitch) else None,
    )


def _levels(audio: Audio) -> NDArray[np.float64]:
    """Returns the rms of each frame, the last one possibly shorter."""
    size = max(1, round(FRAME_SECONDS * audio.sample_rate))
    starts = range(0, max(1, len(audio.samples)), size)
    return np.array([np.sqrt(np.mean(audio.samples[start : start + size].astype(np.float64) ** 2)) for start in starts])


def _longest_inner_run(silent: NDArray[np.bool_]) -> int:
    sounding = np.flatnonzero(~silent)
    return int(np.diff(sounding).max() - 1) if len(sounding) > 1 else 0


def _clipped_share(samples: NDArray[np.float32]) -> float:
    """Returns the share of samples in runs of equal ones at the peak, as clipping makes them."""
    peak = float(np.abs(samples).max())
    if peak == 0:
        return 0.0
    at_peak = (np.abs(samples) >= peak * 0.999).astype(np.int8)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], at_peak, [0]])))
    lengths = edges[1::2] - edges[::2]
    return float(lengths[lengths >= FLAT_SAMPLES].sum() / len(samples))


def _pitch(audio: Audio, loud: float) -> NDArray[np.float64]:
    """Returns the pitch of loud frames in Hz, by YIN (de Cheveigné and Kawahara 2002)."""
    import librosa

    window, hop = 1024, 256
    samples = audio.resampled(RATE).samples
    if len(samples) < window or loud == 0:
        return np.zeros(0)
    pitch = librosa.yin(samples, fmin=LOWEST_PITCH, fmax=HIGHEST_PITCH, sr=RATE, frame_length=window, hop_length=hop)
    levels = librosa.feature.rms(y=samples, frame_length=window, hop_length=hop)[0]
    inside = (pitch > LOWEST_PITCH * 1.01) & (pitch < HIGHEST_PITCH * 0.99)  # at the ends it found none
    return np.asarray(pitch[inside & (levels > loud * VOICED_BELOW_LOUD)], dtype=np.float64)
