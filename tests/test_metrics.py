import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.acoustics import Acoustics
from evalkit.metrics import (
    Edits,
    Evidence,
    Likeness,
    VoiceFacts,
    align_characters,
    align_words,
    cosine,
    flags,
    metrics_of,
    place,
)
from evalkit.metrics.failures import missing_tail, repeats
from evalkit.scoring import scores
from evalkit.text import NORMALIZERS, normalizer

METRICS = metrics_of(["campplus", "ge2e"], [("dnsmos_ovrl", "dnsmos")])
QUIET = Acoustics(silence_share=0.1, longest_gap_seconds=0.2, clipped_share=0.0, f0_median=200.0, f0_range=6.0)
UNIT = np.array([1.0, 0.0], np.float32)


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


def likeness(embedding=UNIT, references=(UNIT,), prompt=UNIT, **ends) -> Likeness:
    return Likeness(embedding, np.stack(references), prompt, **ends)


def evidence(reference: str, hypothesis: str, **changes) -> Evidence:
    given = {"likeness": {"campplus": likeness()}, "audio_seconds": 4.0, "acoustics": QUIET, "synth_seconds": 2.0}
    return Evidence(reference, hypothesis, **{**given, **changes})


def measured(*args, speakers=("campplus",), **changes):
    return scores(evidence(*args, **changes), metrics_of(speakers, [("dnsmos_ovrl", "dnsmos")]))


def test_every_metric_by_hand():
    axes = np.eye(2, dtype=np.float32)
    values, weights = measured(
        "the cat sat on the mat",  # 6 words, 22 characters
        "the bat sat on mat",  # one substitution, one deletion: 2 / 6; b for c, and "the " gone: 5 / 22
        likeness={
            "campplus": likeness(np.array([0.6, 0.8], np.float32), axes, floor=0.2, ceiling=0.8),
            "ge2e": likeness(np.array([0.0, 1.0], np.float32), axes[:1]),
        },
        speakers=("campplus", "ge2e"),
        prompt_text="a bat in the night",
        other_prompts=("mats and cats", "the bat man"),
        quality={"dnsmos_ovrl": 3.2},
        voice=VoiceFacts(words_per_second=2.5, f0_median=100.0),
        first_audio_seconds=0.3,
        memory_bytes=2e9,
    )
    assert values == {
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
    assert weights == {"wer": 6, "cer": 22, "bleed": 5, "bleed_control": 5, "rtf": 4.0}


def test_wer_parts_into_saying_something_else_and_saying_it_badly():
    values, weights = measured("a b c d", "a x c e e", intended="a x c e")
    assert values["wer"] == 3 / 4  # x for b, e for d, and one e more
    assert values["intended_wer"] == 2 / 4  # it meant x and e
    assert values["spoken_wer"] == 1 / 4  # and stuttered
    assert weights["intended_wer"] == weights["spoken_wer"] == 4


@pytest.mark.parametrize(("hypothesis", "share"), [("a x y z", 1.0), ("a b x y", 0.0), ("", 1.0)])
def test_more_than_half_wrong_is_garbled(hypothesis, share):
    assert measured("a b c d", hypothesis)[0]["p_wer_50"] == share


def test_what_cannot_be_measured_is_absent():
    values, _ = measured("", "a b", synth_seconds=None)  # a text that normalises to nothing
    assert not {"wer", "cer", "wer_utt_mean", "p_wer_50", "rtf", "sim_norm", "dnsmos_ovrl"} & set(values)
    values, _ = measured("a b", "")  # nothing was heard
    assert values["wer"] == 1.0
    assert not {"bleed", "bleed_control", "words_per_second", "rate_error"} & set(values)
    flat = {"campplus": likeness(floor=0.5, ceiling=0.5)}
    assert "sim_norm" not in measured("a", "a", likeness=flat)[0]


def test_languages_without_spaces_have_characters_only():
    values, weights = measured("今天天气很好", "今天 天气 不好", language="zh")
    assert "wer" not in values
    assert values["cer"] == pytest.approx(1 / 6)
    assert weights["cer"] == 6


PROMPT = "the pilot circled the airport twice before the fog began to lift"
TEXT = "the old canoe drifted slowly down the river"
CASES = [  # hypothesis, changes, flags
    (TEXT, {}, []),
    ("the old canoe drifted slowly down the liver", {}, []),
    ("the old canoe drifted slowly down the", {}, []),
    ("the old canoe drifted slowly down", {}, ["truncated"]),
    ("the old canoe", {}, ["truncated"]),
    ("", {}, ["truncated"]),
    ("the old canoe drifted slowly down the river the old canoe drifted slowly down the river", {}, ["runaway"]),
    ("the old canoe drifted drifted drifted drifted drifted slowly down the river", {}, ["runaway"]),
    (TEXT, {"audio_seconds": 30.0}, ["runaway"]),
    (TEXT, {"audio_seconds": 9.0}, []),
    (TEXT, {"acoustics": Acoustics(0.7, 0.2, 0.0, 200.0, 6.0)}, ["silent"]),
    (TEXT, {"acoustics": Acoustics(0.3, 1.8, 0.0, 200.0, 6.0)}, ["silent"]),
    (TEXT, {"acoustics": Acoustics(0.1, 0.2, 0.02, 200.0, 6.0)}, ["clipped"]),
    (TEXT, {"peak": 1.2}, ["clipped"]),
    (TEXT, {"heard_language": ("de", 0.9)}, ["wrong_language"]),
    (TEXT, {"heard_language": ("de", 0.4)}, []),
    (f"fog began to lift {TEXT}", {}, ["bleed"]),
    (f"{TEXT} before the fog", {}, ["bleed"]),
    (f"{TEXT} the fog", {}, []),  # one word alone
    (f"{TEXT} before the fog", {"other_prompts": (PROMPT, PROMPT)}, []),  # every prompt has it: chance
    ("the old pilot circled slowly down the river", {}, ["bleed"]),
]


@pytest.mark.parametrize(("hypothesis", "changes", "expected"), CASES)
def test_flags_by_hand(hypothesis, changes, expected):
    assert flags(evidence(TEXT, hypothesis, prompt_text=PROMPT, **changes)) == expected


@pytest.mark.parametrize(
    ("hypothesis", "where"),
    [
        (f"fog began {TEXT}", "head"),
        (f"{TEXT} before fog", "tail"),
        ("the old pilot circled slowly", "middle"),
        (TEXT, None),
    ],
)
def test_where_the_prompt_bleeds_is_told(hypothesis, where):
    assert place(evidence(TEXT, hypothesis, prompt_text=PROMPT)) == where


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=12), st.integers(0, 12))
def test_a_text_cut_short_misses_its_tail(words, kept):
    words = [f"{word}{index}" for index, word in enumerate(words)]  # none recurs
    assert missing_tail(words, words[:kept]) == max(0, len(words) - kept)
    assert not repeats(words, words[:kept])


