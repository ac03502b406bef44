import errno
import fcntl
import os
import subprocess
import sys
import threading

import pytest

from evalkit.errors import InUseError, StorageError
from evalkit.store.atomic import lock, part_of, sweep, write_atomically, write_text
from evalkit.store.base import Held, Pile, Shelf, kept_in
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
    os.mkfifo(tmp_path / "note/ab/ab2.txt")  # nobody will ever write to it
    assert dict(store.read(NOTES, ["ab1", "ab2"])) == {"ab1": b"", "ab2": b""}


def test_a_link_to_nothing_is_nothing(tmp_path):
    store = Directory(tmp_path)
    (tmp_path / "note/ab").mkdir(parents=True)
    (tmp_path / "note/ab/ab1.txt").symlink_to(tmp_path / "gone")
    assert store.missing(NOTES, ["ab1"]) == {"ab1"}
    assert list(store.read(NOTES, ["ab1"])) == []
    store.write(NOTES, [("ab1", b"one")])
    assert dict(store.read(NOTES, ["ab1"])) == {"ab1": b"one"}
    assert not (tmp_path / "gone").exists()


def test_a_folder_in_an_artefacts_place_can_be_set_aside_and_removed(tmp_path):
    store = Directory(tmp_path)
    for key in ("ab1", "ab2"):
        (tmp_path / f"note/ab/{key}.txt/deep").mkdir(parents=True)
    store.set_aside(NOTES, ["ab1"])
    store.remove(NOTES, ["ab2"])
    assert list((tmp_path / "note/ab").iterdir()) == []


def test_only_artefacts_are_listed(tmp_path):
    store = Directory(tmp_path)
    store.write(NOTES, [("ab1", b"one")])
    (tmp_path / "note/ab/ab2.flac").write_bytes(b"another kind's")
    (tmp_path / "note/ab/cd1.txt").write_bytes(b"where it is never looked for")
    (tmp_path / "note/file").write_bytes(b"no folder")
    assert list(store.listing(NOTES)) == [Held("note", "ab1", 3)]
    assert list(store.listing(Shelf("other", ".txt"))) == []


def test_a_store_that_somebody_deletes_is_made_again(tmp_path):
    store = Directory(tmp_path / "store")
    store.write(NOTES, [("ab1", b"one")])
    (tmp_path / "store").rename(tmp_path / "gone")
    store.write(NOTES, [("ab1", b"one")])
    assert dict(store.read(NOTES, ["ab1"])) == {"ab1": b"one"}


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


BUSY = """
import sys, time
from pathlib import Path
from evalkit.store.atomic import held_part
name, descriptor = held_part(f"{sys.argv[1]}/")
Path(name).write_bytes(b"half")
print(name, flush=True)
time.sleep(600)
"""


def test_the_part_of_a_living_process_is_left_and_that_of_a_killed_one_swept(tmp_path):
    parts = tmp_path / ".parts"
    parts.mkdir()
    with subprocess.Popen([sys.executable, "-c", BUSY, parts], stdout=subprocess.PIPE, text=True) as process:
        begun = process.stdout.readline().strip()
        Directory(tmp_path).write(NOTES, [("ab1", b"one")])
        assert [str(path) for path in parts.iterdir()] == [begun]
        assert Directory(tmp_path).leftovers() == {"set aside": Pile(), "begun": Pile(1, 4)}
        Directory(tmp_path).clear()
        assert [str(path) for path in parts.iterdir()] == [begun]
        process.kill()
        process.wait()
    Directory(tmp_path).write(NOTES, [("ab1", b"one")])
    assert list(parts.iterdir()) == []


