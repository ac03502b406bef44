"""Flags in languages whose words have no spaces, by numbers that can be checked by hand."""

import pytest

from evalkit.languages import shipped
from tests.metrics.samples import evidence, flags_of, measured, prompts

TEXT = "门没有关请在这里等明天会下雨"  # 14 signs: 3.1 s at 4.5 a second


def flagged(hypothesis, code="zh", **changes):
    return flags_of(evidence(TEXT, hypothesis, language=shipped()[code], **changes))


@pytest.mark.parametrize(("missing", "found"), [(0, []), (3, []), (4, ["truncated"])])
def test_a_tail_of_four_signs_is_as_much_as_two_words(missing, found):
    assert flagged(TEXT[: len(TEXT) - missing]) == found


@pytest.mark.parametrize(("seconds", "found"), [(9.7, []), (9.9, ["runaway"])])  # 2.5 * 14 / 4.5 + 2 = 9.78
def test_what_is_too_long_goes_by_the_languages_own_rate(seconds, found):
    assert flagged(TEXT, audio_seconds=seconds) == found


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("下雨", []),  # one word again
        ("会下雨", []),  # three signs in a row are no phrase of three words
        (TEXT[-6:], ["runaway"]),  # six are
        ("下雨下雨下雨", ["runaway"]),
    ],
)
def test_what_comes_again_is_counted_in_words_of_two_signs(more, found):
    assert flagged(TEXT + more) == found


@pytest.mark.parametrize(("bled", "found"), [(3, []), (4, ["bleed"])])
def test_bleed_takes_four_signs(bled, found):
    words = prompts("山 水 火 木 金 土")
    assert flagged(TEXT + "山水火木"[:bled], prompt_words=words[0], other_prompts=prompts("大 小")) == found


@pytest.mark.parametrize(
    ("code", "heard", "found"), [("zh", "yue", []), ("yue", "zh", []), ("zh", "ja", ["wrong_language"])]
)
def test_kindred_codes_are_no_other_language(code, heard, found):
    assert flagged(TEXT, code, heard_language=(heard, 0.9)) == found


def test_what_was_meant_is_counted_in_signs_too():
    found = measured("今天很好", "今天不好", language=shipped()["zh"], intended="今天不好").values
    assert (found["intended_wer"], found["spoken_wer"]) == (1 / 4, 0.0)
