"""Whisper in one window: the same words as faster-whisper's own way, sooner; what that leaves open is done anew.

Decoders round otherwise on other processors, so what is compared with faster-whisper is words, pooled over clips, not
letters; and both sides are heard here and now.
"""

import json
import os
from string import ascii_letters
from types import SimpleNamespace

import numpy as np
import pytest
import tokenizers
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.utils import get_logger

from evalkit.__main__ import main
from evalkit.audio import Audio, read_audio
from evalkit.digest import digest
from evalkit.errors import JudgementError
from evalkit.judges import whisper_window
from evalkit.judges.base import Transcript
from evalkit.judges.faster_whisper import FasterWhisper
from evalkit.judges.whisper_window import FULL_FRAMES, Decoding, Heard, Snippet, groups, hear
from evalkit.metrics import align_words
from evalkit.resources import resource
from evalkit.text import normalizer
from evalkit.voices import read_voices
from evalkit.weights.assets import library

RATE = 16_000
FULL, FITTED = (Decoding(5, window, tell_language=False) for window in ("full", "fitted"))
weights = pytest.mark.weights


def snippet(seconds, language="en"):
    return Snippet(np.zeros(round(seconds * RATE), np.float32), language, seconds)


def samples_of(clip):
    return read_audio(clip.path).resampled(RATE).samples


@pytest.fixture(scope="module")
def clips():
    """Three clips of each of the demo's voices."""
    return [clip for voice in read_voices(resource("probes/voices/demo"), None) for clip in voice.clips[:3]]


@pytest.fixture(scope="module")
def theirs():
    """faster-whisper itself, on the weights that the judge has."""
    return WhisperModel(str(library().folder("whisper_base_ct2")), device="cpu", compute_type="int8")


def said_by(model, samples):
    """What faster-whisper's `transcribe` hears: beam 5, never sampling, no text carried on."""
    segments, _ = model.transcribe(
        samples, language="en", beam_size=5, temperature=0.0, condition_on_previous_text=False
    )
    return " ".join("".join(segment.text for segment in segments).split())


@pytest.fixture(scope="module")
def plain(theirs, clips):
    return [said_by(theirs, samples_of(clip)) for clip in clips]


def heard_by(judge, audios):
    return list(judge.transcribe(audios, ["en"] * len(audios)))


def error_rate(texts, heard):
    normalise = normalizer("whisper_english")
    edits = [align_words(normalise(text), normalise(one)) for text, one in zip(texts, heard, strict=True)]
    return sum(edit.errors for edit in edits) / sum(edit.reference_length for edit in edits)


def test_a_window_depends_on_its_piece_alone():
    margin = whisper_window.MARGIN_SECONDS
    assert FITTED.window_frames(snippet(4.0)) == round((4 + margin) * 100)
    assert FITTED.window_frames(snippet(4.2)) == FITTED.window_frames(snippet(4.9)) == round((5 + margin) * 100)
    assert FITTED.window_frames(snippet(28)) == FULL_FRAMES
    assert FULL.window_frames(snippet(4.2)) == FULL_FRAMES


def test_pieces_share_a_call_with_their_like_the_long_ones_first():
    snippets = [snippet(seconds) for seconds in (2.5, 35, 2.2, 2.8, 12, 31)]
    assert groups(snippets, FITTED, 2) == [[1], [5], [4], [0, 2], [3]]
    assert groups(snippets, FULL, 8) == [[1], [5], [0, 2, 3, 4]]


SPECIAL = [
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>",
    "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
]  # fmt: skip


