"""A store's directory is counted without reading it."""

import pytest

from evalkit.store.base import Shelf
from evalkit.store.contents import Contents, contents
from evalkit.store.directory import PARTS, Directory

SHELF = Shelf("thing", ".bin")


def test_artefacts_leftovers_and_what_was_set_aside_are_counted_apart(tmp_path):
    store = Directory(tmp_path)
    store.write(SHELF, [("ab1", b"1234"), ("cd2", b"123456"), ("cd3", b"")])
    assert contents(tmp_path) == Contents(artefacts=3, bytes=10, parts=0, damaged=0)
    store.set_aside(SHELF, ["ab1"])
    (tmp_path / PARTS / ".half.part").write_bytes(b"12")
    (tmp_path / "transcript.log").write_text("no artefact")
    assert contents(tmp_path) == Contents(artefacts=2, bytes=6, parts=1, damaged=1)


def test_an_empty_folder_holds_nothing(tmp_path):
    assert contents(tmp_path) == Contents(0, 0, 0, 0)
    with pytest.raises(FileNotFoundError):
        contents(tmp_path / "none")
