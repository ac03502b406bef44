"""Every metric, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.languages import shipped
from evalkit.metrics import VoiceFacts, cosine, metrics_of
from tests.metrics.samples import QUALITY, likeness, measured, prompts

METRICS = metrics_of(["campplus", "ge2e"], QUALITY)


def test_every_metric_by_hand():
    axes = np.eye(2, dtype=np.float32)
    found = measured(
        "the cat sat on the mat",  # 6 words, 22 characters
        "the bat sat on mat",  # one substitution, one deletion: 2 / 6; b for c, and "the " gone: 5 / 22
        likeness={
            "campplus": likeness(np.array([0.6, 0.8], np.float32), axes, floor=0.2, ceiling=0.8, spread=0.1),
            "ge2e": likeness(np.array([0.0, 1.0], np.float32), axes[:1]),
        },
        speakers=("campplus", "ge2e"),
        prompt_words=frozenset(["a", "bat", "in", "the", "night"]),
        other_prompts=prompts("mats and cats", "the bat man"),
        quality={"dnsmos_ovrl": 3.2},
        voice=VoiceFacts(words_per_second=2.5, f0_median=100.0),
        first_audio_seconds=0.3,
        memory_bytes=2e9,
    )
    assert found.values == {
        "sim": pytest.approx((0.6 + 0.8) / 2),
        "sim_o": pytest.approx(0.6),
        "sim_norm": pytest.approx((0.7 - 0.2) / (0.8 - 0.2)),
        "sim_ge2e": 0.0,
        "wer": pytest.approx(2 / 6),
        "cer": pytest.approx(5 / 22),
        "wer_utt_mean": pytest.approx(2 / 6),
        "p_wer_50": 0.0,
        "bleed": pytest.approx(1 / 5),  # bat, of five words heard
        "bleed_control": pytest.approx(0.5 / 5),  # one of two other prompts has it
        "truncated_share": 0.0,
        "runaway_share": 0.0,
        "silent_share": 0.0,
        "clipped_share": 0.0,
        "wrong_language_share": 0.0,
        "bleed_share": 0.0,
        "dnsmos_ovrl": 3.2,
        "words_per_second": 5 / 4,
        "rate_error": pytest.approx(1.0),  # 1.25 against 2.5
        "f0_median": 200.0,
        "f0_range": 6.0,
        "f0_median_error": pytest.approx(12.0),  # an octave above 100 Hz
        "rtf": pytest.approx(2.0 / 4.0),
        "audio_seconds": 4.0,
        "first_audio_seconds": 0.3,
        "memory_bytes": 2e9,
    }
    assert found.weights == {"wer": 6, "cer": 22, "bleed": 5, "bleed_control": 5, "rtf": 4.0}
    assert found.missing == {}


def test_wer_parts_into_saying_something_else_and_saying_it_badly():
    found = measured("a b c d", "a x c e e", intended="a x c e")
    values, weights = found.values, found.weights
    assert values["wer"] == 3 / 4  # x for b, e for d, and one e more
    assert values["intended_wer"] == 2 / 4  # it meant x and e
    assert values["spoken_wer"] == 1 / 4  # and stuttered
    assert weights["intended_wer"] == weights["spoken_wer"] == 4


@pytest.mark.parametrize(("hypothesis", "share"), [("a x y z", 1.0), ("a b x y", 0.0), ("", 1.0)])
def test_more_than_half_wrong_is_garbled(hypothesis, share):
    assert measured("a b c d", hypothesis).values["p_wer_50"] == share


def test_what_cannot_be_measured_is_absent():
    values = measured("", "a b", synth_seconds=None).values  # a text that normalises to nothing
    assert not {"wer", "cer", "wer_utt_mean", "p_wer_50", "rtf", "sim_norm", "dnsmos_ovrl"} & set(values)
    values = measured("a b", "").values  # nothing was heard
    assert values["wer"] == 1.0
    assert not {"bleed", "bleed_control", "words_per_second", "rate_error"} & set(values)
    flat = {"campplus": likeness(floor=0.5, ceiling=0.5, spread=0.0)}
    assert "sim_norm" not in measured("a", "a", likeness=flat).values


def test_in_languages_without_spaces_signs_are_words():
    found = measured("今天天气很好", "今天 天气 不好", language=shipped()["zh"])
    assert found.values["wer"] == found.values["cer"] == pytest.approx(1 / 6)
    assert found.weights["wer"] == found.weights["cer"] == 6


def test_latin_words_among_signs_stay_whole():
    found = measured("我用 python 写 code", "我用 pythom 写 code", language=shipped()["zh"])
    assert (found.values["wer"], found.weights["wer"]) == (pytest.approx(1 / 5), 5)
    assert (found.values["cer"], found.weights["cer"]) == (pytest.approx(1 / 13), 13)


def test_sim_is_a_mean_of_plain_cosines():
    chance = np.random.default_rng(1)
    vectors = chance.normal(size=(6, 192))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    values = measured("a", "a", likeness={"campplus": likeness(unit[0], unit[1:5], unit[5])}).values
    plain = [vectors[0] @ other / np.linalg.norm(vectors[0]) / np.linalg.norm(other) for other in vectors[1:]]
    assert values["sim"] == pytest.approx(np.mean(plain[:4]), abs=1e-6)
    assert values["sim_o"] == pytest.approx(plain[4], abs=1e-6)


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=2),
    st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=2),
)
def test_cosines_stay_within_bounds(one, other):
    one, other = (np.array(vector, np.float32) for vector in (one, other))
    assert -1 <= cosine(one, other) <= 1


def test_metrics_have_names_of_their_own_and_directions():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert {metric.name for metric in METRICS if metric.higher_is_better} == {
        "sim", "sim_o", "sim_norm", "sim_ge2e", "dnsmos_ovrl",
    }  # fmt: skip
