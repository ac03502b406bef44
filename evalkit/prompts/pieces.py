"""Pieces: clips read and made alike (rate, silence, loudness), in the order they are to be joined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.audio import Audio, read_recording
from evalkit.voices import Clip

FRAME_SECONDS = 0.02
CLIPPING = 0.99  # of full scale
SPEECH_RANGE_DB = 25.0  # frames this far below the loudest are no speech
PEAK_LIMIT = 0.99
Speech = Callable[[Audio], list[tuple[float, float]]]


@dataclass(frozen=True, eq=False)
class Piece:
    """A clip ready to be joined; `whole` tells that nothing was cut off its recording's end."""

    clip: Clip
    audio: Audio
    whole: bool


def read_piece(clip: Clip, sample_rate: int, longest: float) -> Piece:
    """Reads a clip at `sample_rate`, its first `longest` seconds.

    Raises:
        DataError: The recording cannot be used.
    """
    recording = read_recording(clip.path, longest)
    return Piece(clip, recording.audio.resampled(sample_rate), recording.whole)


def ordered(pieces: Sequence[Piece], order: str) -> list[Piece]:
    """Returns the pieces `longest` or `best` first; equals keep their order."""
    if order == "longest":
        return sorted(pieces, key=lambda piece: -piece.audio.seconds)
    return sorted(pieces, key=lambda piece: -quality(piece.audio))


def quality(audio: Audio) -> float:
    """Returns how fit a clip is to be a prompt, cheaply: signal-to-noise ratio in dB, less for what is wrong with it.

    Loud frames (90th percentile of 20 ms levels) minus quiet ones (10th, the noise floor; 60 dB at the most), minus
    1 dB for each per mille of clipped samples, minus the dB by which speech is quieter than -30 dBFS, minus 20 dB times
    the share of frames that are no speech.
    """
    levels = frame_levels(audio)
    loud, floor = np.percentile(levels, [90, 10])
    clipped = float(np.mean(np.abs(audio.samples) >= CLIPPING))
    pauses = float(np.mean(levels < levels.max() - SPEECH_RANGE_DB))
    return float(min(loud - floor, 60.0) - 1000 * clipped - max(0.0, -30.0 - loud) - 20 * pauses)


def frame_levels(audio: Audio) -> NDArray[np.float64]:
    """Returns the level of each 20 ms frame in dBFS, shape (frames,); at least one frame."""
    size = max(1, round(FRAME_SECONDS * audio.sample_rate))
    padded = np.pad(audio.samples.astype(np.float64), (0, -len(audio.samples) % size))
    power = np.mean(padded.reshape(-1, size) ** 2, axis=1) if len(padded) else np.zeros(1)
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(power, 1e-10))
    return levels


def trimmed(piece: Piece, speech: Speech) -> Piece:
    """Returns the piece from its first to its last speech; as it is where no speech was found."""
    spans = speech(piece.audio)
    if not spans:
        return piece
    rate = piece.audio.sample_rate
    samples = piece.audio.samples[round(spans[0][0] * rate) : round(spans[-1][1] * rate)]
    return replace(piece, audio=Audio(samples, rate))


def loudness(audio: Audio) -> float:
    """Returns the level of the speech frames in dBFS."""
    levels = frame_levels(audio)
    speech = levels[levels >= levels.max() - SPEECH_RANGE_DB]
    return float(10 * np.log10(np.mean(10 ** (speech / 10))))


def matched(pieces: Sequence[Piece]) -> list[Piece]:
    """Returns the pieces at the median of their loudness, none beyond full scale."""
    target = float(np.median([loudness(piece.audio) for piece in pieces]))
    return [replace(piece, audio=_gained(piece.audio, target - loudness(piece.audio))) for piece in pieces]


def _gained(audio: Audio, decibels: float) -> Audio:
    gain = min(10 ** (decibels / 20), PEAK_LIMIT / max(audio.peak, 1e-9))
    return Audio((audio.samples * np.float32(gain)).astype(np.float32), audio.sample_rate)


def joined(parts: Sequence[Audio], gap_seconds: float, crossfade_seconds: float) -> Audio:
    """Returns the parts end to end, silence between them or their ends overlapping (linear crossfade)."""
    rate = parts[0].sample_rate
    result = parts[0].samples
    for part in parts[1:]:
        overlap = min(round(crossfade_seconds * rate), len(result), len(part.samples))
        if overlap:
            ramp = np.linspace(0, 1, overlap, dtype=np.float32)
            mixed = result[-overlap:] * (1 - ramp) + part.samples[:overlap] * ramp
            result = np.concatenate([result[:-overlap], mixed, part.samples[overlap:]])
        else:
            gap = np.zeros(round(gap_seconds * rate), dtype=np.float32)
            result = np.concatenate([result, gap, part.samples])
    return Audio(result.astype(np.float32), rate)
