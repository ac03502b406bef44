"""Text files that others left: whatever lies under that name, reading it ends."""

import os

import pytest

from evalkit.errors import DataError
from evalkit.textfile import read_text

pytestmark = pytest.mark.hostile


def pipe(path):
    os.mkfifo(path)


def linked(to):
    return lambda path: path.symlink_to(to)


WRONG = {
    "f23-pipe": (pipe, "is no file that can be read as words, but a folder, a pipe"),
    "f23-link-to-a-device": (linked("/dev/zero"), "a pipe, a device"),
    "f23-dangling": (linked("nowhere"), "no words at .*No such file"),
    "f23-loop": (linked("a.txt"), "no words at .*symbolic links"),
    "f25-folder": (lambda path: path.mkdir(), "no words at|is no file"),
    "f25-latin-1": (
        lambda path: path.write_bytes(b"one\ncaf\xe9"),
        r"not UTF-8 text \(line 2, byte 0xe9\); save it as",
    ),
    "f25-utf16": (lambda path: path.write_text("one", encoding="utf-16"), "is not UTF-8 text"),
    "f25-too-large": (lambda path: path.write_bytes(b"x" * 1001), "too large for words"),
}


@pytest.mark.parametrize("case", WRONG)
def test_refuses(tmp_path, case):
    make, message = WRONG[case]
    make(tmp_path / "a.txt")
    with pytest.raises(DataError, match=message):
        read_text(tmp_path / "a.txt", "words", most=1000)


def test_reads_what_is_text(tmp_path):
    (tmp_path / "a.txt").write_text("\ufeffcafé\r\n" + "x" * 990, encoding="utf-8")
    (tmp_path / "b.txt").symlink_to("a.txt")
    assert read_text(tmp_path / "b.txt", most=1001).startswith("café\r\nxx")
