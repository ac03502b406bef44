"""The table of languages, how texts in them are parted, and what their normalisers keep."""

import re
import unicodedata
from importlib.util import find_spec

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from evalkit.errors import PackageError
from evalkit.languages import Entry, shipped
from evalkit.prompts.consensus import consensus
from evalkit.resources import resource
from evalkit.text import NORMALIZERS, Comparing, basic, meant_by, normalizer
from evalkit.words import BothSides, Word, error_rate, words_before, words_in_time

TABLE = shipped().over({"zh": {"script": None}, "yue": {"script": None}})  # needs no further package
needs_zhconv = pytest.mark.skipif(find_spec("zhconv") is None, reason="needs the package zhconv")
EVERY = st.sampled_from(sorted({*TABLE.entries, "sv"})).map(TABLE.__getitem__)
SIGNS = "aZé ’'-,.「」。！天气東あガー๑ดีวั่ນກ한글אבשָׁمَ٣１❤\ufe0f\U0001f469\u200d\u200f\u202e\u0301\t"
SCRIPTS = st.text(st.sampled_from(SIGNS), max_size=40)
TEXTS = st.one_of(SCRIPTS, st.text(max_size=40))


def test_english_is_what_it_was_before_there_was_a_table():
    entry = shipped()["en"].entry
    assert (entry.characters_per_second, entry.read, entry.possible, entry.two_words) == (
        13.0,
        (1.0, 5.5),
        (0.3, 8.0),
        2,
    )
    assert (len(entry.phrases), entry.wrong_words[0], entry.wrong_words[-1]) == (4, "window", "orange")
    assert len(entry.wrong_words) == 19


@pytest.mark.parametrize("code", sorted(shipped().entries))
def test_an_entry_can_be_used(code):
    entry = TABLE[code].entry
    assert entry.name
    for least, most in (entry.read, entry.possible):
        assert 0 < least < most
    assert entry.possible[0] < entry.read[0] < entry.read[1] < entry.possible[1]
    assert entry.spaces or entry.two_words > 2
    assert all(TABLE[code].words(basic(TABLE[code])(text)) for text in (*entry.phrases, *entry.wrong_words))
    assert len(set(entry.wrong_words)) == len(entry.wrong_words) != 1
    assert all(code in TABLE[other].entry.kin for other in entry.kin)


def test_a_language_that_is_not_there_has_the_values_of_any():
    assert shipped()["sv"].entry == Entry()
    assert shipped().unknown(["en", "sv", "de", "sv"]) == ["sv"]


def test_a_users_values_are_laid_over_field_by_field():
    mine = shipped().over({"sv": {"phrases": ["Hej."]}, "de": {"characters_per_second": 15}})
    assert mine["sv"].entry.phrases == ("Hej.",)
    assert (mine["de"].entry.characters_per_second, mine["de"].entry.name) == (15, "German")
    assert (mine.unknown(["sv"]), shipped().unknown(["sv"])) == ([], ["sv"])
    with pytest.raises(ValidationError):
        shipped().over({"sv": {"speed": 3}})


def test_what_scores_depend_on_leaves_shipped_english_out():
    assert shipped().identity(["en"]) == {}
    assert set(shipped().over({"sv": {}}).identity(["en", "de", "sv"])) == {"de", "sv"}
    assert shipped().over({"en": {"read": [1, 5]}}).identity(["en"])["en"]["read"] == [1.0, 5.0]
    assert "phrases" not in shipped().identity(["de"])["de"]


