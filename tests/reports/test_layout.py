"""Columns and folding, by hand."""

import pytest

from evalkit.reports.layout import aligned, fitted, folded, listed, terminal_width, with_text


def test_words_stand_left_and_numbers_right():
    assert aligned(["name", "n"], [["a", "10"], ["long name", "5"]]) == [
        "name        n",
        "a          10",
        "long name   5",
    ]
    assert aligned(["a", "b"], [], 0) == ["a  b"]


def test_wide_characters_take_two_columns():
    assert aligned(["n", "x"], [["声", "1"], ["ab", "2"]]) == ["n   x", "声  1", "ab  2"]


def test_a_row_by_name_is_folded_between_its_cells_only():
    assert listed(["SIM", "n"], ["0.5 [0.4, 0.6]", "12"], 80) == ["SIM 0.5 [0.4, 0.6]  n 12"]
    assert listed(["SIM", "n"], ["0.5 [0.4, 0.6]", "12"], 20, "  ") == ["  SIM 0.5 [0.4, 0.6]", "  n 12"]
    assert listed(["SIM"], ["0.5 [0.4, 0.6]"], 3) == ["SIM 0.5 [0.4, 0.6]"]  # too long, and whole


def test_a_table_that_is_too_wide_is_given_by_name():
    rows = [["ann", "1"], ["ben", "2"]]
    assert fitted(["voice", "n"], rows, 8) == ["voice  n", "ann    1", "ben    2"]
    assert fitted(["voice", "n"], rows, 7) == ["voice ann", "n 1", "voice ben", "n 2"]


ROWS = [["one.wav", "4.31", "The lamp on the shelf, where it was before."], ["two.wav", "10.20", ""]]
BESIDE = [
    "clip     seconds  text",
    "one.wav     4.31  The lamp on the shelf, where it was before.",
    "two.wav    10.20",
]
BELOW = [
    "clip     seconds",
    "one.wav     4.31",
    "    The lamp on the shelf,",
    "    where it was before.",
    "two.wav    10.20",
]
NAMED = [
    "clip one.wav",
    "seconds 4.31",
    "    The lamp",
    "    on the",
    "    shelf,",
    "    where it",
    "    was",
    "    before.",
]


@pytest.mark.parametrize(("width", "lines"), [(80, BESIDE), (61, BESIDE), (30, BELOW), (28, BELOW)])
def test_text_stands_beside_its_row_or_below(width, lines):
    assert with_text(["clip", "seconds", "text"], ROWS, width) == lines


def test_and_where_even_the_numbers_have_no_room_all_is_given_by_name():
    assert with_text(["clip", "seconds", "text"], ROWS, 12)[:8] == NAMED


def test_folding_breaks_no_word_and_no_number():
    assert folded("+0.100 [+0.050, +0.150] over prompt.seconds=3", 15, "", "  ") == [
        "+0.100 [+0.050,", "  +0.150] over", "  prompt.seconds=3"
    ]  # fmt: skip
    assert folded("/a/very-long/path/without-a-space", 10) == ["/a/very-long/path/without-a-space"]


def test_the_width_is_what_the_environment_says_else_80(monkeypatch):
    monkeypatch.setenv("COLUMNS", "61")
    assert terminal_width() == 61
