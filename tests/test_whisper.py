"""Whisper in one window: the same words as faster-whisper's own way, sooner; what that leaves open is done anew."""

from types import SimpleNamespace

import numpy as np
import pytest

from evalkit.__main__ import main
from evalkit.audio import Audio, read_audio
from evalkit.digest import digest
from evalkit.errors import JudgementError
from evalkit.judges import faster_whisper, whisper_window
from evalkit.judges.base import Transcript
from evalkit.judges.faster_whisper import FasterWhisper
from evalkit.judges.whisper_window import FULL_FRAMES, Decoding, Piece, groups
from evalkit.metrics import align_words
from evalkit.resources import resource
from evalkit.text import normalizer
from evalkit.voices import read_voices

RATE = 16_000
weights = pytest.mark.weights


def piece(seconds, language="en"):
    return Piece(np.zeros(round(seconds * RATE), np.float32), language, seconds)


@pytest.fixture(scope="module")
def clips():
    """Three clips of each of the demo's voices."""
    return [clip for voice in read_voices(resource("probes/voices/demo"), None) for clip in voice.clips[:3]]


@pytest.fixture(scope="module")
def plain(clips):
    """What faster-whisper's own `transcribe` hears."""
    judge = FasterWhisper(device="cpu")
    return [judge._plainly(judge._piece(read_audio(clip.path), "en")) for clip in clips]


def heard_by(judge, audios):
    return list(judge.transcribe(audios, ["en"] * len(audios)))


def error_rate(texts, heard):
    normalise = normalizer("whisper_english")
    edits = [align_words(normalise(text), normalise(one)) for text, one in zip(texts, heard, strict=True)]
    return sum(edit.errors for edit in edits) / sum(edit.reference_length for edit in edits)


def test_a_window_depends_on_its_piece_alone():
    fitted = Decoding(5, "fitted", tell_language=False)
    margin = whisper_window.MARGIN_SECONDS
    assert fitted.window_frames(piece(4.0)) == round((4 + margin) * 100)
    assert fitted.window_frames(piece(4.2)) == fitted.window_frames(piece(4.9)) == round((5 + margin) * 100)
    assert fitted.window_frames(piece(28)) == FULL_FRAMES
    assert Decoding(5, "full", tell_language=False).window_frames(piece(4.2)) == FULL_FRAMES


def test_pieces_share_a_call_with_their_like_the_long_ones_first():
    pieces = [piece(seconds) for seconds in (2.5, 35, 2.2, 2.8, 12, 31)]
    assert groups(pieces, Decoding(5, "fitted", tell_language=False), 2) == [[1], [5], [4], [0, 2], [3]]
    assert groups(pieces, Decoding(5, "full", tell_language=False), 8) == [[1], [5], [0, 2, 3, 4]]


@pytest.mark.parametrize(
    ("tokens", "twice"),
    [([1, 2, 3, 1, 2, 3], True), ([9, 1, 2, 3, 4, 1, 2, 3, 4], True), ([1, 1, 1, 1], False), ([1, 2, 3, 4], False)],
)
def test_a_phrase_said_twice_in_a_row_is_taken_for_a_loop(tokens, twice):
    assert whisper_window._says_twice(tokens) is twice


BEGIN = 100  # of the timestamps


class Letters:
    """A tokenizer whose tokens below 100 are letters."""

    timestamp_begin, eot = BEGIN, 99

    def decode(self, tokens):
        return "".join(chr(ord("a") + token) for token in tokens if token < self.eot)


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ([BEGIN, 0, 1, BEGIN + 150], "ab"),  # one segment, its end said
        ([BEGIN, 0, 1], "ab"),  # its end left open
        ([BEGIN, 0, BEGIN + 50, BEGIN + 50, 1, BEGIN + 150], "ab"),  # two, and nothing after them
        ([BEGIN, 0, BEGIN + 50, BEGIN + 50, BEGIN + 50, 1, BEGIN + 150], "ab"),  # one of no length
        ([BEGIN, 0, BEGIN + 150, BEGIN + 150, 1], "a"),  # a second one begun where the sound ends
        ([BEGIN, 0, BEGIN + 50, BEGIN + 50, 1], None),  # a second one begun amid the sound
    ],
)
def test_a_window_is_read_as_faster_whisper_reads_it(tokens, text):
    result = SimpleNamespace(sequences_ids=[tokens], scores=[-0.2], no_speech_prob=0.9)
    assert whisper_window._text(result, Letters(), piece(3.0)) == text
    unsure = SimpleNamespace(sequences_ids=[tokens], scores=[-2.0], no_speech_prob=0.9)
    assert whisper_window._text(unsure, Letters(), piece(3.0)) == ""


@pytest.mark.parametrize(("cores", "shares"), [(1, (1, 1)), (2, (2, 1)), (8, (8, 1)), (32, (8, 4))])
def test_cores_are_shared_among_workers(cores, shares):
    assert faster_whisper._shares(cores) == shares


@weights
def test_what_changes_a_transcript_is_in_the_fingerprint_and_the_cores_are_not(monkeypatch):
    def prints(**settings):
        return digest(FasterWhisper(**settings).fingerprint())

    different = [prints(), prints(window="fitted"), prints(tell_language=True), prints(beam_size=1)]
    assert len(set(different)) == 4
    monkeypatch.setattr(faster_whisper, "_cores", lambda: 16)
    assert prints(device="cpu") == different[0]