@pytest.mark.parametrize(
    ("code", "text", "words"),
    [
        ("en", "a b  c", ["a", "b", "c"]),
        ("ko", "안녕 세상", ["안녕", "세상"]),
        ("zh", "我用 python 写 don't", ["我", "用", "python", "写", "don't"]),
        ("zh", "45元", ["45", "元"]),
        ("ja", "コーヒー3杯", ["コ", "ー", "ヒ", "ー", "3", "杯"]),
        ("th", "วันนี้ดี", ["วั", "น", "นี้", "ดี"]),
        ("zh", "", []),
        ("zh", " ", []),
    ],
)
def test_what_is_counted_as_words(code, text, words):
    assert TABLE[code].words(text) == words


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("门没有关。", ["门", "没", "有", "关。"]),
        ("他说：「我用 Python。」好吗？", ["他", "说：", "「我", "用 ", "Python。」", "好", "吗？"]),
        ("「」", ["「」"]),
        ("", []),
        ("……好", ["……好"]),
    ],
)
def test_a_text_is_parted_as_it_is_written(text, pieces):
    assert TABLE["zh"].parted(text) == pieces
    assert TABLE["zh"].joined(pieces) == text


@given(EVERY, TEXTS)
def test_pieces_are_the_text_again(language, text):
    assert language.joined(language.parted(text)) == " ".join(text.split())


@given(EVERY, TEXTS)
def test_pieces_have_a_word_each_unless_there_is_none(language, text):
    pieces = language.parted(text)
    assert all(piece.strip() for piece in pieces)
    if not language.entry.spaces and len(pieces) > 1:
        assert all(regex.search(r"[\p{L}\p{N}]", piece) for piece in pieces)


@given(EVERY, TEXTS)
def test_a_normal_text_has_no_punctuation_no_format_and_no_stray_marks(language, text):
    if language.code == "en":
        return
    said = basic(language)(text)
    kinds = {unicodedata.category(sign) for sign in said}
    assert not {kind for kind in kinds if kind[0] in "PS" or kind == "Cf"}
    assert said == " ".join(said.split())
    assert not re.search(r"(^| )[\ufe0f\u20e3]", said)


@pytest.mark.parametrize("code", ["ar", "he", "fa", "th", "zh", "de"])
@given(text=TEXTS)
def test_signs_without_sound_change_nothing(code, text):
    normalise = basic(TABLE[code])
    assert normalise("\u200f" + "\u200b".join(text)) == normalise(text)


@given(EVERY, TEXTS, TEXTS)
def test_an_error_rate_of_a_text_with_itself_is_nothing(language, text, other):
    normalise = basic(language)
    assert error_rate(text, text, normalise, language.parted) in (0.0, None)
    assert (error_rate(text, other, normalise, language.parted) or 0.0) >= 0.0


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("th", "วันนี้ดี!", "วันนี้ดี"),  # Whisper's own takes vowels and tones for symbols
        ("ja", "ｶﾞｷﾞ グ。", "ガギ グ"),  # half width, voiced marks apart
        ("ja", "か\u3099", "が"),
        ("zh", "１２个，Ｔ恤！", "12个 t恤"),
        ("hi", "नमस्ते दुनिया।", "नमस्ते दुनिया"),
        ("ar", "مَرْحَبًا ٣", "مرحبا 3"),
        ("he", "\u200fשָׁלוֹם", "שלום"),
        ("de", "Ｔür — Straße, naïve 1️⃣ ❤️", "tür straße naïve 1"),
        ("fr", "l’été", "l été"),
        ("ko", "한\u200b글, 세상", "한글 세상"),
    ],
)
def test_the_basic_normaliser_spoils_no_language(code, text, expected):
    assert basic(TABLE[code])(text) == expected
    assert normalizer("whisper", TABLE[code])(text) == expected


def test_whispers_own_basic_normaliser_is_left_as_it_is():
    assert normalizer("whisper_basic", TABLE["th"])("วันนี้ดี") == "ว นน ด"  # what its paper does, for protocols
    assert basic(TABLE["en"])("Naïve, isn't it?") == normalizer("whisper_basic")("Naïve, isn't it?")


@given(TEXTS)
def test_whisper_in_english_is_whisper_english(text):
    assert normalizer("whisper", TABLE["en"])(text) == normalizer("whisper_english")(text)


def test_what_a_normaliser_means_is_told_by_its_name():
    assert [meant_by("whisper", TABLE[code]) for code in ("en", "de")] == ["whisper_english", "whisper_basic"]
    assert all(meant_by(name, TABLE["de"]) == name for name in NORMALIZERS if name != "whisper")


