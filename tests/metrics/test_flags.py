"""Flags, by hand, and what becomes of the control with many voices."""

from types import SimpleNamespace

import pytest
from rapidfuzz.distance import Levenshtein

from evalkit.metrics import bled_at, metrics_of
from evalkit.metrics.acoustics import Acoustics
from evalkit.metrics.scoring import edits, scores
from tests.metrics.samples import QUALITY, evidence, flags_of, measured, prompts

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
    (f"{TEXT} before the fog", {"other_prompts": prompts(PROMPT, PROMPT)}, []),  # every prompt has it: chance
    ("the old pilot circled slowly down the river", {}, ["bleed"]),
]


@pytest.mark.parametrize(("hypothesis", "changes", "expected"), CASES)
def test_flags_by_hand(hypothesis, changes, expected):
    assert flags_of(evidence(TEXT, hypothesis, prompt_words=frozenset(PROMPT.split()), **changes)) == expected


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
    assert bled_at(evidence(TEXT, hypothesis, prompt_words=frozenset(PROMPT.split()))) == where


@pytest.mark.parametrize("hypothesis", [TEXT, f"fog began {TEXT}"])
def test_a_row_is_aligned_once_whatever_is_asked_of_it_and_however_many_voices_there_are(hypothesis, monkeypatch):
    aligned = []

    def opcodes(reference, heard):
        aligned.append((reference, heard))
        return Levenshtein.opcodes(reference, heard)

    monkeypatch.setattr("evalkit.metrics.alignment.Levenshtein", SimpleNamespace(opcodes=opcodes))
    one = evidence(TEXT, hypothesis, prompt_words=frozenset(PROMPT.split()), other_prompts=prompts(PROMPT) * 99)
    scores(one, metrics_of(["campplus"], QUALITY))
    edits(one), bled_at(one)
    assert aligned == [(TEXT.split(), hypothesis.split())]


def test_the_control_is_the_mean_over_the_other_voices():
    others = prompts("fog in may", "no such words") * 50
    found = measured("a b c", "a fog b lift c", prompt_words=frozenset(["fog", "lift"]), other_prompts=others)
    assert found.values["bleed"] == 2 / 5
    assert found.values["bleed_control"] == 0.5 / 5  # of fog and lift, every other voice has one


@pytest.mark.parametrize(
    ("absent", "raised"),
    [
        ({}, ["truncated", "silent", "clipped", "wrong_language"]),
        ({"transcript": "deaf"}, ["silent", "clipped"]),
        ({"acoustics": "deaf"}, ["truncated", "wrong_language"]),
        ({"transcript": "deaf", "acoustics": "deaf"}, []),
    ],
)
def test_what_cannot_be_told_is_not_raised(absent, raised):
    loud = Acoustics(0.7, 1.8, 0.02, 200.0, 6.0)
    changes = {"acoustics": loud, "peak": 1.2, "heard_language": ("de", 0.9), "absent": absent}
    assert flags_of(evidence(TEXT, "", **changes)) == raised


def test_a_flag_that_raises_is_not_raised_and_costs_no_other():
    broken = evidence(TEXT, "the old canoe", heard_language=("de",))
    assert flags_of(broken) == ["truncated"]
    found = scores(broken, metrics_of(["campplus"], QUALITY))
    assert found.missing == {
        "wrong_language_share": "ValueError: not enough values to unpack (expected 2, got 1)",
    }
    assert found.values["truncated_share"] == 1.0
