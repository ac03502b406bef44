import numpy as np
import pytest
import soundfile
import yaml

from evalkit.errors import DataError
from evalkit.prompts import PromptSettings, build_prompt
from evalkit.voices import read_voices
from tests.conftest import SENTENCES, make_voice

# lengths in seconds: 30 ms a character
LENGTHS = [len(text) * 0.03 for text in SENTENCES]


@pytest.fixture
def ann(voices):
    return read_voices(voices, ["ann"])[0]


@pytest.mark.parametrize(
    ("seconds", "clips"),
    [(0.01, 1), (0.7, 1), (1.0, 1), (1.1, 2), (1.5, 2), (1.9, 3), (99, 4), (None, 4)],  # totals 0.69 1.41 2.07 2.52
)
def test_takes_the_clips_whose_total_comes_nearest(ann, seconds, clips):
    prompt = build_prompt(ann, PromptSettings(seconds=seconds, gap_seconds=0), 16_000)
    assert prompt.audio.seconds == pytest.approx(sum(LENGTHS[:clips]))
    assert prompt.text == " ".join(SENTENCES[:clips])
    assert prompt.clips == tuple(f"clip{index}.wav" for index in range(clips))


def test_the_gap_is_silence_and_counts(ann):
    prompt = build_prompt(ann, PromptSettings(seconds=1.5, gap_seconds=0.5), 16_000)
    assert prompt.audio.seconds == pytest.approx(LENGTHS[0] + 0.5 + LENGTHS[1])
    first = round(LENGTHS[0] * 16_000)
    assert not prompt.audio.samples[first : first + 8000].any()


def test_the_cap_wins_over_the_target(ann):
    assert len(build_prompt(ann, PromptSettings(seconds=9, max_seconds=1.5, gap_seconds=0), 16_000).clips) == 2
    with pytest.raises(DataError, match=r"'ann'.*clip0.wav has 0.7 s.*max_seconds=0.5"):
        build_prompt(ann, PromptSettings(max_seconds=0.5), 16_000)


def test_clips_of_different_rates_and_channels_are_brought_to_the_engines_rate(tmp_path):
    folder = make_voice(tmp_path / "dora", 200.0)
    samples, _ = soundfile.read(folder / "clip1.wav")
    soundfile.write(folder / "clip1.wav", np.stack([samples, samples], axis=1)[::2], 8_000, subtype="FLOAT")
    (dora,) = read_voices(tmp_path, None)
    prompt = build_prompt(dora, PromptSettings(gap_seconds=0), 24_000)
    assert prompt.audio.sample_rate == 24_000
    assert prompt.audio.seconds == pytest.approx(sum(LENGTHS), abs=0.001)


def test_the_address_follows_audio_and_text(voices, ann):
    before = build_prompt(ann, PromptSettings(), 16_000).sha256
    assert build_prompt(ann, PromptSettings(), 16_000).sha256 == before
    manifest = yaml.safe_load((voices / "ann/voice.yaml").read_text())
    manifest["clips"][0]["text"] = "one two three four six"
    (voices / "ann/voice.yaml").write_text(yaml.safe_dump(manifest))
    assert build_prompt(read_voices(voices, ["ann"])[0], PromptSettings(), 16_000).sha256 != before


def test_a_missing_transcript_is_named(tmp_path):
    folder = make_voice(tmp_path / "dora", 200.0)
    (folder / "voice.yaml").unlink()
    with pytest.raises(DataError, match=r"'dora': clip0.wav has no transcript; write its words into clip0.txt"):
        build_prompt(read_voices(tmp_path, None)[0], PromptSettings(), 16_000)