def letters():
    """Whisper's tokenizer with a token for each letter, and none for more."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*alphabet, *SPECIAL])}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, []))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    return made


class Canned(WhisperModel):
    """faster-whisper's own class, around a decoder that says the same of every window.

    What it says is written as letters, and `|N|` for a timestamp of N steps of 0.02 s.
    """

    def __init__(self, said, score=-0.2, no_speech=0.9):
        self.logger, self.hf_tokenizer, self.feature_extractor = get_logger(), letters(), FeatureExtractor()
        self.frames_per_second, self.tokens_per_second, self.input_stride = 100, 50, 2
        self.num_samples_per_token, self.time_precision, self.max_length = 320, 0.02, 448
        tokens = []
        for index, part in enumerate(said.split("|")):
            tokens += [len(self.hf_tokenizer.get_vocab()) + int(part)] if index % 2 else self.ids(part)
        result = SimpleNamespace(sequences_ids=[tokens], scores=[score], no_speech_prob=no_speech)
        self.model = SimpleNamespace(is_multilingual=True, generate=lambda _, prompts, **__: [result] * len(prompts))

    def ids(self, text):
        return self.hf_tokenizer.encode(text).ids

    def encode(self, features):
        return features


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("|0|ab|150|", "ab"),  # one segment, its end told
        ("|0|ab", "ab"),  # its end left open
        ("|0|a|50||50|b|150|", "ab"),  # two, and nothing after them
        ("|0|a|50||50||50|b|150|", "ab"),  # one of no length
        ("|0|a|150||150|b", "a"),  # a second one begun where the sound ends
        ("|0|a|50||50|b", None),  # a second one begun amid the sound: there is more to hear
    ],
)
def test_a_window_is_read_as_faster_whisper_reads_it(said, text):
    sound = snippet(3.0)
    assert hear(Canned(said), [sound], FULL) == [None if text is None else Heard(text, None)]
    if text is not None:
        assert said_by(Canned(said), sound.samples) == text
    unsure = Canned(said, score=-2.0)
    assert hear(unsure, [sound], FULL) == [Heard("", None)]
    assert said_by(unsure, sound.samples) == ""


@pytest.mark.parametrize(
    ("said", "score", "is_settled"),
    [
        ("abcd", -0.2, True),
        ("aaaa", -0.2, True),  # a letter is no phrase
        ("abcabc", -0.2, False),
        ("xabcdabcd", -0.2, False),
        ("abcd", -2.0, False),  # unsure
        (ascii_letters[:40], -0.2, True),  # 41 tokens with the timestamp
        (ascii_letters[:41], -0.2, False),  # 42
    ],
)
def test_a_fitted_window_settles_no_loop_and_nothing_unsure(said, score, is_settled):
    """In one second of sound fewer than 30 + 12 tokens can have been said."""
    model = Canned(f"|0|{said}", score, no_speech=0.0)
    (heard,) = hear(model, [snippet(1.0)], FITTED)
    assert (heard is not None) is is_settled
    assert hear(model, [snippet(1.0)], FULL)[0] is not None


@weights
def test_what_changes_a_transcript_is_in_the_fingerprint():
    settings = [{}, {"window": "fitted"}, {"tell_language": True}, {"beam_size": 1}]
    assert len({digest(FasterWhisper(**one).fingerprint()) for one in settings}) == len(settings)


@weights
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not let processes choose cores")
def test_the_number_of_cores_changes_neither_fingerprint_nor_order(clips):
    judge, cores = FasterWhisper(device="cpu"), os.sched_getaffinity(0)
    audios, said = [read_audio(clip.path) for clip in clips[:4]], []
    try:
        for chosen in (cores, {min(cores)}):
            judge.close()
            os.sched_setaffinity(0, chosen)
            said.append((digest(judge.fingerprint()), [one.text for one in heard_by(judge, audios)]))
    finally:
        os.sched_setaffinity(0, cores)
        judge.close()
    (prints, texts), (prints_of_one, texts_of_one) = said
    assert prints == prints_of_one
    assert error_rate(texts, texts_of_one) <= 0.02


@weights
def test_one_window_hears_what_faster_whisper_hears(theirs, clips, plain):
    """Measured: 12 of 12 texts are alike to the letter."""
    heard = heard_by(FasterWhisper(device="cpu", tell_language=True), [read_audio(clip.path) for clip in clips])
    assert error_rate(plain, [one.text for one in heard]) <= 0.01  # of 159 words; and so in order
    assert sum(one.text == other for one, other in zip(heard, plain, strict=True)) >= 9
    for clip, one in zip(clips[:3], heard, strict=False):
        code, probability, _ = theirs.detect_language(samples_of(clip))
        assert one.language == (code, pytest.approx(probability, abs=0.02))
        assert FasterWhisper(device="cpu").language(read_audio(clip.path)) == (
            code,
            pytest.approx(probability, abs=0.02),
        )


@weights
def test_a_call_of_several_audios_hears_the_same(theirs, clips, plain):
    snippets = [Snippet(samples_of(clip), "en", read_audio(clip.path).seconds) for clip in clips[:5]]
    heard = hear(theirs, snippets, FULL)
    assert error_rate(plain[:5], [one.text for one in heard]) <= 0.02
    assert [one.language for one in heard] == [None] * 5


@weights
def test_a_fitted_window_hears_nearly_the_same(clips, plain):
    """Measured: the same words, one capital letter aside."""
    judge = FasterWhisper(device="cpu", window="fitted")
    heard = [one.text for one in heard_by(judge, [read_audio(clip.path) for clip in clips])]
    assert error_rate(plain, heard) <= 0.03
    alone = [one.text for one in heard_by(judge, [read_audio(clips[3].path)])]
    assert alone == heard[3:4]  # on one machine, by its piece alone


@weights
def test_a_loop_is_decoded_anew_in_full(theirs, clips):
    """A clip played twice is heard as a loop: what the fitted window then leaves open is heard as faster-whisper does.

    Measured: 5 of the 6 are left open.
    """
    doubled = [np.concatenate([samples_of(clip)] * 2) for clip in clips[1::2]]
    lengths = [len(samples) / RATE for samples in doubled]
    snippets = [Snippet(samples, "en", seconds) for samples, seconds in zip(doubled, lengths, strict=True)]
    is_open = [hear(theirs, [one], FITTED) == [None] for one in snippets]
    assert sum(is_open) >= 2
    loops = [Audio(samples, RATE) for samples, left in zip(doubled, is_open, strict=True) if left]
    heard = heard_by(FasterWhisper(device="cpu", window="fitted"), loops)
    assert error_rate([said_by(theirs, loop.samples) for loop in loops], [one.text for one in heard]) <= 0.02


@weights
def test_of_what_is_hardly_speech_no_words_are_invented_that_faster_whisper_does_not(theirs, clips):
    """Fragments, silence and hiss make Whisper invent words, on each machine others: as many at the most, and two."""
    samples = samples_of(clips[0])
    hiss = np.random.default_rng(0).normal(0, 1e-3, 2 * RATE)
    sounds = [np.zeros(0), np.zeros(1), samples[:2400], np.zeros(2 * RATE), hiss, np.clip(6 * samples, -1, 1)]
    audios = [Audio(sound.astype(np.float32), RATE) for sound in sounds]
    exact = [said_by(theirs, audio.samples) for audio in audios]
    for window in ("full", "fitted"):
        heard = [one.text for one in heard_by(FasterWhisper(device="cpu", window=window), audios)]
        assert heard[:2] == exact[:2] == ["", ""]
        for text, other in zip(heard, exact, strict=True):
            assert len(text.split()) <= len(other.split()) + 2
        assert error_rate([clips[0].text], heard[-1:]) < 0.1


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


@weights
def test_torchs_threads_are_left_alone():
    """With other threads torch rounds otherwise, and an engine's samples would depend on what was judged before."""
    import torch

    before = torch.get_num_threads()
    audio = read_audio(resource("probes/voices/demo/male_us/prompt_01.flac"))
    list(FasterWhisper().transcribe([audio, audio], ["en", "en"]))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("tokens", "known"),
    [
        (51_865, {"en": True, "de": True, "yue": False}),
        (51_864, {"en": True, "de": False, "yue": False}),  # English-only weights name all languages, too
        (None, {"en": True, "de": True}),  # it lies in another file: told when a sound is heard
    ],
)
def test_which_languages_it_knows_is_told_by_its_vocabulary(tmp_path, monkeypatch, tokens, known):
    monkeypatch.setenv("EVALKIT_ASSETS", str(tmp_path))
    library.cache_clear()
    folder = tmp_path / "whisper_base_ct2"
    folder.mkdir()
    if tokens:
        names = ["<|en|>", "<|de|>", *(str(at) for at in range(tokens - 2))]
        (folder / "vocabulary.json").write_text(json.dumps(names))
    try:
        assert {code: FasterWhisper().knows_language(code) for code in known} == known
    finally:
        library.cache_clear()
