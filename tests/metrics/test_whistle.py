import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit import whistle as whistled
from evalkit.audio import Audio
from evalkit.whistle import ALPHABET, RATE, heard_hum, heard_text, whistle


@given(st.text(ALPHABET, min_size=1, max_size=40), st.floats(90, 490))
def test_text_and_hum_are_heard_back(text, hum):
    audio = whistle(text, hum)
    assert heard_text(audio) == text
    assert heard_hum(audio) == pytest.approx(hum, abs=2 * RATE / len(audio.samples))  # so wide is its peak


def plain_hum(audio):
    spectrum = np.abs(np.fft.rfft(audio.samples * np.hanning(len(audio.samples)), n=8 * RATE))
    frequencies = np.fft.rfftfreq(8 * RATE, 1 / RATE)
    inside = (frequencies >= 80.0) & (frequencies <= 500.0)
    return frequencies[inside][spectrum[inside].argmax()]


@pytest.mark.parametrize("hum", [80.0, 123.456, 499.9])
def test_a_hum_is_the_peak_of_the_whole_spectrum(hum):
    audio = whistle("one two three", hum)
    assert heard_hum(audio) == plain_hum(audio)


def test_silence_is_spaces():
    assert heard_text(Audio(np.zeros(3 * 480 + 7, np.float32), RATE)) == "   "


def test_a_sound_is_heard_once_and_only_so_many_are_remembered(monkeypatch):
    heard = []
    strongest = whistled._strongest
    monkeypatch.setattr(whistled, "_hums", {})
    monkeypatch.setattr(whistled, "REMEMBERED", 2)
    monkeypatch.setattr(whistled, "_strongest", lambda samples: heard.append(samples) or strongest(samples))
    sounds = [whistle("some words", hum) for hum in (100.0, 200.0, 300.0)]
    again = Audio(sounds[0].samples.copy(), RATE)  # equal, though another object
    assert heard_hum(sounds[0]) == heard_hum(again) == 100.0
    assert len(heard) == 1
    assert [heard_hum(sound) for sound in sounds] == [100.0, 200.0, 300.0]
    assert len(whistled._hums) <= 2