def test_a_part_is_safe_even_where_a_sweep_comes_between_its_making_and_its_lock(tmp_path):
    """Sweeps follow each other without a pause while 2,000 files are written."""
    store, done = Directory(tmp_path), threading.Event()
    store.write(NOTES, [("ab0", b"")])

    def keep_sweeping():
        while not done.is_set():
            sweep(tmp_path / ".parts")

    sweeper = threading.Thread(target=keep_sweeping)
    sweeper.start()
    try:
        store.write(NOTES, ((f"ab{number}", b"%d" % number) for number in range(2000)))
    finally:
        done.set()
        sweeper.join()
    assert dict(store.read(NOTES, ["ab0", "ab1999"])) == {"ab0": b"0", "ab1999": b"1999"}
    assert len(list(store.listing(NOTES))) == 2000


def test_whoever_writes_a_file_sweeps_what_killed_writers_left_of_it(tmp_path):
    (tmp_path / ".a.json.0123.part").write_text("half")
    (tmp_path / ".b.json.0123.part").write_text("half")
    write_text(tmp_path / "a.json", "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".b.json.0123.part", "a.json"]


def test_a_lock_is_of_one_at_a_time_and_of_a_file_that_is_there(tmp_path):
    path = tmp_path / ".lock"
    first = lock(path)
    assert first is not None
    assert lock(path) is None
    path.unlink()
    os.close(first)
    second = lock(path)
    assert second is not None
    assert lock(path) is None
    os.close(second)


def test_the_lock_of_a_file_that_its_last_holder_removed_in_between_is_no_lock(tmp_path, monkeypatch):
    path, flock = tmp_path / ".lock", fcntl.flock

    def come_between(descriptor, operation):
        path.unlink(missing_ok=True)
        flock(descriptor, operation)

    monkeypatch.setattr("fcntl.flock", come_between)  # the moment is too short to be met by chance
    assert lock(path) is None


def test_a_file_system_without_locks_is_told_from_a_lock_that_is_held(tmp_path, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", refuse)  # there is none here to try it on
    with pytest.raises(OSError, match="Function not implemented"):
        lock(tmp_path / ".lock")
    store = Directory(tmp_path)
    with store.used():
        store.write(NOTES, [("ab1", b"one")])
    with pytest.raises(InUseError, match="cannot be told"), store.alone():
        pass


def test_whoever_is_alone_knows_that_nobody_else_works_there(tmp_path):
    store, other = Directory(tmp_path), Directory(tmp_path)
    with store.used(), other.used(), pytest.raises(InUseError, match="a run is using the store"), store.alone():
        pass
    with store.alone(), pytest.raises(InUseError), other.alone():
        pass
    with store.alone():
        pass


def test_leftovers_are_counted_and_cleared(tmp_path):
    store = Directory(tmp_path)
    store.write(NOTES, [("ab1", b"one"), ("ab2", b"three")])
    store.set_aside(NOTES, ["ab1", "ab2"])
    assert store.leftovers() == {"set aside": Pile(2, 8), "begun": Pile()}
    store.clear()
    store.clear()
    assert store.leftovers() == {"set aside": Pile(), "begun": Pile()}


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


def test_a_folder_in_an_artefacts_place_costs_no_descriptor(tmp_path):
    (tmp_path / "note/ab/ab1.txt").mkdir(parents=True)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(20):
        assert dict(Directory(tmp_path).read(NOTES, ["ab1"])) == {"ab1": b""}
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_what_is_kept_and_what_is_left_over_are_counted_apart(tmp_path):
    store = Directory(tmp_path)
    assert kept_in(store, [NOTES]) == {"note": Pile(0, 0)}
    store.write(NOTES, [("ab1", b"1234"), ("cd2", b"123456"), ("cd3", b"")])
    (tmp_path / "transcript.log").write_text("no artefact")
    assert kept_in(store, [NOTES]) == {"note": Pile(3, 10)}
    store.set_aside(NOTES, ["ab1"])
    (tmp_path / ".parts/.half.part").write_bytes(b"12")
    assert kept_in(store, [NOTES]) == {"note": Pile(2, 6)}
    assert store.leftovers() == {"set aside": Pile(1, 4), "begun": Pile(1, 2)}
