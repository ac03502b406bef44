import tracemalloc

import numpy as np
import pytest
import soundfile

from evalkit.audio import BLOCK, Audio, read_audio, read_recording, write_flac
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


def floats(path, samples):
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("gain", "message"),
    [
        pytest.param(
            8.0, r"its peak is 4, float samples reach from -1 to 1 \(2 is allowed\); export", id="f09-times-8"
        ),
        pytest.param(4.1, "far beyond full scale: its peak is 2.05", id="f09-just-too-far"),
        pytest.param(32768, "its peak is 16384, as 16-bit integers .* dividing by 32768", id="f39-16-bits"),
        pytest.param(2**23, "as 24-bit integers .* dividing by 8388608", id="f39-24-bits"),
        pytest.param(2**31, "as 32-bit integers .* dividing by 2147483648", id="f39-32-bits"),
    ],
)
def test_refuses_what_is_far_beyond_full_scale(tmp_path, gain, message):
    with pytest.raises(DataError, match=message):
        read_audio(floats(tmp_path / "a.wav", sine(RATE) * gain))


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("gain", "peak"),
    [
        pytest.param(1.0, 0.5, id="f09-as-it-is"),
        pytest.param(2.0, 1.0, id="f09-full-scale"),
        pytest.param(2.1, 1.05, id="f09-overshoot"),
        pytest.param(4.0, 2.0, id="f09-twice-full-scale"),
    ],
)
def test_an_overshoot_is_scaled_and_not_clipped(tmp_path, gain, peak):
    """The peak of `sine` is 0.5."""
    found = read_recording(floats(tmp_path / "a.wav", sine(RATE) * gain))
    assert found.peak == pytest.approx(peak, abs=1e-3)
    assert found.audio.peak <= 1
    assert found.audio.samples == pytest.approx(sine(RATE) * gain / max(1.0, found.peak), abs=1e-6)


@pytest.mark.hostile
def test_f43_a_recording_of_an_hour_takes_the_memory_of_what_is_wanted(tmp_path):
    path = tmp_path / "hour.wav"
    with soundfile.SoundFile(path, "w", 8000, 2, subtype="PCM_U8") as file:
        minute = np.tile(sine(8000, 60)[:, None], 2)
        for _ in range(60):
            file.write(minute)
    tracemalloc.start()
    found = read_recording(path, 30)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.audio.seconds, found.whole) == (30, False)
    assert most < 10e6  # 30 s of mono are 1 MB as float32, a block of stereo 2 MB; the hour would be 230 MB


@pytest.mark.hostile
def test_f43_what_was_left_out_is_not_checked_but_what_was_read_is(tmp_path):
    samples = sine(RATE, 3)
    samples[RATE] = np.nan
    path = floats(tmp_path / "a.wav", samples)
    assert read_recording(path, 1).audio.seconds == 1
    with pytest.raises(DataError, match="not numbers"):
        read_recording(path, 2)


@pytest.mark.parametrize(
    ("longest", "seconds", "whole"), [(None, 1.0, True), (0.25, 0.25, False), (1.0, 1.0, True), (5.0, 1.0, True)]
)
def test_reads_as_much_as_is_wanted(tmp_path, longest, seconds, whole):
    found = read_recording(floats(tmp_path / "a.wav", sine(RATE)), longest)
    assert (found.audio.seconds, found.whole) == (seconds, whole)


def test_blocks_are_joined_without_a_seam(tmp_path):
    samples = sine(RATE, 25)  # two blocks and a part
    assert len(samples) > 2 * BLOCK
    assert np.array_equal(read_audio(floats(tmp_path / "a.wav", samples)).samples, samples)


@pytest.mark.hostile
def test_f30_a_header_may_promise_what_no_memory_holds(tmp_path):
    """FLAC's header has 36 bits for the number of samples; nothing is set aside for them."""
    path = tmp_path / "a.flac"
    soundfile.write(path, sine(RATE), RATE)
    content = bytearray(path.read_bytes())
    content[21:26] = bytes([content[21] & 0xF0 | 0x0F]) + b"\xff" * 4
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"cut off|is not audio"):
        read_audio(path)


@pytest.mark.hostile
def test_f03_samples_are_read_only_and_whose_they_were_stay_as_they_were():
    mine = sine(RATE)
    audio = Audio(mine, RATE)
    with pytest.raises(ValueError, match="read-only"):
        audio.samples *= 0.5  # type: ignore[misc]
    assert np.shares_memory(audio.samples, mine)  # no copy
    mine[0] = 0.25
    assert Audio([0.0], RATE).samples == [0.0]  # what an engine gives is checked where it is taken
