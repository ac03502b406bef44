"""Mono audio as a value: samples never travel without their rate, and every file is checked as it is read."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import DataError

SILENCE_PEAK = 1e-4  # -80 dBFS: below the noise of any recording that holds speech
MOST_OVERSHOOT = 2.0  # times full scale, 6 dB: lossy codecs and resamplers of clipped masters stay below
BLOCK = 1 << 18  # frames read at a time
# libsndfile reads a file that was cut off without a word, but notes in its log what the header promised.
_PROMISED = re.compile(r"^\s*(?:data|SSND)\s*: (\d+) \(should be \d+\)$", re.MULTILINE)
_CUT_OFF = "its header promises more audio than the file has"
_UNKNOWN_SIZE = 0x7FFFFFFF - 1024  # written by programs that stream: no promise


@dataclass(frozen=True, eq=False)
class Audio:
    """Mono sound.

    Attributes:
        samples: Shape (n,), float32, full scale is [-1, 1]; read-only, since several stages and engines share them.
        sample_rate: Hz.
    """

    samples: NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        if isinstance(self.samples, np.ndarray):  # an engine may have given anything; see `executors.checked`
            view = self.samples.view()
            view.flags.writeable = False
            object.__setattr__(self, "samples", view)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    @property
    def peak(self) -> float:
        """Largest absolute sample; 0 for no samples."""
        return float(np.abs(self.samples).max()) if len(self.samples) else 0.0

    @cached_property
    def sha256(self) -> str:
        """Content address of rate and samples (hex)."""
        found = hashlib.sha256(self.sample_rate.to_bytes(4, "little"))
        found.update(np.ascontiguousarray(self.samples, "<f4").data)
        return found.hexdigest()

    def resampled(self, sample_rate: int) -> "Audio":
        """Returns the same sound at `sample_rate` Hz (soxr, high quality)."""
        if sample_rate == self.sample_rate:
            return self
        import soxr

        return Audio(soxr.resample(self.samples, self.sample_rate, sample_rate).astype(np.float32), sample_rate)


@dataclass(frozen=True, eq=False)
class Recording:
    """What was read of an audio file.

    Attributes:
        audio: Its sound, mono, within full scale.
        peak: Largest absolute sample in the file; above 1, `audio` was scaled down by it.
        whole: Whether nothing was left out.
    """

    audio: Audio
    peak: float
    whole: bool


def read_audio(path: Path) -> Audio:
    """Reads any file that libsndfile reads, mixed down to mono; see `read_recording`."""
    return read_recording(path).audio


def read_recording(path: Path, longest: float | None = None) -> Recording:
    """Reads an audio file, mixed down to mono, in blocks: memory is what the result takes.

    Float samples may go beyond full scale: resamplers and decoders overshoot. Up to twice full scale the sound is
    scaled down, so that nothing is clipped; beyond it the file is a broken export.

    Args:
        path: Any file that libsndfile reads.
        longest: Seconds from its beginning that are wanted; None: all.

    Raises:
        DataError: The file is missing, empty, cut off, not audio, silent, far beyond full scale, or has samples that
            are not numbers.
    """
    if not path.is_file():
        raise DataError(f"no audio file at {path}")
    try:
        samples, rate, whole = decoded(path, longest)
    except CutOffError as error:
        raise DataError(f"{path} is cut off: {error}; copy it again") from error
    except DataError as error:
        raise DataError(f"{path} {error}; use WAV, FLAC or OGG") from error
    if len(samples) == 0:
        raise DataError(f"{path} holds no audio (0 samples)")
    peak = _checked_peak(path, samples)
    if peak > 1:
        samples /= np.float32(peak)
    return Recording(Audio(samples, rate), peak, whole)


class CutOffError(DataError):
    """Audio ends before its header says that it does."""


def decoded(source: Path | BinaryIO, longest: float | None = None) -> tuple[NDArray[np.float32], int, bool]:
    """Returns samples, mixed down to mono, as they are; their rate (Hz); whether nothing was left out.

    Args:
        source: A file, or its bytes, that libsndfile reads.
        longest: Seconds from its beginning that are wanted; None: all.

    Raises:
        CutOffError: The header promises more than there is.
        DataError: It is not audio that can be read. Either message begins as what follows the name of the source.
    """
    import soundfile

    try:
        with soundfile.SoundFile(source) as file:
            declared, rate = file.frames, int(file.samplerate)
            wanted = declared if longest is None else min(declared, round(longest * rate))
            if declared and any(int(size) < _UNKNOWN_SIZE for size in _PROMISED.findall(file.extra_info)):
                raise CutOffError(_CUT_OFF)
            samples = _mono(file, wanted)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        why = str(getattr(error, "error_string", error)).rstrip(".")
        raise DataError(f"is not audio that can be read ({why})") from error
    if len(samples) and len(samples) < wanted:
        raise CutOffError(_CUT_OFF)
    return samples, rate, wanted == declared


def _mono(file: Any, wanted: int) -> NDArray[np.float32]:
    """Returns up to `wanted` frames, mixed down; fewer where the file ends."""
    kept = bytearray()  # grows as there is sound: headers may promise any length
    while (left := wanted - len(kept) // 4) > 0:
        block = file.read(min(BLOCK, left), dtype="float32", always_2d=True)
        if not len(block):
            break
        kept += block.mean(axis=1).tobytes()
    return np.frombuffer(kept, np.float32)


def _checked_peak(path: Path, samples: NDArray[np.float32]) -> float:
    lowest, highest = float(samples.min()), float(samples.max())  # either is NaN where a sample is
    peak = max(-lowest, highest)
    if not np.isfinite([lowest, highest]).all():
        raise DataError(f"{path} has samples that are not numbers (NaN or infinite); export it again")
    if peak < SILENCE_PEAK:
        raise DataError(f"{path} is silent: its peak is {peak:g}, speech needs {SILENCE_PEAK:g} or more")
    if peak > MOST_OVERSHOOT:
        raise DataError(f"{path} is far beyond full scale: its peak is {peak:g}, {_scale(peak)}; export it again")
    return peak


def _scale(peak: float) -> str:
    """Returns what such a peak comes from, in words."""
    for bits in (16, 24, 32):
        if 2 ** (bits - 8) < peak <= 2 ** (bits - 1):
            return f"as {bits}-bit integers have that were written as float without dividing by {2 ** (bits - 1)}"
    return f"float samples reach from -1 to 1 ({MOST_OVERSHOOT:g} is allowed)"


def write_flac(path: Path, audio: Audio) -> None:
    """Writes 16-bit FLAC, which browsers play; samples beyond full scale are clipped."""
    import soundfile

    soundfile.write(path, np.clip(audio.samples, -1.0, 1.0), audio.sample_rate, format="FLAC", subtype="PCM_16")
