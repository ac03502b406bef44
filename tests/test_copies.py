"""Copies are told from other takes, whatever was done to them: the demo's voices, and what people do to clips."""

import io

import numpy as np
import pytest
import soundfile
import soxr

from evalkit.audio import Audio, read_audio
from evalkit.copies import COPY, agreement, outline
from evalkit.resources import resource

VOICE = resource("probes/voices/demo/male_gb")


@pytest.fixture(scope="module")
def clip():
    return read_audio(VOICE / "prompt_04.flac")


def encoded(audio: Audio, kind: str, subtype: str | None = None, **settings) -> Audio:
    file = io.BytesIO()
    soundfile.write(file, audio.samples, audio.sample_rate, format=kind, subtype=subtype, **settings)
    file.seek(0)
    samples, rate = soundfile.read(file, dtype="float32")
    return Audio(samples, rate)


def noisy(audio: Audio, decibels: float) -> Audio:
    level = float(np.sqrt(np.mean(audio.samples**2))) / 10 ** (decibels / 20)
    noise = np.random.default_rng(0).normal(0, level, len(audio.samples)).astype(np.float32)
    return Audio(audio.samples + noise, audio.sample_rate)


def part(audio: Audio, start: float, end: float) -> Audio:
    length = len(audio.samples)
    return Audio(audio.samples[round(start * length) : round(end * length)], audio.sample_rate)


def later(audio: Audio, seconds: float) -> Audio:
    return Audio(np.pad(audio.samples, (round(seconds * audio.sample_rate), 0)), audio.sample_rate)


COPIES = {
    "f08-same": lambda audio: audio,
    "f08-quiet": lambda audio: Audio(audio.samples * np.float32(0.03), audio.sample_rate),
    "f08-upside-down": lambda audio: Audio(-audio.samples, audio.sample_rate),
    "f08-mp3": lambda audio: encoded(audio, "MP3", compression_level=0.9),
    "f08-vorbis": lambda audio: encoded(audio, "OGG", compression_level=0.9),
    "f08-opus": lambda audio: encoded(audio, "OGG", "OPUS"),
    "f08-telephone": lambda audio: encoded(audio.resampled(8000), "WAV", "ULAW"),
    "f08-44100": lambda audio: audio.resampled(44_100),
    "f08-later": lambda audio: later(audio, 0.2003),
    "f08-trimmed": lambda audio: part(audio, 0.1, 0.95),
    "f08-second-half": lambda audio: part(audio, 0.5, 1),
    "f08-noisy": lambda audio: noisy(audio, 10),
    "f08-clipped": lambda audio: Audio(np.clip(audio.samples * 4, -0.5, 0.5), audio.sample_rate),
    "f08-all-of-it": lambda audio: encoded(part(noisy(later(audio, 0.1), 20), 0.1, 0.9).resampled(16_000), "MP3"),
}


@pytest.mark.hostile
@pytest.mark.parametrize("case", COPIES)
def test_a_copy_is_one(clip, case):
    assert agreement(outline(COPIES[case](clip)), outline(clip)) > COPY + 0.15


@pytest.mark.hostile
def test_other_clips_of_a_voice_are_none():
    """Eleven clips of one synthetic speaker, who says the same words the same way each time: 55 pairs."""
    outlines = [outline(read_audio(path)) for path in sorted(VOICE.glob("*.flac"))]
    found = [agreement(one, other) for index, one in enumerate(outlines) for other in outlines[:index]]
    assert len(found) == 55
    assert max(found) < COPY - 0.2


@pytest.mark.hostile
def test_a_common_hum_makes_no_copy():
    paths = [VOICE / "prompt_04.flac", VOICE / "prompt_06.flac"]
    hummed = []
    for path in paths:
        audio = read_audio(path)
        time = np.arange(len(audio.samples)) / audio.sample_rate
        hum = sum(np.sin(2 * np.pi * 50 * harmonic * time) / harmonic for harmonic in range(1, 20))
        hummed.append(outline(Audio((audio.samples + 0.05 * hum).astype(np.float32), audio.sample_rate)))
    assert agreement(*hummed) < COPY - 0.2


@pytest.mark.parametrize("seconds", [0.0, 0.3, 0.9])
def test_less_than_a_second_says_nothing(clip, seconds):
    short = Audio(clip.samples[: round(seconds * clip.sample_rate)], clip.sample_rate)
    assert agreement(outline(short), outline(clip)) == 0


def test_correlation_by_hand():
    """Half of the samples are the same, half are another noise of the same power: 0.5, at any offset and gain."""
    noise = np.random.default_rng(1).normal(size=(3, 20_000)).astype(np.float32)
    one, other = noise[0], noise[0].copy()
    other[::2] = noise[1][::2]
    assert agreement(one, one) == pytest.approx(1)
    assert agreement(one, 7 * other) == pytest.approx(0.5, abs=0.02)
    assert agreement(one, other[5000:]) == pytest.approx(0.5, abs=0.02)
    assert agreement(one, noise[2]) < 0.05


def test_the_rate_does_not_matter(clip):
    slow = Audio(soxr.resample(clip.samples, clip.sample_rate, 11_025), 11_025)
    assert agreement(outline(slow), outline(clip)) > 0.99
