from collections import Counter
from dataclasses import replace
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.languages import shipped
from evalkit.metrics.alignment import align_words
from evalkit.reports.page.worst import comparing, difference, shown, worst
from evalkit.row import PromptRecord
from evalkit.text import Comparing, normalizer
from tests.reports.page.made import made, row

PLAIN = normalizer("none")
HOW = Comparing("none", shipped())
WORDS = st.lists(st.sampled_from(["a", "b", "c", "old", "lamp"]), max_size=8).map(" ".join)


def uttered(text: str, hypothesis: str, prompt: str = "the old lamp"):
    return replace(row(0, "t", "v", "p", text), hypothesis=hypothesis, prompt=PromptRecord(1.0, prompt, "user", "", []))


@pytest.mark.parametrize(
    ("text", "heard", "wanted"),
    [
        ("one two three", "one two three", [("equal", "one two three", "one two three")]),
        ("one two three", "one three", [("equal", "one", "one"), ("missing", "two", ""), ("equal", "three", "three")]),
        ("one two", "one so two", [("equal", "one", "one"), ("added", "", "so"), ("equal", "two", "two")]),
        ("one two", "one too", [("equal", "one", "one"), ("replaced", "two", "too")]),
        ("one two", "one two lamp", [("equal", "one two", "one two"), ("bled", "", "lamp")]),
        ("one two", "one lamp", [("equal", "one", "one"), ("bled", "two", "lamp")]),
        ("a b", "a b b", [("equal", "a b", "a b"), ("added", "", "b")]),
        ("old", "old old", [("equal", "old", "old"), ("added", "", "old")]),  # of the prompt, and of the text too
        ("one", "", [("missing", "one", "")]),
        ("", "", []),
    ],
)
def test_words_are_told_one_by_one(text, heard, wanted):
    assert difference(uttered(text, heard), HOW) == wanted


def test_signs_are_told_one_by_one_where_no_spaces_part_words():
    one = replace(uttered("我用 Python", "我要 Python"), language="zh")
    how = Comparing("whisper", shipped().over({"zh": {"script": None}}))
    assert difference(one, how) == [("equal", "我", "我"), ("replaced", "用", "要"), ("equal", "python", "python")]


def counts(found) -> tuple[int, int, int, int]:
    """Returns hits, substitutions, deletions and insertions as a reader of the difference counts them."""
    hits = sum(len(said.split()) for kind, said, _ in found if kind == "equal")
    others = Counter((bool(said), bool(heard)) for kind, said, heard in found if kind != "equal")
    return hits, others[True, True], others[True, False], others[False, True]


@given(WORDS, WORDS)
def test_a_difference_has_just_the_edits_that_wer_counts(text, heard):
    edits = align_words(PLAIN(text), PLAIN(heard))
    assert counts(difference(uttered(text, heard), HOW)) == (
        edits.hits, edits.substitutions, edits.deletions, edits.insertions
    )  # fmt: skip


def test_rows_say_the_same_edits():
    run = made(72)
    how = comparing(run.report)
    for one in run.rows:
        if one.edits is not None:
            told = one.edits
            wanted = (told.hits, told.substitutions, told.deletions, told.insertions)
            assert counts(difference(one, how)) == wanted


@pytest.mark.parametrize(
    "config", [{}, {"judge": None}, {"judge": {"normalizer": "theirs"}}, {"judge": {"normalizer": 3}}]
)
def test_a_report_that_names_no_normaliser_has_no_differences(config):
    report = replace(made(1).report, config=config)
    assert comparing(report) is None


@pytest.mark.parametrize("languages", [{"zh": 3}, {"zh": {"speed": 3}}, {"zh": {"script": "runes"}}])
def test_a_report_with_strange_languages_has_no_differences(languages):
    report = replace(made(1).report, config={"judge": {"normalizer": "whisper"}, "languages": languages})
    assert comparing(report) is None


@pytest.mark.skipif(find_spec("zhconv") is not None, reason="zhconv is here")
def test_a_page_of_a_run_in_chinese_is_made_without_zhconv_too():
    report = made(1).report
    judges = {**report.provenance.judges, "languages": {"zh": {}}}
    report = replace(report, provenance=replace(report.provenance, judges=judges))
    report = replace(report, config={"judge": {"normalizer": "whisper"}})
    assert comparing(report) is None
    own = {"judge": {"normalizer": "whisper"}, "languages": {"zh": {"script": None}}}
    assert comparing(replace(report, config=own)) is not None


def test_what_decides_comes_first_and_nothing_is_worst_that_is_as_good_as_can_be():
    run = made(72)
    found = worst(run.report, run.rows)
    whys = list(dict.fromkeys(one.why for one in found))
    assert whys[:4] == ["failed", "sim", "wer", "bleed"]
    assert whys[-1] == "rtf"
    assert "audio_seconds" not in whys
    assert all(run.rows[one.row].scores["wer"] > 0 for one in found if one.why == "wer")
    sims = [run.rows[one.row].scores["sim"] for one in found if one.why == "sim"]
    assert sims == sorted(row.scores["sim"] for row in run.rows if "sim" in row.scores)[:5]


def test_a_sound_that_several_trials_made_is_shown_once():
    run = made(24)
    rows = [replace(one, audio=run.rows[0].audio) for one in run.rows]
    assert [one.why for one in worst(run.report, rows)].count("sim") == 1


def test_what_a_row_shows_stands_once():
    run = made(72)
    entries = shown(worst(run.report, run.rows), run.rows, comparing(run.report), {})
    first = {}
    for at, entry in enumerate(entries):
        assert ("diff" in entry) == (entry["row"] not in first)
        first.setdefault(entry["row"], at)
