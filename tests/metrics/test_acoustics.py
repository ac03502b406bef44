import subprocess
import sys

import librosa
import numpy as np
import pytest

from evalkit.audio import Audio, read_audio
from evalkit.metrics.acoustics import measure
from evalkit.resources import resource

RATE = 24_000


def voice(f0, seconds=1.0, level=0.3):
    """A buzz with the harmonics of a voice."""
    time = np.arange(round(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * f0 * n * time) / n for n in range(1, 8))
    return (level * buzz / np.abs(buzz).max()).astype(np.float32)


def silence(seconds):
    return np.zeros(round(seconds * RATE), np.float32)


def audio(*parts):
    return Audio(np.concatenate(parts), RATE)


@pytest.mark.parametrize("f0", [80, 120, 220, 350])
def test_pitch_is_that_of_the_buzz(f0):
    found = measure(audio(voice(f0)))
    assert found.f0_median == pytest.approx(f0, rel=0.01)
    assert found.f0_range < 0.5


def test_a_fifth_up_is_a_range_of_seven_semitones():
    found = measure(audio(voice(100), voice(150)))
    assert found.f0_range == pytest.approx(7.02, abs=0.3)  # 12 log2(3 / 2)


def test_silence_and_gaps_by_hand():
    found = measure(audio(silence(0.5), voice(120, 1.0), silence(1.5), voice(120, 1.0)))
    assert found.silence_share == pytest.approx(2.0 / 4.0, abs=0.02)
    assert found.longest_gap_seconds == pytest.approx(1.5, abs=0.04)  # not the one before the first sound
    assert measure(audio(voice(120))).silence_share == 0


def test_clipping_is_flat_tops_at_any_level():
    clean = voice(120, level=0.9)
    assert measure(audio(clean)).clipped_share < 0.001
    for level in (1.0, 0.3):
        cut = np.clip(clean * 2, -1, 1) * np.float32(level)
        assert measure(audio(cut)).clipped_share > 0.02


@pytest.mark.parametrize("samples", [np.zeros(1, np.float32), np.zeros(1200, np.float32), voice(120, 0.05)])
def test_next_to_nothing_is_measured_too(samples):
    found = measure(Audio(samples, RATE))
    assert 0 <= found.silence_share <= 1
    assert found.longest_gap_seconds == 0


FIRST = """
import warnings
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from evalkit.audio import Audio
from evalkit.metrics.acoustics import measure
sounds = [Audio(np.sin(np.arange(8000) * 0.05 * k).astype(np.float32), 16_000) for k in (1, 2, 3, 4)]
warnings.simplefilter("error")
with ThreadPoolExecutor(4) as pool:
    print(len(list(pool.map(measure, sounds))))
"""


def test_threads_that_are_the_first_to_measure_get_in_each_others_way_in_nothing():
    """librosa 1.0 compiles at its first call, and numba warns where two threads do it at once."""
    done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "4\n"), done.stderr


def test_a_sound_without_a_loud_frame_has_no_pitch():
    assert measure(audio(silence(1.0))).f0_median is None
    assert measure(Audio(np.full(200, 0.1, np.float32), RATE)).f0_range is None  # shorter than a frame


@pytest.fixture(scope="module", params=["female_gb", "male_us"])
def speech(request):
    return read_audio(resource(f"probes/voices/demo/{request.param}/prompt_01.flac"))


def levels_of(audio):
    """The rms of frames of 20 ms taken one by one; the last may be shorter."""
    samples, size = audio.samples.astype(np.float64), audio.sample_rate // 50
    return np.array([np.sqrt(np.mean(samples[start : start + size] ** 2)) for start in range(0, len(samples), size)])


def test_silence_is_that_of_frames_taken_one_by_one(speech):
    quiet = np.random.default_rng(0).normal(0, 1e-4, RATE // 2 + 33).astype(np.float32)
    audio = Audio(np.concatenate([speech.samples, quiet, speech.samples[: 7 * 480 + 33]]), RATE)
    levels = levels_of(audio)
    silent = levels < max(1e-3, np.percentile(levels, 95) / 100)  # 40 dB below the loud, or below -60 dBFS
    assert 0.05 < silent.mean() < 0.95
    assert measure(audio).silence_share == pytest.approx(silent.mean(), abs=1e-9)


def test_pitch_is_that_of_the_whole_sound_where_it_is_loud(speech):
    samples, loud = speech.resampled(16_000).samples, float(np.percentile(levels_of(speech), 95))
    frames = {"frame_length": 1024, "hop_length": 256}
    pitch = librosa.yin(samples, fmin=60.0, fmax=500.0, sr=16_000, **frames)
    levels = librosa.feature.rms(y=samples, **frames)[0]
    plain = pitch[(levels > loud / 10) & (pitch > 60 * 1.01) & (pitch < 500 * 0.99)]
    assert len(plain) > 100
    low, middle, high = np.percentile(plain, [10, 50, 90])
    found = measure(speech)
    assert found.f0_median == pytest.approx(middle, rel=1e-6)
    assert found.f0_range == pytest.approx(12 * np.log2(high / low), rel=1e-6)


@pytest.mark.parametrize(
    ("samples", "share"),
    [
        ([0.1, 0.5, 0.5, 0.5, 0.1, -0.5, 0.2, 0.2], 3 / 8),  # one crest of three; one alone is a wave's
        ([0.5, 0.5, 0.1, -0.5, -0.5, 0.1, 0.1, 0.1], 0 / 8),  # no crest of three
        ([0.5, 0.5, 0.5, 0.1, 0.1, -0.5, -0.5, -0.5], 6 / 8),  # from the first sample, and to the last
        ([0.0, 0.0, 0.0, 0.0], 0 / 4),
    ],
)
def test_clipped_samples_by_hand(samples, share):
    assert measure(Audio(np.array(samples, np.float32), RATE)).clipped_share == share
