"""What stands in lists, tables and transcripts, on lines of the corpora and on any text: advice, never a traceback."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from evalkit.corpora import libri, seed_tts, table, vctk
from evalkit.corpora.base import Source
from evalkit.corpora.naming import clip_stem, language_code, voice_name
from evalkit.errors import DataError
from evalkit.names import name_fault

texts = some.text(some.characters(codec="utf-8"), max_size=300)
lines = some.lists(some.text(some.sampled_from(list("ab |,;\"'{}[]:\t\r\n\\0#-…é")), max_size=40), max_size=8)
lined = texts | lines.map("\n".join)


def test_transcripts_of_a_chapter(tmp_path):
    text = "84-121123-0000 GO DO YOU HEAR\n84-121123-0001 BUT IN LESS THAN FIVE MINUTES I SAW\n"
    assert libri.transcripts(text, tmp_path) == {
        "84-121123-0000": "GO DO YOU HEAR",
        "84-121123-0001": "BUT IN LESS THAN FIVE MINUTES I SAW",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [("84-1-0\n", "line 1: no words after '84-1-0'"), ("a b\na c\n", "line 2: the words of 'a' stand there twice")],
)
def test_transcripts_that_are_none(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        libri.transcripts(text, tmp_path)


@pytest.mark.parametrize(
    ("said", "small"),
    [
        ("GO DO YOU HEAR", "Go do you hear"),
        ("WHAT I SAW I KEPT", "What I saw I kept"),
        ("Already As It Is", "Already As It Is"),
        ("", ""),
    ],
)
def test_capitals_become_small(said, small):
    assert libri.small(said) == small


def test_a_list_of_readers():
    text = ";ID  |SEX| SUBSET           |MINUTES| NAME\n14   | F | train-clean-360  | 25.03 | Kristin LeMoine\nx | y\n"
    assert libri.readers(text) == {"14": "female, Kristin LeMoine"}


def test_a_list_of_vctk_speakers():
    text = "ID  AGE  GENDER  ACCENTS  REGION COMMENTS \np225  23  F    English    Southern  England\ns5\n"
    assert vctk.speakers(text) == {"p225": "female, English"}


def test_a_line_of_seed_tts_eval(tmp_path):
    text = (
        "common_voice_en_10119832-common_voice_en_10119840|We asked over twenty different people, and they all said it "
        "was his.|prompt-wavs/common_voice_en_10119832.wav|Get the trust fund to the bank early.\n"
    )
    (line,) = seed_tts.lines(text, tmp_path)
    assert (line.number, line.prompt, line.text, line.recording) == (
        1,
        "prompt-wavs/common_voice_en_10119832.wav",
        "Get the trust fund to the bank early.",
        None,
    )


@pytest.mark.parametrize("line", ["a|b|c", "a|b|c|d|e|f", "a|b||d", "a|b|c|", "no bars"])
def test_lines_of_seed_tts_eval_that_are_none(tmp_path, line):
    with pytest.raises(DataError, match=r"line 2: .* is not: ID\|WORDS OF THE PROMPT"):
        seed_tts.lines(f"a|b|c|d\n{line}\n", tmp_path)


@pytest.mark.hostile
@given(lined)
def test_any_transcripts(text):
    with contextlib.suppress(DataError):
        assert all(libri.transcripts(text, "p").values())


@pytest.mark.hostile
@given(lined)
def test_any_lists(text):
    libri.readers(text)
    vctk.speakers(text)
    with contextlib.suppress(DataError):
        assert all(line.prompt and line.text for line in seed_tts.lines(text, "p"))


@pytest.mark.hostile
@given(text=lined, suffix=some.sampled_from(["csv", "tsv", "jsonl"]))
def test_any_table(text, suffix, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
    path.write_bytes(text.encode(errors="surrogatepass"))
    with contextlib.suppress(DataError):
        for speaker in table.KIND.speakers(Source(path, path.parent)):
            assert speaker.takes()


rows = some.dictionaries(
    some.sampled_from(["audio", "speaker", "text", "use", "language", "session", "x"]),
    some.none() | some.booleans() | some.integers() | some.floats() | texts | some.lists(some.none(), max_size=2),
)


@pytest.mark.hostile
@given(told=some.lists(rows, min_size=1, max_size=4))
def test_any_rows(told, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, told)))
    with contextlib.suppress(DataError):
        for speaker in table.KIND.speakers(Source(path, path.parent)):
            assert speaker.id.strip()


@pytest.mark.hostile
@given(some.text(max_size=400))
def test_any_speaker_and_file_gets_a_name(name):
    for made in (voice_name(name), clip_stem(name)):
        assert name_fault(made) is None
        assert not made.startswith(".")
        assert made.encode()
    assert voice_name(voice_name(name)) == voice_name(name)


@given(some.sets(some.text(max_size=60), min_size=2, max_size=6))
def test_names_stay_different(names):
    assert len({voice_name(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("told", "code"), [("en", "en"), ("en_US", "en"), ("zh-CN", "zh"), (" DE ", "de"), ("yue", "yue")]
)
def test_language_codes(told, code):
    assert language_code(told, "here") == code


@pytest.mark.parametrize("told", ["english", "e", "", "12", "en us"])
def test_what_is_no_language_code(told):
    with pytest.raises(DataError, match=r"here: the language .* is no code"):
        language_code(told, "here")