@weights
def test_one_window_hears_what_faster_whisper_hears(clips, plain):
    heard = heard_by(FasterWhisper(device="cpu", tell_language=True), [read_audio(clip.path) for clip in clips])
    assert [one.text for one in heard] == [one.text for one in plain]  # and so in order
    assert [one.language[0] for one in heard] == ["en"] * len(clips)
    for clip, one in zip(clips[:2], heard, strict=False):
        assert one.language[1] == pytest.approx(
            FasterWhisper(device="cpu").language(read_audio(clip.path))[1], abs=0.01
        )


@weights
def test_a_call_of_several_audios_hears_the_same(clips, plain, monkeypatch):
    monkeypatch.setattr(faster_whisper, "CPU_BATCH", 4)
    heard = heard_by(FasterWhisper(device="cpu"), [read_audio(clip.path) for clip in clips[:5]])
    assert [one.text for one in heard] == [one.text for one in plain[:5]]
    assert all(one.language is None for one in heard)


@weights
def test_a_fitted_window_hears_nearly_the_same(clips, plain):
    heard = heard_by(FasterWhisper(device="cpu", window="fitted"), [read_audio(clip.path) for clip in clips])
    texts = [clip.text for clip in clips]
    exact = error_rate(texts, [one.text for one in plain])
    assert error_rate(texts, [one.text for one in heard]) == pytest.approx(exact, abs=0.01)
    alone = heard_by(FasterWhisper(device="cpu", window="fitted"), [read_audio(clips[3].path)])
    assert alone == heard[3:4]


@weights
def test_a_loop_is_decoded_anew_in_full(clips, plain, monkeypatch):
    """Without a margin Whisper repeats itself: the texts are still those of the full window."""
    monkeypatch.setattr(whisper_window, "MARGIN_SECONDS", 0.0)
    redone = []
    plainly = FasterWhisper._plainly
    monkeypatch.setattr(FasterWhisper, "_plainly", lambda self, one: redone.append(one) or plainly(self, one))
    heard = heard_by(FasterWhisper(device="cpu", window="fitted"), [read_audio(clip.path) for clip in clips[:6]])
    assert redone
    again = {len(one.samples) for one in redone}
    for clip, one, full in zip(clips, heard, plain, strict=False):
        if len(read_audio(clip.path).resampled(RATE).samples) in again:
            assert one.text == full.text
        assert len(one.text.split()) <= len(full.text.split()) + 3


@weights
def test_what_is_hardly_speech_is_answered_as_faster_whisper_answers_it(clips):
    """Fragments, silence and hiss make Whisper invent words; a fitted window invents no others."""
    samples = read_audio(clips[0].path).resampled(RATE).samples
    hiss = np.random.default_rng(0).normal(0, 1e-3, 2 * RATE).astype(np.float32)
    sounds = [np.zeros(0), np.zeros(1), samples[:800], np.zeros(2 * RATE), hiss, np.clip(6 * samples, -1, 1)]
    audios = [Audio(sound.astype(np.float32), RATE) for sound in sounds]
    judge = FasterWhisper(device="cpu")
    exact = [judge._plainly(judge._piece(audio, "en")).text for audio in audios]
    assert exact[:2] == ["", ""]
    assert error_rate([clips[0].text], exact[-1:]) < 0.1
    for window in ("full", "fitted"):
        assert [one.text for one in heard_by(FasterWhisper(device="cpu", window=window), audios)] == exact


@weights
def test_more_than_a_window_is_heard_to_its_end(clips):
    samples = np.concatenate([read_audio(clip.path).resampled(RATE).samples for clip in clips[:10]])
    assert len(samples) > 31 * RATE
    text = " ".join(clip.text for clip in clips[:10])
    (heard,) = heard_by(FasterWhisper(device="cpu", window="fitted"), [Audio(samples, RATE)])
    assert error_rate([text], [heard.text]) < 0.1


@weights
def test_a_bad_sound_fails_in_its_turn(clips):
    good = read_audio(clips[0].path)
    bad = Audio(np.full(RATE, np.nan, np.float32), RATE)
    answers = FasterWhisper(device="cpu", window="fitted").transcribe([good, bad, good], ["en"] * 3)
    assert isinstance(next(answers), Transcript)
    with pytest.raises(JudgementError, match="not numbers"):
        next(answers)


@weights
def test_an_unknown_language_is_named_with_some_that_are_known(clips):
    with pytest.raises(JudgementError, match=r"knows no language 'english'; it knows 100 codes, among them en, de, es"):
        list(FasterWhisper(device="cpu").transcribe([read_audio(clips[0].path)], ["english"]))


@weights
def test_scoring_is_benched_side_by_side(capsys):
    assert main(["bench", "scoring", "--utterances", "2"]) == 0
    shown = capsys.readouterr().out
    assert "2 utterances" in shown
    assert "window=fitted" in shown
    assert "embeddings differ by" in shown


@pytest.mark.weights
def test_torchs_threads_are_left_alone():
    """With other threads torch rounds otherwise, and an engine's samples would depend on what was judged before."""
    import torch

    before = torch.get_num_threads()
    audio = read_audio(resource("probes/voices/demo/male_us/prompt_01.flac"))
    list(FasterWhisper().transcribe([audio, audio], ["en", "en"]))
    assert torch.get_num_threads() == before
