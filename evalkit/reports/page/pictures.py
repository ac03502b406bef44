"""Pictures of sounds: the waveform above the spectrogram, as a PNG of few colours."""

from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.audio import Audio
from evalkit.store.atomic import write_atomically

FOLDER = "pictures"  # below the page's own folder
MOST = 40  # pictures of a page
WIDTH, WAVE_HEIGHT, SPECTRUM_HEIGHT, GAP = 640, 56, 128, 8  # pixels
TOP_HZ, WINDOW_SECONDS, RANGE_DB = 8000.0, 0.03, 65.0
LEVELS = 15  # of the spectrogram; the sixteenth colour draws the waveform
# From white to a dark blue: it prints, and what is darker is louder for whoever does not tell colours.
_PALE, _MIDDLE, _DARK, _WAVE = (255, 255, 255), (94, 140, 200), (16, 22, 66), (36, 84, 160)

Pixels = NDArray[np.uint8]


def write_pictures(folder: Path, addresses: Iterable[str], sound: Callable[[str], Audio | None]) -> dict[str, str]:
    """Writes pictures of sounds that are there; returns their files' names, by address.

    Raises:
        StorageError: The disk refused.
    """
    found = {}
    for address in list(dict.fromkeys(addresses))[:MOST]:
        if (audio := sound(address)) is not None and len(audio.samples):
            data = png(picture(audio), palette())
            write_atomically(folder / f"{address[:16]}.png", lambda part, data=data: _put(part, data))  # type: ignore[misc]
            found[address] = f"{address[:16]}.png"
    return found


def _put(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def picture(audio: Audio) -> Pixels:
    """Returns a sound's waveform and spectrogram as numbers of colours, shape (height, width)."""
    pixels = np.zeros((WAVE_HEIGHT + GAP + SPECTRUM_HEIGHT, WIDTH), np.uint8)
    pixels[:WAVE_HEIGHT] = _waveform(audio)
    pixels[WAVE_HEIGHT + GAP :] = _spectrogram(audio)
    return pixels


def _waveform(audio: Audio) -> Pixels:
    """Returns the least and greatest sample of each column, joined, full scale the whole height."""
    edges = np.linspace(0, len(audio.samples), WIDTH + 1).astype(int)
    starts = np.minimum(edges[:-1], len(audio.samples) - 1)
    low, high = (reduce.reduceat(audio.samples, starts) for reduce in (np.minimum, np.maximum))
    middle = (WAVE_HEIGHT - 1) / 2
    top, bottom = (np.rint(middle - np.clip(ends, -1, 1) * middle) for ends in (high, low))
    rows = np.arange(WAVE_HEIGHT)[:, None]
    return np.where((rows >= top) & (rows <= bottom), LEVELS, 0).astype(np.uint8)


def _spectrogram(audio: Audio) -> Pixels:
    """Returns levels of power up to 8 kHz, those 65 dB below the loudest and lower the same."""
    size = max(64, round(WINDOW_SECONDS * audio.sample_rate))
    padded = np.pad(audio.samples, (size // 2, size))
    starts = np.linspace(0, max(0, len(audio.samples) - 1), WIDTH).astype(int)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[starts]
    power = np.abs(np.fft.rfft(frames * np.hanning(size).astype(np.float32), axis=1)) ** 2
    top = min(TOP_HZ, audio.sample_rate / 2)
    bins = np.linspace(0, top / (audio.sample_rate / 2) * (power.shape[1] - 1), SPECTRUM_HEIGHT + 1)
    summed = np.pad(np.cumsum(power, axis=1), ((0, 0), (1, 0)))
    ends = np.maximum(np.ceil(bins[1:]).astype(int), np.floor(bins[:-1]).astype(int) + 1)
    bands = summed[:, ends] - summed[:, np.floor(bins[:-1]).astype(int)]
    levels = 10 * np.log10(np.maximum(bands / np.maximum(bands.max(), 1e-20), 1e-10))
    scaled = np.clip((levels + RANGE_DB) / RANGE_DB, 0, 1) * (LEVELS - 1)
    found: Pixels = np.rint(scaled).astype(np.uint8).T[::-1]
    return found


def palette() -> Pixels:
    """Returns the colours, shape (16, 3): those of levels, then that of the waveform."""
    shades = np.linspace(0, 1, LEVELS)[:, None]
    pale, middle, dark = (np.array(colour, float) for colour in (_PALE, _MIDDLE, _DARK))
    ramp = np.where(shades < 0.5, pale + (middle - pale) * shades * 2, middle + (dark - middle) * (shades * 2 - 1))
    return np.vstack([np.rint(ramp), _WAVE]).astype(np.uint8)


def png(pixels: Pixels, colours: Pixels) -> bytes:
    """Returns an image of up to sixteen colours as PNG, four bits a pixel.

    Args:
        pixels: Numbers of colours, shape (height, width).
        colours: Red, green and blue of each, shape (n, 3).
    """
    from PIL import Image

    image = Image.fromarray(pixels, mode="P")
    image.putpalette(colours.tobytes())
    written = BytesIO()
    image.save(written, "PNG", bits=4, optimize=True)
    return written.getvalue()
