import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.metrics import METRICS, Edits, Evidence, align_characters, align_words, cosine
from evalkit.scoring import scores
from evalkit.text import NORMALIZERS, normalizer


@pytest.mark.parametrize(
    ("reference", "hypothesis", "edits"),
    [
        ("a b c", "a b c", Edits(3, 0, 0, 0)),
        ("a b c", "a x c", Edits(2, 1, 0, 0)),
        ("a b c", "a c", Edits(2, 0, 1, 0)),
        ("a b c", "a b b c", Edits(3, 0, 0, 1)),
        ("a b c", "", Edits(0, 0, 3, 0)),
        ("", "a b", Edits(0, 0, 0, 2)),
        ("", "", Edits(0, 0, 0, 0)),
    ],
)
def test_word_edits(reference, hypothesis, edits):
    assert align_words(reference, hypothesis) == edits


def evidence(reference: str, hypothesis: str, **changes) -> Evidence:
    unit = np.array([1.0, 0.0], np.float32)
    values = {
        "intended": None,
        "embedding": unit,
        "reference_embeddings": np.stack([unit]),
        "prompt_embedding": unit,
        "audio_seconds": 4.0,
        "synth_seconds": 2.0,
    }
    return Evidence(reference, hypothesis, **{**values, **changes})


def test_every_metric_by_hand():
    values, weights = scores(
        evidence(
            "the cat sat on the mat",  # 6 words, 22 characters
            "the bat sat on mat",  # one substitution, one deletion: 2 / 6; b for c, and "the " gone: 5 / 22
            embedding=np.array([0.6, 0.8], np.float32),
            reference_embeddings=np.array([[1.0, 0.0], [0.0, 1.0]], np.float32),
        )
    )
    assert values == {
        "sim": pytest.approx((0.6 + 0.8) / 2),
        "sim_o": pytest.approx(0.6),
        "wer": pytest.approx(2 / 6),
        "cer": pytest.approx(5 / 22),
        "wer_utt_mean": pytest.approx(2 / 6),
        "rtf": pytest.approx(2.0 / 4.0),
        "audio_seconds": 4.0,
    }
    assert weights == {"wer": 6, "cer": 22, "rtf": 4.0}


def test_wer_parts_into_saying_something_else_and_saying_it_badly():
    values, weights = scores(evidence("a b c d", "a x c e e", intended="a x c e"))
    assert values["wer"] == 3 / 4  # x for b, e for d, and one e more
    assert values["intended_wer"] == 2 / 4  # it meant x and e
    assert values["spoken_wer"] == 1 / 4  # and stuttered
    assert weights["intended_wer"] == weights["spoken_wer"] == 4


def test_a_reference_that_normalises_to_nothing_is_unscored():
    values, _ = scores(evidence("", "anything"))
    assert not {"wer", "cer", "wer_utt_mean"} & set(values)
    assert "sim" in values


def test_metrics_have_unique_names_and_formulas():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all(metric.bounds[0] < metric.bounds[1] for metric in METRICS)


words = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=8).map(" ".join)


@given(words.filter(bool), words)
def test_word_and_character_rates_are_jiwers(reference, hypothesis):
    edits, characters = align_words(reference, hypothesis), align_characters(reference, hypothesis)
    assert edits.errors / edits.reference_length == pytest.approx(jiwer.wer(reference, hypothesis))
    assert characters.errors / characters.reference_length == pytest.approx(jiwer.cer(reference, hypothesis))


@given(words, words)
def test_edits_are_consistent(reference, hypothesis):
    edits = align_words(reference, hypothesis)
    assert edits.reference_length == len(reference.split())
    assert edits.hits + edits.substitutions + edits.insertions == len(hypothesis.split())
    assert (edits.errors == 0) == (reference == hypothesis)


def test_cosine_of_unit_vectors():
    assert cosine(np.array([1, 0], np.float32), np.array([0.6, 0.8], np.float32)) == pytest.approx(0.6)
    assert cosine(np.array([1.0000001, 0], np.float32), np.array([1, 0], np.float32)) <= 1.0


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("none", "  Hello,   World. ", "Hello, World."),
        ("whisper_basic", "Hello, World.", "hello world"),
        ("whisper_english", "Mr. Smith's forty-two colours won't do!", "mister smith is 42 colors will not do"),
        ("whisper_english", "🎉 ?!", ""),
    ],
)
def test_normalizers(name, text, expected):
    assert normalizer(name)(text) == expected


def test_an_unknown_normalizer_names_the_known():
    with pytest.raises(Exception, match=", ".join(NORMALIZERS)):
        normalizer("whisper")