@needs_zhconv
@pytest.mark.parametrize("name", ["whisper", "seed_tts"])
def test_traditional_signs_are_the_simplified_ones(name):
    normalise = normalizer(name, shipped()["zh"])
    assert normalise("門沒有關。") == normalise("门没有关。") == "门没有关"


@pytest.mark.skipif(find_spec("zhconv") is not None, reason="zhconv is here")
def test_without_zhconv_chinese_is_refused_by_name():
    with pytest.raises(PackageError, match=r"language zh.* pip install zhconv.*\+languages\.zh\.script=null"):
        shipped().require(["en", "zh"])
    with pytest.raises(PackageError, match="language zh"):
        basic(shipped()["zh"])
    TABLE.require(["en", "zh", "ja"])


def heard(*groups):
    """Each group takes a second: the n-th from n to n + 1."""
    return [Word(text, float(at), at + 1.0) for at, text in enumerate(groups)]


def test_signs_that_were_heard_together_share_their_time():
    zh = TABLE["zh"]
    placed = words_in_time("今天，天气好。", heard("今天", "天气", "好"), basic(zh), zh.parted)
    assert [(word.text, word.start, word.end) for word in placed] == [
        ("今", 0.0, 0.5), ("天，", 0.5, 1.0), ("天", 1.0, 1.5), ("气", 1.5, 2.0), ("好。", 2.0, 3.0)
    ]  # fmt: skip


def test_a_cut_between_signs_is_found_by_what_is_heard_on_both_sides():
    zh = TABLE["zh"]
    sides = BothSides("今天天", "气很好")
    assert words_before("今天天气很好。", sides, 3, basic(zh), zh.parted) == 3
    assert words_before("今天天气很好。", BothSides("今天天", "很好"), 3, basic(zh), zh.parted) is None


def test_error_rates_of_signs_by_hand():
    zh = TABLE["zh"]
    assert error_rate("今天天气很好", "今天 天气 不好", basic(zh), zh.parted) == 1 / 6
    assert error_rate("今天天气很好", "今天天", basic(zh), zh.parted, whole=False) == 0.0


def test_the_page_names_the_languages_of_the_table():
    page = resource("docs/languages.md").read_text()
    cells = [[cell.strip() for cell in line.split("|")[1:4]] for line in page.splitlines() if line.startswith("| ")]
    codes = {one: (spaces, words) for first, spaces, words in cells for one in first.split(", ")}
    named = {code: told for code, told in codes.items() if re.fullmatch("[a-z]{2,3}", code)}
    assert set(named) == set(shipped().entries)
    for code, (spaces, words) in named.items():
        entry = shipped()[code].entry
        assert (spaces == "yes") == entry.spaces
        assert (words == "yes") == bool(entry.phrases) == bool(entry.wrong_words)
    fields = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert fields == [field for field in Entry.__dataclass_fields__ if field != "name"]


def test_passes_agree_whatever_spaces_they_invent():
    heard = ["今天天气很好。", "今天 天气 很好", "今天天气不好。"]
    assert consensus(heard, TABLE["zh"]).majority == "2/3"
    assert consensus(heard).majority == "1/3"


@pytest.mark.parametrize(
    ("name", "codes", "told"),
    [
        ("whisper", ["en"], {"normalizer": "whisper_english"}),
        ("whisper_english", ["en"], {"normalizer": "whisper_english"}),
        ("seed_tts", ["en"], {"normalizer": "seed_tts"}),
        ("whisper", [], {"normalizer": "whisper"}),
    ],
)
def test_how_texts_are_compared_is_told_in_english_as_ever(name, codes, told):
    assert Comparing(name, shipped()).identity(codes) == told


def test_how_texts_are_compared_names_what_is_not_english():
    told = Comparing("whisper", TABLE).identity(["en", "de"])
    assert (told["normalizer"], set(told["languages"])) == ("whisper", {"de"})
    assert told["languages"]["de"]["normalizer"] == "whisper_basic"
