"""Mono audio as a value: samples never travel without their rate, and every file is checked as it is read."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import DataError

SILENCE_PEAK = 1e-4  # -80 dBFS: below the noise of any recording that holds speech
# libsndfile reads a file that was cut off without a word, but notes in its log what the header promised.
_PROMISED = re.compile(r"^\s*(?:data|SSND)\s*: (\d+) \(should be \d+\)$", re.MULTILINE)
_UNKNOWN_SIZE = 0x7FFFFFFF - 1024  # written by programs that stream: no promise


@dataclass(frozen=True, eq=False)
class Audio:
    """Mono sound.

    Attributes:
        samples: Shape (n,), float32, full scale is [-1, 1].
        sample_rate: Hz.
    """

    samples: NDArray[np.float32]
    sample_rate: int

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
        payload = self.sample_rate.to_bytes(4, "little") + self.samples.astype("<f4").tobytes()
        return hashlib.sha256(payload).hexdigest()

    def resampled(self, sample_rate: int) -> "Audio":
        """Returns the same sound at `sample_rate` Hz (soxr, high quality)."""
        if sample_rate == self.sample_rate:
            return self
        import soxr

        return Audio(soxr.resample(self.samples, self.sample_rate, sample_rate).astype(np.float32), sample_rate)


def read_audio(path: Path) -> Audio:
    """Reads any file that libsndfile reads, mixed down to mono.

    Raises:
        DataError: The file is missing, empty, cut off, not audio, silent, or has samples that are not numbers.
    """
    if not path.is_file():
        raise DataError(f"no audio file at {path}")
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            declared, log = file.frames, file.extra_info
            samples = file.read(dtype="float32", always_2d=True)
            rate = int(file.samplerate)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise DataError(f"{path} is not audio that can be read ({error}); use WAV, FLAC or OGG") from error
    if len(samples) == 0:
        raise DataError(f"{path} holds no audio (0 samples)")
    if len(samples) < declared or any(int(size) < _UNKNOWN_SIZE for size in _PROMISED.findall(log)):
        raise DataError(f"{path} is cut off: its header promises more audio than the file has; copy it again")
    if not np.isfinite(samples).all():
        raise DataError(f"{path} has samples that are not numbers (NaN or infinite); export it again")
    audio = Audio(np.ascontiguousarray(samples.mean(axis=1), dtype=np.float32), rate)
    if audio.peak < SILENCE_PEAK:
        raise DataError(f"{path} is silent: its peak is {audio.peak:g}, speech needs {SILENCE_PEAK:g} or more")
    return audio


def write_flac(path: Path, audio: Audio) -> None:
    """Writes 16-bit FLAC, which browsers play; samples beyond full scale are clipped."""
    import soundfile

    soundfile.write(path, np.clip(audio.samples, -1.0, 1.0), audio.sample_rate, format="FLAC", subtype="PCM_16")
