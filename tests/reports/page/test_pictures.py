import io

import numpy as np
import pytest
from matplotlib.image import imread

from evalkit.audio import Audio
from evalkit.reports.page import pictures
from evalkit.reports.page.pictures import LEVELS, SPECTRUM_HEIGHT, TOP_HZ, WAVE_HEIGHT, WIDTH
from tests.reports.page.made import address


def tone(hertz: float, rate: int = 24_000, seconds: float = 1.0) -> Audio:
    times = np.arange(round(rate * seconds)) / rate
    return Audio((0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32), rate)


def test_a_tone_is_a_line_at_its_height():
    pixels = pictures.picture(tone(2_000.0))
    spectrum = pixels[-SPECTRUM_HEIGHT:]
    loudest = spectrum[:, WIDTH // 2].argmax()
    assert loudest == pytest.approx(SPECTRUM_HEIGHT * (1 - 2_000 / TOP_HZ), abs=2)
    assert spectrum[loudest, WIDTH // 2] == LEVELS - 1


def test_the_waveform_is_as_high_as_the_sound_is_loud():
    drawn = (pictures.picture(tone(440.0))[:WAVE_HEIGHT] == LEVELS).sum(axis=0)
    assert drawn[5:-5].mean() == pytest.approx(WAVE_HEIGHT / 2, abs=2)


@pytest.mark.parametrize(
    "audio", [tone(440, 8_000, 0.001), tone(440, 8_000, 0.05), Audio(np.zeros(100, np.float32), 48_000)]
)
def test_short_and_silent_sounds_have_pictures_too(audio):
    assert pictures.picture(audio).shape[1] == WIDTH


def test_it_is_a_png_that_others_read():
    pixels, colours = pictures.picture(tone(1_000.0)), pictures.palette()
    data = pictures.png(pixels, colours)
    read = np.rint(imread(io.BytesIO(data), format="png")[..., :3] * 255).astype(int)
    assert (read == colours[pixels]).all()
    assert len(data) < 40_000


def test_sounds_that_are_gone_have_none(tmp_path):
    there, gone = address("there"), address("gone")
    found = pictures.write_pictures(tmp_path, [there, gone, there], lambda one: tone(440) if one == there else None)
    assert found == {there: f"{there[:16]}.png"}
    assert [path.name for path in tmp_path.iterdir()] == [f"{there[:16]}.png"]
