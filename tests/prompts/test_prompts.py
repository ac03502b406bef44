"""Prompts from whistled clips, where every length is 30 ms a character."""

import numpy as np
import pytest
import soundfile
import yaml

from evalkit.audio import Audio
from evalkit.engines.tone import RATE, heard_hum, whistle
from evalkit.errors import DataError
from evalkit.judges.fake import LoudSpans, WhistleReader
from evalkit.languages import english
from evalkit.prompts import PromptSettings, ReferenceText, build_prompt
from evalkit.prompts.build import corrupted
from evalkit.prompts.cut import cut_at
from evalkit.prompts.pieces import Piece, joined, loudness, matched, ordered, quality
from evalkit.voices import Clip, read_voices
from evalkit.words import Word
from tests.conftest import SENTENCES, make_voice

LENGTHS = [len(text) * 0.03 for text in SENTENCES]  # seconds


class FakeEars:
    """Hears whistles as they are."""

    def words(self, audio, language):
        (transcript,) = WhistleReader().transcribe([audio], [language])
        return transcript.words

    def texts(self, audios, language):
        return [transcript.text for transcript in WhistleReader().transcribe(audios, [language] * len(audios))]

    def speech(self, audio):
        return LoudSpans().spans(audio)


class LateEars(FakeEars):
    """Has every other word too late by two characters, so that a cut before it takes two of its own."""

    def words(self, audio, language):
        heard = super().words(audio, language)
        return [Word(one.text, one.start + 0.06 * (index % 2), one.end) for index, one in enumerate(heard)]


def given(clip):
    return ReferenceText(clip.text, "user")


def build(voice, rate=RATE, ears=None, **settings):
    made = PromptSettings(**{"gap_seconds": 0, **settings})
    return build_prompt(voice, made, rate, given, ears or FakeEars())


def heard(audio):
    (transcript,) = WhistleReader().transcribe([audio], ["en"])
    return transcript.text


@pytest.fixture
def ann(voices):
    return read_voices(voices, ["ann"])[0]


def test_without_a_target_all_that_fits_is_used(ann):
    prompt = build(ann)
    assert prompt.audio.seconds == pytest.approx(sum(LENGTHS))
    assert prompt.text == " ".join(SENTENCES)
    assert prompt.clips == ("clip0.wav", "clip1.wav", "clip2.wav", "clip3.wav")
    assert (prompt.text_source, prompt.text_wer) == ("user", 0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [  # "one two three four five" ends its words at 0.09, 0.21, 0.39, 0.54, 0.69 s
        (0.53, "one two three four"),
        (0.66, "one two three four five"),
        (0.8, "one two three four five six"),
        (0.95, "one two three four five six seven"),
        (1.40, "one two three four five six seven eight nine ten"),
    ],
)
def test_a_cut_ends_at_the_nearest_word_and_the_text_with_it(ann, seconds, text):
    prompt = build(ann, seconds=seconds)
    assert prompt.text == text
    assert heard(prompt.audio) == text.replace(" six", "six")
    assert abs(prompt.audio.seconds - seconds) < 0.1


@pytest.mark.parametrize("seconds", [0.53, 0.8, 1.0, 1.3, 1.6, 2.0, 2.4])
def test_audio_and_words_agree_where_the_word_times_are_wrong(ann, seconds):
    """Ends are 0.12, 0.24, 0.42, 0.57 s and so on, of which every other one is taken to be 0.06 s later."""
    prompt = build(ann, seconds=seconds, tolerance=0, ears=LateEars())
    joined_up = "".join(SENTENCES)
    assert heard(prompt.audio).replace(" ", "") == prompt.text.replace(" ", "")
    assert joined_up.replace(" ", "").startswith(prompt.text.replace(" ", ""))
    assert abs(prompt.audio.seconds - seconds) < 0.2


def test_a_hard_cut_keeps_the_words_that_it_cut_off(ann):
    prompt = build(ann, seconds=0.95, cut="hard")
    assert prompt.audio.seconds == pytest.approx(0.95)
    assert prompt.text == " ".join(SENTENCES[:2])
    assert len(heard(prompt.audio)) < len(prompt.text)


