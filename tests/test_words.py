"""Where given words lie in time, by tables and by properties."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.text import normalizer
from evalkit.words import BothSides, Word, error_rate, words_before, words_in_time

NORMALISE = normalizer("whisper_basic")


def heard(text: str) -> list[Word]:
    """Each word takes a second: the n-th from n to n + 1."""
    return [Word(word, float(index), index + 1.0) for index, word in enumerate(text.split())]


def spans(words):
    return [(word.text, word.start, word.end) for word in words]


@pytest.mark.parametrize(
    ("text", "sounds", "placed"),
    [
        ("Hello, world!", "hello world", [("Hello,", 0, 1), ("world!", 1, 2)]),
        ("a b c", "a x c", [("a", 0, 1), ("b", 1, 2), ("c", 2, 3)]),  # misheard: the time of what was heard instead
        ("a b c", "a c", [("a", 0, 1), ("b", 1, 1), ("c", 1, 2)]),  # not heard: the moment where it is missing
        ("a c", "a b c", [("a", 0, 1), ("c", 2, 3)]),  # heard besides
        ("twenty-one pilots", "21 pilots", [("twenty-one", 0, 1), ("pilots", 1, 2)]),
        ("a — b", "a b", [("a", 0, 1), ("—", 1, 1), ("b", 1, 2)]),  # a dash has no sound
        ("so 🎉", "so", [("so", 0, 1), ("🎉", 1, 1)]),
        ("naïve café", "naïve café", [("naïve", 0, 1), ("café", 1, 2)]),
        ("", "a b", []),
        ("a b", "", [("a", 0, 0), ("b", 0, 0)]),
    ],
)
def test_place(text, sounds, placed):
    assert spans(words_in_time(text, heard(sounds), NORMALISE)) == placed


@pytest.mark.parametrize(
    ("text", "sounds", "kept"),
    [
        ("a b c d e f", "a b c", "a b c"),  # the audio ends early: so do the words
        ("a b c d e f", "a b x", "a b"),  # a last word that was misheard is left out: of equal fits the shortest
        ("a b a b a b", "a b a", "a b a"),  # repeated words do not scatter
    ],
)
def test_words_of_audio_that_ends_early(text, sounds, kept):
    assert " ".join(word.text for word in words_in_time(text, heard(sounds), NORMALISE, whole=False)) == kept


def test_error_rate_by_hand():
    assert error_rate("one two three four", "one too three", NORMALISE) == 2 / 4
    assert error_rate("one two three four", "one two", NORMALISE, whole=False) == 0
    assert error_rate("— 🎉", "one", NORMALISE) is None


@pytest.mark.parametrize(
    ("text", "before", "after", "count"),
    [
        ("Sold apples, from a cart.", "sold apples", "from a cart", 2),
        ("sold apples from", "sold app", "less from", None),  # a word is cut
        ("sold apples from", "sold apples.", "les from", None),  # heard whole on one side only
        ("sold apples from", "sold apples", "apples from", None),  # heard on both sides
        ("sold apples from", "sold", "from", None),  # heard on neither
        ("we sold red apples", "we hold", "red apples", None),
        ("we sold red apples", "he sold", "red apples", 2),  # misheard elsewhere: no matter
        ("we sold red apples", "", "we sold red apples", None),
        ("very very good", "very", "very good", 1),
        ("very very good", "very very", "good", 2),
        ("very very good", "very", "good", None),  # one of two was not heard
        ("forty-two apples", "forty", "two apples", None),  # within a word as it is written
        ("forty-two apples", "forty-two", "apples", 1),
        ("so — yes", "so", "yes", 2),  # a dash goes with the word before it
    ],
)
def test_words_before_a_cut_as_both_sides_are_heard(text, before, after, count):
    assert words_before(text, BothSides(before, after), 0, NORMALISE) == count


def test_sides_that_are_heard_in_part():
    text = "a b c d e a b c d e"
    part = BothSides("x b c", "d e y", from_start=False, to_end=False)
    assert [words_before(text, part, expected, NORMALISE) for expected in (2, 9)] == [3, 8]  # twice: the nearest
    assert words_before(text, BothSides("b c", "d e a", from_start=False, to_end=False), 9, NORMALISE) == 3
    assert words_before(text, BothSides("b c", "d e", from_start=False), 0, NORMALISE) == 8
    assert words_before(text, BothSides("a b c", "d e", to_end=False), 9, NORMALISE) == 3


words = st.lists(st.sampled_from(["a", "b", "c", "don't", "x-y", "—"]), max_size=10).map(" ".join)


@given(words, words)
def test_placed_words_are_the_given_ones_in_order(text, sounds):
    placed = words_in_time(text, heard(sounds), NORMALISE)
    assert [word.text for word in placed] == text.split()[: len(placed)]
    assert all(word.start <= word.end for word in placed)
    assert all(one.start <= other.start + 1e-9 for one, other in pairwise(placed))


@given(words)
def test_what_is_heard_as_given_takes_its_time(text):
    spoken = " ".join(word for word in text.split() if word != "—")
    assert spans(words_in_time(spoken, heard(spoken), NORMALISE)) == spans(heard(spoken))


@given(st.lists(st.sampled_from(["a", "b", "c", "don't", "e"]), min_size=2, max_size=10), st.data())
def test_what_is_heard_as_given_is_parted_where_it_is_cut(given_words, data):
    count = data.draw(st.integers(1, len(given_words) - 1))
    heard = BothSides(" ".join(given_words[:count]), " ".join(given_words[count:]))
    assert words_before(" ".join(given_words), heard, count, NORMALISE) == count
