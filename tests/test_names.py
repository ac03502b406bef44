"""What names and texts from outside may have, and what of them reaches a terminal."""

import pytest

from evalkit.names import has_words, name_fault, path_fault, shortened, text_fault, visible, without_credentials

pytestmark = pytest.mark.hostile


def case(number: str, *values: object) -> object:
    return pytest.param(*values, id=number)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        case("f20-plain", "José said: 你好, שלום\n\tyes", "José said: 你好, שלום\n\tyes"),
        case("f20-colour", "\x1b[31mred", "\\x1b[31mred"),
        case("f20-c1", "\x9b2Jgone", "\\x9b2Jgone"),
        case("f20-title", "\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        case("f20-overwrites-the-line", "failed\rpassed", "failed\\rpassed"),
        case("f20-backspace", "ab\x08c", "ab\\x08c"),
        case("f20-turns-direction", "abc\u202egnp.exe", "abc\\u202egnp.exe"),
        case("f20-half-a-pair", "\udcff", "\\udcff"),
        case("f20-line-separator", "a\u2028b", "a\\u2028b"),
    ],
)
def test_what_a_terminal_shows(text, shown):
    assert visible(text) == shown
    shown.encode()


@pytest.mark.parametrize("name", ["ann", "1234", "null", "1e3", "Ann O'Neil", "José", "声", "a.b", "-x", "a" * 100])
def test_names(name):
    assert name_fault(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        case("f19-leaves", "../../../X", "'/'"),
        case("f19-absolute", "/etc/x", "'/'"),
        case("f19-backslash", "..\\x", "paths have"),
        case("f19-dots", "..", "is no name"),
        case("f20-escape", "\x1b[31mx", "control character U+001B (at character 1)"),
        case("f20-new-line", "ann\nben", "U+000A"),
        case("f20-direction", "ann\u202e", "U+202E"),
        case("f30-nul", "a\0b", "U+0000 (at character 2)"),
        case("f30-no-utf8", "ann\udcff", "is no UTF-8 (at character 4)"),
        case("f30-long", "a" * 101, "is too long: 101 characters in 101 bytes, 100 in 200 are allowed"),
        case("f30-long-in-bytes", "声" * 67, "67 characters in 201 bytes"),
        case("f34-empty", "", "is no name"),
        case("f34-blank", "  ", "is no name"),
        case("f34-ends-with-blank", "ann ", "ends with white space"),
    ],
)
def test_what_is_no_name(name, fault):
    assert fault in name_fault(name)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        case("f30-fits", "a" * 255 + "/" + "b" * 255, None),
        case("f30-long-part", "x/" + "a" * 300, "300 bytes"),
        case("f30-nul", "a\0b", "U+0000"),
        case("f30-no-utf8", "a\udcff", "no UTF-8"),
    ],
)
def test_paths(path, fault):
    found = path_fault(path)
    assert found is None if fault is None else fault in found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        case("f20-prose", "Two lines,\nand a tab\t: “fine”. שלום\u200f!", None),
        case("f20-escape", "be \x1b[2Jgone", "U+001B (at character 4)"),
        case("f25-no-utf8", "caf\udce9", "is no UTF-8"),
        case("f25-endless", "word " * 50_000, "is too long: 250000 characters, 200000"),
    ],
)
def test_texts(text, fault):
    found = text_fault(text)
    assert found is None if fault is None else fault in found


@pytest.mark.parametrize(
    ("text", "has"),
    [
        case("f06-only-dots", "...", False),
        case("f06-dashes", " - — ?! ", False),
        case("f06-one-letter", "... I", True),
        case("f06-number", "42", True),
        case("f06-chinese", "你。", True),
    ],
)
def test_whether_there_is_anything_to_say(text, has):
    assert has_words(text) is has


def test_a_long_quotation_is_shortened():
    assert shortened("short") == "short"
    assert shortened("a" * 200 + "z") == "a" * 27 + " ... " + "a" * 26 + "z"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:secret@host:5000/x", "http://host:5000/x"),
        ("postgresql+psycopg2://me:p@ss@host/db", "postgresql+psycopg2://host/db"),
        ("tracker.mlflow.uri=https://token@host", "tracker.mlflow.uri=https://host"),
        ("https://host/x?api_key=secret&y=1", "https://host/x?api_key=...&y=1"),
        ("at 'http://me:secret@a/' and \"http://b/c@d\"", "at 'http://a/' and \"http://b/c@d\""),
        ("sqlite:////home/me@work/x.db", "sqlite:////home/me@work/x.db"),
        ("me@host.org said: 3 < 4", "me@host.org said: 3 < 4"),
    ],
)
def test_addresses_are_shown_without_credentials(text, shown):
    assert without_credentials(text) == shown