def test_a_cut_at_a_silence_waits_for_one(tmp_path):
    """Two phrases with 0.3 s of silence between them, the only pause."""
    folder = make_voice(tmp_path / "dora", 200.0)
    one, other = whistle("one two three", 200.0), whistle("four five six", 200.0)
    pause = Audio(np.zeros(round(0.3 * RATE), np.float32), RATE)
    soundfile.write(folder / "clip0.wav", np.concatenate([part.samples for part in (one, pause, other)]), RATE)
    manifest = yaml.safe_load((folder / "voice.yaml").read_text())
    manifest["clips"] = [{"file": "clip0.wav", "text": "one two three four five six"}]
    (folder / "voice.yaml").write_text(yaml.safe_dump(manifest))
    (dora,) = read_voices(tmp_path, None)
    # words end at 0.09, 0.21, 0.39 | 0.81, 0.96, 1.08
    assert build(dora, seconds=0.84, cut="word").text == "one two three four"
    silence = build(dora, seconds=0.84, cut="silence")
    assert silence.text in {"one two three", "one two three four five six"}
    assert build(dora, seconds=0.55, cut="silence").text == "one two three"


def test_no_place_to_end_is_said(ann):
    with pytest.raises(DataError, match=r"'ann': clip0.wav has no silence to end at within 0.6 s"):
        build(ann, seconds=0.5, max_seconds=0.6, cut="silence")


def test_the_cap_wins_over_what_there_is(ann):
    prompt = build(ann, max_seconds=1.5)
    assert 1.3 < prompt.audio.seconds <= 1.5
    assert prompt.text == " ".join(SENTENCES[:2])


def test_gaps_and_crossfades(ann):
    gap = build(ann, seconds=1.8, gap_seconds=0.5, cut="word")
    first = round(LENGTHS[0] * RATE)
    assert not gap.audio.samples[first : first + 8000].any()
    plain, faded = build(ann, clips=2), build(ann, clips=2, crossfade_seconds=0.05)
    assert faded.audio.seconds == pytest.approx(plain.audio.seconds - 0.05)
    ramp = joined([Audio(np.ones(100, np.float32), 100)] * 2, 0, 0.5).samples
    assert (len(ramp), ramp.min(), ramp.max()) == (150, pytest.approx(1), pytest.approx(1))


