"""Codecs: the one way in which each kind of value becomes bytes, and the same value again."""

import io
import json
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from evalkit.audio import Audio
from evalkit.store.base import Shelf

T = TypeVar("T")


class Codec(Protocol[T]):
    """Bytes of a value, and the value of bytes."""

    def encode(self, value: T) -> bytes:
        """Returns the bytes of a value."""

    def decode(self, data: bytes) -> T:
        """Returns the value of bytes.

        Raises:
            ValueError: They are no such value.
        """


class Records(Generic[T]):
    """Frozen dataclasses and plain collections as JSON; numbers come back as they were, NaN and infinity too."""

    def __init__(self, kind: Any) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    def encode(self, value: T) -> bytes:
        """See `Codec.encode`."""
        plain = self._adapter.dump_python(value, mode="json")
        return json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()

    def decode(self, data: bytes) -> T:
        """See `Codec.decode`."""
        return self._adapter.validate_json(data)


class Vectors:
    """Vectors of shape (n,) as little-endian float32."""

    def encode(self, value: NDArray[np.float32]) -> bytes:
        """See `Codec.encode`."""
        return value.astype("<f4").tobytes()

    def decode(self, data: bytes) -> NDArray[np.float32]:
        """See `Codec.decode`."""
        return np.frombuffer(data, "<f4").astype(np.float32)


class Sounds:
    """16-bit FLAC, which browsers play. What is encoded must be `stored` audio, so that it comes back as it was."""

    def encode(self, value: Audio) -> bytes:
        """See `Codec.encode`."""
        import soundfile

        file = io.BytesIO()
        samples = np.rint(value.samples * np.float32(FULL_SCALE)).astype(np.int16)
        soundfile.write(file, samples, value.sample_rate, format="FLAC", subtype="PCM_16")
        return file.getvalue()

    def decode(self, data: bytes) -> Audio:
        """See `Codec.decode`."""
        import soundfile

        try:
            samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise ValueError(f"no FLAC: {error}") from error
        return Audio(samples, int(rate))


FULL_SCALE = 1 << 15


def stored(audio: Audio) -> Audio:
    """Returns audio as 16 bits keep it, beyond full scale clipped: what is scored is what the store will give back."""
    levels = np.rint(audio.samples * np.float32(FULL_SCALE))
    kept = np.clip(levels, -FULL_SCALE, FULL_SCALE - 1) / np.float32(FULL_SCALE) + np.float32(0)  # -0 comes back as 0
    return Audio(kept.astype(np.float32), audio.sample_rate)


@dataclass(frozen=True)
class Kind(Shelf, Generic[T]):
    """A shelf, and how its values become bytes."""

    codec: Codec[T]
