"""Sound that came from elsewhere, as a file or its bytes: decoded, within bounds, or an error that says what it is."""

import io
from pathlib import Path

import numpy as np

from evalkit.audio import Audio, CutOffError, decoded
from evalkit.errors import DataError, SynthesisError

MOST_BYTES = 1 << 26  # of an answer: ten minutes at 48 kHz and 16 bits
LONGEST = 1_800.0  # seconds of sound, however well it is compressed


class EmptyAnswerError(SynthesisError):
    """Nothing came."""


class NoAudioError(SynthesisError):
    """What came is no sound that can be read."""


class CutShortError(SynthesisError):
    """What came ends before it says that it does."""


class SampleRateError(SynthesisError):
    """The sound has another sample rate than it was to have."""


class TooLongError(SynthesisError):
    """More came than any text needs."""


def sound_of(source: Path | bytes, what: str, rate: int | None = None) -> Audio:
    """Returns the sound in a file, or in its bytes, mixed down to mono.

    Args:
        source: WAV, FLAC, MP3, OGG: whatever libsndfile reads.
        what: What messages call it.
        rate: Hz that it must have; None: any.

    Raises:
        EmptyAnswerError: There is nothing in it.
        CutShortError: It ends before its header says so.
        NoAudioError: It is no audio.
        TooLongError: It lasts longer than half an hour.
        SampleRateError: Its rate is another one.
    """
    try:
        samples, found, whole = decoded(io.BytesIO(source) if isinstance(source, bytes) else source, LONGEST)
    except CutOffError as error:
        raise CutShortError(f"{what} is cut short: {error}") from error
    except DataError as error:
        raise NoAudioError(f"{what} {error}") from error
    if not whole:
        raise TooLongError(f"{what} lasts longer than {LONGEST:g} s")
    if len(samples) == 0:
        raise EmptyAnswerError(f"{what} has a header and no sound")
    return Audio(samples, _agreed(found, rate, what))


def sound_of_samples(body: bytes, rate: int, what: str) -> Audio:
    """Returns the sound of bare samples: 16 bits, little-endian, mono.

    Raises:
        CutShortError: They end within a sample.
    """
    if len(body) % 2:
        raise CutShortError(f"{what} is cut short: it ends within a sample")
    return Audio((np.frombuffer(body, "<i2") / 32_768).astype(np.float32), rate)


def _agreed(found: int, wanted: int | None, what: str) -> int:
    if wanted is not None and found != wanted:
        raise SampleRateError(f"{what} has {found} Hz, {wanted} were to be (engine.answer_rate)")
    return found