def test_orders(ann):
    assert build(ann, order="longest", clips=1).clips == ("clip2.wav",)
    assert build(ann, order="sorted", clips=2).clips == ("clip0.wav", "clip1.wav")
    tone = whistle("some words are here", 200.0).samples
    pauses = np.concatenate([tone, np.zeros(RATE // 4, np.float32), tone])
    noise = np.random.default_rng(0).normal(0, 0.05, len(pauses)).astype(np.float32)
    made = {"clean": pauses, "noisy": pauses + noise, "clipped": np.clip(pauses * 9, -1, 1), "quiet": pauses * 0.002}
    pieces = [Piece(Clip(name, "x", "prompt"), Audio(samples, RATE), whole=True) for name, samples in made.items()]
    assert ordered(pieces, "best")[0].clip.path == "clean"
    assert quality(pieces[0].audio) > max(quality(piece.audio) for piece in pieces[1:]) + 10


def test_trimming_leaves_speech_whole(tmp_path):
    folder = make_voice(tmp_path / "dora", 200.0)
    samples, _ = soundfile.read(folder / "clip0.wav", dtype="float32")
    silence = np.zeros(RATE, np.float32)
    soundfile.write(folder / "clip0.wav", np.concatenate([silence, samples, silence]), RATE, subtype="FLOAT")
    (dora,) = read_voices(tmp_path, None)
    assert build(dora, clips=1).audio.seconds == pytest.approx(LENGTHS[0] + 2)
    assert build(dora, clips=1, trim=True).audio.seconds == pytest.approx(LENGTHS[0], abs=0.001)


def test_matching_loudness_brings_clips_to_their_median():
    levels = (0.05, 0.2, 0.8)
    pieces = [
        Piece(Clip("x", "x", "prompt"), Audio(whistle("abcdef", 200.0).samples * level, RATE), whole=True)
        for level in levels
    ]
    after = [loudness(piece.audio) for piece in matched(pieces)]
    assert after == pytest.approx([loudness(pieces[1].audio)] * 3, abs=0.01)
    loud = matched([Piece(Clip("x", "x", "prompt"), Audio(np.ones(RATE, np.float32) * 2, RATE), whole=True)])[0]
    assert loud.audio.peak == pytest.approx(0.99)


def test_clips_of_different_rates_and_channels_are_brought_to_the_engines_rate(tmp_path):
    folder = make_voice(tmp_path / "dora", 200.0)
    samples, _ = soundfile.read(folder / "clip1.wav")
    soundfile.write(folder / "clip1.wav", np.stack([samples, samples], axis=1), RATE, subtype="PCM_16")
    audio = whistle(SENTENCES[2], 200.0).resampled(48_000)
    soundfile.write(folder / "clip2.wav", audio.samples, 48_000, subtype="FLOAT")
    (dora,) = read_voices(tmp_path, None)
    prompt = build(dora, rate=24_000)
    assert prompt.audio.sample_rate == 24_000
    assert prompt.audio.seconds == pytest.approx(sum(LENGTHS), abs=0.002)
    assert heard_hum(prompt.audio) == pytest.approx(200, abs=1)


def test_too_short_a_prompt_is_refused(tmp_path):
    folder = make_voice(tmp_path / "dora", 200.0)
    short = whistle("two", 200.0)  # 0.09 s
    soundfile.write(folder / "clip0.wav", short.samples, RATE)
    (folder / "voice.yaml").write_text(yaml.safe_dump({"clips": [{"file": "clip0.wav", "text": "two"}]}))
    with pytest.raises(DataError, match=r"its prompt has only 0.09 s, engines need 0.5 s or more"):
        build(read_voices(tmp_path, None)[0])


def test_a_short_clip_among_others_is_used(tmp_path):
    folder = make_voice(tmp_path / "dora", 200.0)
    soundfile.write(folder / "clip0.wav", whistle("two six", 200.0).samples, RATE)  # 0.21 s
    manifest = yaml.safe_load((folder / "voice.yaml").read_text())
    manifest["clips"][0]["text"] = "two six"
    (folder / "voice.yaml").write_text(yaml.safe_dump(manifest))
    assert build(read_voices(tmp_path, None)[0]).text.startswith("two six six seven")


def test_ten_minutes_of_audio_give_what_is_asked_for(tmp_path):
    folder = make_voice(tmp_path / "dora", 200.0)
    sentence = "the same words again and again "
    audio = whistle(sentence, 200.0)
    count = int(600 / audio.seconds)
    soundfile.write(folder / "clip0.wav", np.tile(audio.samples, count), RATE)
    text = (sentence * count).strip()
    (folder / "voice.yaml").write_text(yaml.safe_dump({"clips": [{"file": "clip0.wav", "text": text}]}))
    (dora,) = read_voices(tmp_path, None)
    for settings, seconds in (({}, 30), ({"seconds": 5}, 5)):
        prompt = build(dora, **settings)
        assert seconds - 0.5 < prompt.audio.seconds <= 30
        assert heard(prompt.audio) == prompt.text
    assert text.startswith(prompt.text)


def test_words_of_another_clip_are_refused(ann, voices):
    manifest = yaml.safe_load((voices / "ann/voice.yaml").read_text())
    manifest["clips"][0]["text"] = "nothing like what is said there at all"
    (voices / "ann/voice.yaml").write_text(yaml.safe_dump(manifest))
    with pytest.raises(DataError, match=r"words given for clip0.wav are not those spoken .*transcript show ann"):
        build(read_voices(voices, ["ann"])[0])


def test_corruption_replaces_the_share_asked_for_and_always_alike():
    text = "the quick brown fox jumps over the lazy dog today"
    for share, wrong in ((0.01, 1), (0.3, 3), (1.0, 10)):
        spoilt = corrupted(text, share, english())
        assert sum(one != other for one, other in zip(text.split(), spoilt.split(), strict=True)) == wrong
        assert spoilt == corrupted(text, share, english())


def test_a_cut_does_not_click():
    audio = cut_at(Audio(np.ones(RATE, np.float32), RATE), 0.5)
    assert (len(audio.samples), audio.samples[-1], audio.samples[0]) == (8000, 0, 1)


def test_the_address_follows_audio_and_text(voices, ann):
    before = build(ann).sha256
    assert build(ann).sha256 == before
    assert build(ann, corrupt=0.1).sha256 != before
    assert build(ann, clips=3).sha256 != before