words = st.lists(st.sampled_from(["a", "b", "c", "dog", "cat"]), min_size=1, max_size=12).map(" ".join)


@given(words, words)
def test_edits_are_those_of_jiwer(reference, hypothesis):
    edits = align_words(reference, hypothesis)
    assert edits.errors / edits.reference_length == pytest.approx(jiwer.wer(reference, hypothesis))
    characters = align_characters(reference, hypothesis)
    assert characters.errors / characters.reference_length == pytest.approx(jiwer.cer(reference, hypothesis))


def test_ten_thousand_random_pairs_have_the_error_rates_of_jiwer():
    chance = np.random.default_rng(0)
    vocabulary = ["the", "a", "canoe", "river", "fog", "it's", "old", "one"]
    pairs = [
        tuple(" ".join(chance.choice(vocabulary, chance.integers(1, 15))) for _ in range(2)) for _ in range(10_000)
    ]
    ours = [align_words(*pair) for pair in pairs]
    references, hypotheses = map(list, zip(*pairs, strict=True))
    pooled = sum(edits.errors for edits in ours) / sum(edits.reference_length for edits in ours)
    assert pooled == pytest.approx(jiwer.wer(references, hypotheses), abs=1e-12)
    characters = [align_characters(*pair) for pair in pairs]
    pooled = sum(edits.errors for edits in characters) / sum(edits.reference_length for edits in characters)
    assert pooled == pytest.approx(jiwer.cer(references, hypotheses), abs=1e-12)
    for pair, edits in zip(pairs[:1000], ours, strict=False):
        assert edits.errors / edits.reference_length == jiwer.wer(*pair)


def test_sim_is_a_mean_of_plain_cosines():
    chance = np.random.default_rng(1)
    vectors = chance.normal(size=(6, 192))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    values, _ = measured("a", "a", likeness={"campplus": likeness(unit[0], unit[1:5], unit[5])})
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


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("whisper_english", "Mr. Smith's forty-two colours won't do!", "mister smith is 42 colors will not do"),
        ("whisper_english", "🎉 ?!", ""),
        ("whisper_basic", "Hello, World.", "hello world"),
        ("seed_tts", "It's 42, isn't it — “so”?", "it's 42 isn't it so"),
        ("none", "  Hello,   World. ", "Hello, World."),
    ],
)
def test_normalizers(name, text, expected):
    assert normalizer(name)(text) == expected


def test_an_unknown_normalizer_names_the_known():
    with pytest.raises(Exception, match=", ".join(NORMALIZERS)):
        normalizer("whisper")
