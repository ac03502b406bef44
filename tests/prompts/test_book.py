"""The book of a voice: nothing that was written is lost, and nothing is written outside its folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.errors import DataError, StorageError
from evalkit.prompts.book import Book, Entry
from evalkit.voices import Clip, Voice

pytestmark = pytest.mark.hostile

WRITER = """
import sys
from pathlib import Path
from evalkit.prompts.book import Book, Entry
from evalkit.voices import Clip, Voice
folder, number = Path(sys.argv[1]), int(sys.argv[2])
book = Book(folder, Voice("ann", "en", "", (Clip(folder / "voices/ann/a.wav", None, "prompt"),)))
print("ready", flush=True)
sys.stdin.read()
for clip in range(3):
    book.write(f"clip{number}.{clip}.wav", "user", Entry(f"words {clip} of {number}", "user", "0" * 64))
"""


def book_of(folder: Path) -> Book:
    return Book(folder, Voice("ann", "en", "", (Clip(folder / "voices/ann/a.wav", None, "prompt"),)))


def entry(text: str) -> Entry:
    return Entry(text, "user", "0" * 64)


def test_f14_eight_writers_at_once_lose_nothing(tmp_path):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for number in range(8)
    ]
    for writer in writers:
        assert writer.stdout.readline() == b"ready\n"
    for writer in writers:  # all at once
        writer.stdin.close()
    assert [writer.wait() for writer in writers] == [0] * 8
    for writer in writers:
        writer.stdout.close()
    kept = json.loads(book_of(tmp_path).path.read_text())
    assert sorted(kept) == sorted(f"clip{number}.{clip}.wav" for number in range(8) for clip in range(3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b'{"a.wav": {"user": "caf\xe9"}}', r"is not UTF-8 text \(line 1, byte 0xe9\)", id="f25-no-utf8"),
        pytest.param(b"{", "is no book of transcripts: .*mend or delete it", id="f25-no-json"),
        pytest.param(b"[" * 100_000, "is no book of transcripts", id="f25-deep"),
        pytest.param(b'{"a.wav": {"user": "words"}}', "is no book of transcripts", id="f25-another-shape"),
    ],
)
def test_a_book_that_is_none_is_named(tmp_path, content, message):
    book = book_of(tmp_path)
    book.path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        book.find("a.wav", "user")
    with pytest.raises(DataError, match=message):
        book.write("a.wav", "user", entry("words"))
    assert book.path.read_bytes() == content  # what somebody wrote is not thrown away


def test_f22_a_book_that_is_a_link_is_replaced_and_its_target_left_alone(tmp_path):
    book = book_of(tmp_path)
    (tmp_path / "elsewhere.json").write_text("{}")
    book.path.symlink_to("elsewhere.json")
    book.write("a.wav", "user", entry("words"))
    assert (tmp_path / "elsewhere.json").read_text() == "{}"
    assert book.find("a.wav", "user").text == "words"


def test_f22_a_lock_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / ".lock").symlink_to(tmp_path / "made.txt")
    with pytest.raises(StorageError):
        book_of(tmp_path).write("a.wav", "user", entry("words"))
    assert not (tmp_path / "made.txt").exists()


@pytest.mark.parametrize("name", ["../../../X", "/tmp/X", "a/b", "..", "a\0b", "\x1b[2J"])
def test_f19_no_voice_has_a_name_that_leaves_the_folder(name):
    with pytest.raises(DataError, match="the voice name"):
        Voice(name, "en", "", ())
