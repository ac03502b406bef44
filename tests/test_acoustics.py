import numpy as np
import pytest

from evalkit.acoustics import measure
from evalkit.audio import Audio

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


@pytest.mark.filterwarnings("ignore")
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
