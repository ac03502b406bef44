import subprocess
import sys

import pytest

from evalkit.errors import StorageError
from evalkit.store.atomic import lock, part_of, sweep, write_atomically
from evalkit.store.base import Held, Shelf
from evalkit.store.directory import Directory

NOTES = Shelf("note", ".txt")


def test_what_is_written_is_there_and_nothing_else(tmp_path):
    store = Directory(tmp_path)
    assert store.missing(NOTES, ["ab1", "ab2", "cd1"]) == {"ab1", "ab2", "cd1"}
    store.write(NOTES, [("ab1", b"one"), ("cd1", b"")])
    assert store.missing(NOTES, ["ab1", "ab2", "cd1"]) == {"ab2"}
    assert dict(store.read(NOTES, ["ab1", "ab2", "cd1"])) == {"ab1": b"one", "cd1": b""}
    assert list(store.listing(NOTES)) == [Held("note", "ab1", 3), Held("note", "cd1", 0)]


def test_writing_again_replaces(tmp_path):
    store = Directory(tmp_path)
    store.write(NOTES, [("ab1", b"one")])
    store.write(NOTES, [("ab1", b"two")])
    assert dict(store.read(NOTES, ["ab1"])) == {"ab1": b"two"}


def test_what_cannot_be_read_is_no_bytes(tmp_path):
    store = Directory(tmp_path)
    (tmp_path / "note/ab/ab1.txt").mkdir(parents=True)
    assert dict(store.read(NOTES, ["ab1"])) == {"ab1": b""}


def test_what_is_set_aside_or_removed_is_missing(tmp_path):
    store = Directory(tmp_path)
    store.write(NOTES, [("ab1", b"one"), ("ab2", b"two")])
    store.set_aside(NOTES, ["ab1", "ab3"])
    store.remove(NOTES, ["ab2", "ab3"])
    assert store.missing(NOTES, ["ab1", "ab2"]) == {"ab1", "ab2"}
    assert [path.read_bytes() for path in (tmp_path / ".damaged/note").iterdir()] == [b"one"]


def test_leftovers_of_killed_processes_are_swept_when_nobody_holds_them(tmp_path):
    parts = tmp_path / ".parts"
    parts.mkdir()
    (parts / ".dead.part").write_bytes(b"half")
    (parts / ".alive.part").write_bytes(b"half")
    held = lock(parts / ".alive.part")
    Directory(tmp_path).write(NOTES, [("ab1", b"one")])
    assert [path.name for path in parts.iterdir()] == [".alive.part"]
    assert held is not None
    assert sweep(tmp_path / "nowhere") == 0


def test_a_failed_write_leaves_nothing(tmp_path):
    def fail(part):
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match=r"No space left.*store=DIR"):
        write_atomically(tmp_path / "deep" / "a.json", fail)
    assert list((tmp_path / "deep").iterdir()) == []


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(ZeroDivisionError), part_of(path) as part:  # noqa: PT012  it is about leaving the block
        part.write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with part_of(path) as part:
        part.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from evalkit.errors import StorageError
from evalkit.store.base import Shelf
from evalkit.store.directory import Directory
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
store, notes = Directory(Path(sys.argv[1])), Shelf("note", ".txt")
store.write(notes, [("ab1", b"x" * 1000)])
try:
    store.write(notes, [("ab2", b"x" * 1001)])
except StorageError as error:
    print("refused")
print(store.missing(notes, ["ab1", "ab2"]), [p.name for p in Path(sys.argv[1]).rglob("*.*") if p.is_file()])
"""


def test_a_disk_that_really_refuses(tmp_path):
    """The kernel refuses files over 1,000 bytes, as a full disk refuses any."""
    done = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n{'ab2'} ['ab1.txt']\n"
