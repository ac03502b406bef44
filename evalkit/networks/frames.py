"""What networks are given: samples at their rate, long audio in windows, vectors of unit length."""

import math

import numpy as np
from numpy.typing import NDArray

from evalkit.audio import Audio
from evalkit.errors import JudgementError

WINDOW_SECONDS = 30  # models are trained on a few seconds; memory grows with length


def samples_at(audio: Audio, rate: int, least_seconds: float = 0.0) -> NDArray[np.float32]:
    """Returns an audio's samples at a rate, with silence after them where they are fewer than a model can take.

    Raises:
        JudgementError: Some are no numbers: whatever a model made of them would look like a score.
    """
    if not np.isfinite(audio.samples).all():
        raise JudgementError("the audio has samples that are not numbers (NaN or infinite)")
    samples = audio.resampled(rate).samples
    return np.pad(samples, (0, max(0, round(least_seconds * rate) - len(samples))))


def windows(samples: NDArray[np.float32], rate: int) -> list[NDArray[np.float32]]:
    """Returns samples in parts of equal length, at most 30 s each."""
    return np.array_split(samples, max(1, math.ceil(len(samples) / (WINDOW_SECONDS * rate))))


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns vectors of shape (n, d) scaled to unit length."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled
