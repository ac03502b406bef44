import numpy as np
import pytest
import soundfile

from evalkit.audio import Audio, read_audio, write_flac
from evalkit.errors import DataError

RATE = 24_000


def sine(rate: int, seconds: float = 1.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_reads_any_rate_and_depth(tmp_path, rate, subtype):
    soundfile.write(tmp_path / "a.wav", sine(rate), rate, subtype=subtype)
    audio = read_audio(tmp_path / "a.wav")
    assert (audio.sample_rate, len(audio.samples), audio.samples.dtype) == (rate, rate, np.float32)
    assert audio.seconds == 1.0
    assert audio.peak == pytest.approx(0.5, abs=1e-3)


def test_mixes_stereo_down_to_its_mean(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([sine(RATE), 0 * sine(RATE)], axis=1), RATE, subtype="FLOAT")
    assert np.allclose(read_audio(tmp_path / "a.wav").samples, sine(RATE) / 2)


def truncated(path):
    soundfile.write(path, sine(RATE), RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


WRONG = {
    "empty.wav": (lambda path: path.write_bytes(b""), "is not audio"),
    "no_samples.wav": (lambda path: soundfile.write(path, sine(RATE)[:0], RATE), "holds no audio"),
    "text.wav": (lambda path: path.write_text("this is not audio"), "is not audio"),
    "truncated.wav": (truncated, "cut off"),
    "truncated.flac": (truncated, "is not audio|cut off"),
    "zeros.wav": (lambda path: soundfile.write(path, 0 * sine(RATE), RATE), "is silent"),
    "nan.wav": (lambda path: soundfile.write(path, np.nan * sine(RATE), RATE, subtype="FLOAT"), "not numbers"),
    "missing.wav": (lambda path: None, "no audio file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_refuses_by_name(tmp_path, name):
    make, message = WRONG[name]
    make(tmp_path / name)
    with pytest.raises(DataError, match=message) as refused:
        read_audio(tmp_path / name)
    assert name in str(refused.value)


def test_a_header_that_promises_nothing_is_no_broken_promise(tmp_path):
    """Programs that stream write 0xFFFFFFFF for sizes they do not know yet."""
    path = tmp_path / "streamed.wav"
    soundfile.write(path, sine(RATE), RATE)
    content = bytearray(path.read_bytes())
    start = content.index(b"data") + 4
    content[4:8] = content[start : start + 4] = b"\xff" * 4
    path.write_bytes(content)
    assert read_audio(path).seconds == 1.0


def test_flac_round_trip_clips_beyond_full_scale(tmp_path):
    write_flac(tmp_path / "a.flac", Audio(np.array([0.0, 0.5, 2.0, -2.0], np.float32), RATE))
    assert read_audio(tmp_path / "a.flac").samples == pytest.approx([0.0, 0.5, 1.0, -1.0], abs=2**-15)


def test_resampling_keeps_length_and_pitch():
    audio = Audio(sine(48_000), 48_000).resampled(16_000)
    assert (audio.sample_rate, len(audio.samples)) == (16_000, 16_000)
    assert np.abs(np.fft.rfft(audio.samples)).argmax() == 440


def test_content_address_depends_on_samples_and_rate():
    one = Audio(sine(RATE), RATE)
    assert one.sha256 == Audio(sine(RATE), RATE).sha256
    assert len({one.sha256, Audio(sine(RATE), RATE + 1).sha256, Audio(sine(RATE) * 2, RATE).sha256}) == 3
