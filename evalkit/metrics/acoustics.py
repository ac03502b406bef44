"""What can be measured in sound without a model: silence, clipping, pitch.

Levels are of frames of 20 ms. A frame is silent if it is more than 40 dB below the loud ones (the 95th percentile of
frame levels), or below -60 dBFS whatever the others are.
"""

from dataclasses import dataclass
from functools import cache
from threading import Lock

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from evalkit.audio import Audio

REVISION = 1  # to be raised with what `measure` gives
RATE = 16_000  # Hz: of the sound in which pitch is sought
FRAME_SECONDS = 0.02
SILENT_BELOW_LOUD = 10 ** (-40 / 20)
SILENT = 10 ** (-60 / 20)
VOICED_BELOW_LOUD = 10 ** (-20 / 20)  # softer frames are mostly no vowels, and have no pitch to speak of
LOWEST_PITCH, HIGHEST_PITCH = 60.0, 500.0  # Hz: of speech, children's included
PITCH_FRAME, PITCH_HOP = 1024, 256  # samples at RATE
PITCH_BATCH = 64  # frames at a time: their spectra fit a core's cache
_COMPILING = Lock()
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
    levels = rms_levels(audio)
    loud = float(np.percentile(levels, 95))
    silent = levels < max(SILENT, loud * SILENT_BELOW_LOUD)
    pitch = _pitch(audio, loud)
    low, middle, high = np.percentile(pitch, [10, 50, 90]) if len(pitch) else (0.0, 0.0, 0.0)
    return Acoustics(
        silence_share=float(silent.mean()),
        longest_gap_seconds=_longest_inner_run(silent) * FRAME_SECONDS,
        clipped_share=clipped_share(audio.samples),
        f0_median=float(middle) if len(pitch) else None,
        f0_range=float(12 * np.log2(high / low)) if len(pitch) else None,
    )


def rms_levels(audio: Audio) -> NDArray[np.float64]:
    """Returns the rms of each frame of 20 ms, the last one possibly shorter."""
    size = max(1, round(FRAME_SECONDS * audio.sample_rate))
    power = np.square(audio.samples, dtype=np.float64)
    whole = len(power) // size * size
    means = power[:whole].reshape(-1, size).mean(axis=1)
    if whole < len(power):
        means = np.append(means, power[whole:].mean())
    levels: NDArray[np.float64] = np.sqrt(means)
    return levels


def _longest_inner_run(silent: NDArray[np.bool_]) -> int:
    sounding = np.flatnonzero(~silent)
    return int(np.diff(sounding).max() - 1) if len(sounding) > 1 else 0


def clipped_share(samples: NDArray[np.float32]) -> float:
    """Returns the share of samples in runs of equal ones at the peak, as clipping makes them."""
    magnitudes = np.abs(samples)
    peak = float(magnitudes.max())
    if peak == 0:
        return 0.0
    at_peak = np.flatnonzero(magnitudes >= peak * 0.999)
    begins = np.flatnonzero(np.diff(at_peak, prepend=-2) > 1)  # of each run, among the samples at the peak
    lengths = np.diff(begins, append=len(at_peak))
    return float(lengths[lengths >= FLAT_SAMPLES].sum() / len(samples))


def _pitch(audio: Audio, loud: float) -> NDArray[np.float64]:
    """Returns the pitch of loud frames in Hz."""
    if loud == 0:
        return np.zeros(0)
    frames = _loud_frames(audio.resampled(RATE).samples, loud * VOICED_BELOW_LOUD)
    starts = range(0, len(frames), PITCH_BATCH)
    pitch = np.concatenate([np.zeros(0), *(_yin(frames[start : start + PITCH_BATCH]) for start in starts)])
    return pitch[(pitch > LOWEST_PITCH * 1.01) & (pitch < HIGHEST_PITCH * 0.99)]  # at the ends it found none


def _yin(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the pitch of frames of shape (n, PITCH_FRAME) in Hz, by YIN (de Cheveigné and Kawahara 2002)."""
    with _COMPILING:
        _compile()
    return _yin_of(frames)


@cache
def _compile() -> None:
    """Lets librosa compile what it does at its first call: two threads that come first together would both do it."""
    _yin_of(np.zeros((1, PITCH_FRAME), np.float32))


def _yin_of(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    import librosa

    # Each frame is a channel of its own, so that those that nobody asks about can be left out.
    pitch: NDArray[np.float64] = librosa.yin(
        frames,
        fmin=LOWEST_PITCH,
        fmax=HIGHEST_PITCH,
        sr=RATE,
        frame_length=PITCH_FRAME,
        hop_length=PITCH_HOP,
        center=False,
    )
    return pitch[:, 0]


def _loud_frames(samples: NDArray[np.float32], level: float) -> NDArray[np.float32]:
    """Returns the frames of a higher rms than `level`, shape (n, PITCH_FRAME); none of a sound shorter than a frame."""
    if len(samples) < PITCH_FRAME:
        return np.zeros((0, PITCH_FRAME), np.float32)
    padded = np.pad(samples, PITCH_FRAME // 2)  # so that a frame is centred on each hop
    frames = sliding_window_view(padded, PITCH_FRAME)[::PITCH_HOP]
    levels = np.sqrt(np.square(frames).mean(axis=1))
    return np.asarray(frames[levels > level])
