"""Alignments against a table that can be checked by hand, a plain edit distance, and jiwer."""

import random

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.metrics import Alignment, Edits, align_words
from evalkit.metrics.failures import missing_tail, repeats

FOURTEEN = "a quick brown fox jumps over the lazy dog near the old stone bridge"


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


@pytest.mark.parametrize(
    ("reference", "hypothesis", "rate"),
    [
        (FOURTEEN, FOURTEEN, 0 / 14),
        (FOURTEEN, "a quick brown fox jumps over the lazy dog", 5 / 14),  # near the old stone bridge
        (FOURTEEN, "the quick brown box jumped over a lazy dog near the old stone bridge oh", 5 / 14),
        (FOURTEEN, f"well {FOURTEEN} well well", 3 / 14),
        (FOURTEEN, "", 14 / 14),
        ("a b", "c d e f g", 5 / 2),  # more errors than words
    ],
)
def test_error_rates_by_hand(reference, hypothesis, rate):
    edits = align_words(reference, hypothesis)
    assert edits.errors / edits.reference_length == rate


def distance(reference, hypothesis):
    """The edit distance by its definition (Wagner and Fischer 1974)."""
    row = list(range(len(hypothesis) + 1))
    for index, said in enumerate(reference, 1):
        above, row = row, [index]
        for at, heard in enumerate(hypothesis, 1):
            row.append(min(above[at] + 1, row[at - 1] + 1, above[at - 1] + (said != heard)))
    return row[-1]


words = st.lists(st.sampled_from(["a", "b", "c", "dog", "cat", "it's"]), max_size=14)


@given(words, words)
def test_edits_are_as_few_as_can_be_and_lead_from_text_to_transcript(reference, hypothesis):
    alignment = Alignment(reference, hypothesis)
    edits = alignment.edits
    assert edits.errors == distance(reference, hypothesis)
    assert edits.reference_length == len(reference)
    assert edits.hits + edits.substitutions + edits.insertions == len(hypothesis)
    for run in alignment.runs:
        same = reference[run.src_start : run.src_end] == hypothesis[run.dest_start : run.dest_end]
        assert same == (run.tag == "equal")


@pytest.mark.parametrize(
    ("reference", "hypothesis", "foreign"),
    [
        ("a b c", "a b c", ()),
        ("a b c", "a x c y", ((1, "x"), (3, "y"))),
        ("a b c", "c b a", ()),  # in another order, but the text's
        ("a b c", "", ()),
        ("", "a b", ((0, "a"), (1, "b"))),
    ],
)
def test_foreign_words_are_heard_and_not_said(reference, hypothesis, foreign):
    assert Alignment(reference.split(), hypothesis.split()).foreign == foreign


def test_word_error_rates_are_those_of_jiwer():
    chance = random.Random(0)
    vocabulary = ["the", "a", "canoe", "river", "fog", "it's", "old", "one"]
    for _ in range(300):
        reference, hypothesis = (" ".join(chance.choices(vocabulary, k=chance.randint(1, 15))) for _ in range(2))
        edits = align_words(reference, hypothesis)
        assert edits.errors / edits.reference_length == jiwer.wer(reference, hypothesis)


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=12), st.integers(0, 12))
def test_a_text_cut_short_misses_its_tail(words, kept):
    words = [f"{word}{index}" for index, word in enumerate(words)]  # none recurs
    assert missing_tail(Alignment(words, words[:kept])) == max(0, len(words) - kept)
    assert not repeats(words, words[:kept])


@pytest.mark.parametrize(
    ("reference", "hypothesis", "missing"),
    [
        ("a b c d", "a b x y", 0),  # x and y stand for c and d
        ("a b c d", "a b x", 1),
        ("a b c d", "x y", 2),  # no hit at all
        ("", "a", 0),
    ],
)
def test_words_heard_in_its_place_are_no_missing_tail(reference, hypothesis, missing):
    assert missing_tail(Alignment(reference.split(), hypothesis.split())) == missing
