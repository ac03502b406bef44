"""What killed runs left among the folders of reports is swept, what living ones work in is not."""

import errno
import os
import threading

from evalkit.pipeline.folder import run_folder
from evalkit.store.atomic import lock

PLAN = "abcdef0123"


def test_empty_folders_and_parts_that_nobody_holds_are_swept(tmp_path):
    for name in ("empty", "begun", "held", "rows"):
        (tmp_path / name).mkdir()
    (tmp_path / "begun/run.log").write_text("it had just begun")
    (tmp_path / "rows/utterances.jsonl").write_text("{}\n")
    (tmp_path / "rows/.report.json.0123.part").write_text("{")
    (tmp_path / "linked").symlink_to(tmp_path / "rows")
    held = lock(tmp_path / "held/.lock")
    with run_folder(tmp_path, PLAN) as own:
        assert {path.name for path in tmp_path.iterdir()} == {"held", "rows", "linked", own.path.name}
    assert {path.name for path in (tmp_path / "rows").iterdir()} == {".lock", "utterances.jsonl"}
    os.close(held)


def test_a_run_keeps_its_folder_even_where_a_sweep_comes_between_its_making_and_its_lock(tmp_path):
    """Four threads stand for processes: a lock is of who opened the file. Who begins sweeps what the others left."""
    wrong = []

    def begin_again_and_again():
        for _ in range(150):
            with run_folder(tmp_path, PLAN) as own:
                if not (own.path / ".lock").exists() or lock(own.path / ".lock") is not None:
                    wrong.append(own.path)

    threads = [threading.Thread(target=begin_again_and_again) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_without_locks_a_run_still_gets_a_folder_of_its_own(tmp_path, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)  # there is no such file system here to try it on
    (tmp_path / "empty").mkdir()
    with run_folder(tmp_path, PLAN) as one, run_folder(tmp_path, PLAN) as other:
        assert one.path != other.path
        assert (tmp_path / "empty").exists()  # whether somebody works there cannot be told


def test_two_runs_of_a_plan_at_once_get_folders_of_their_own(tmp_path):
    with run_folder(tmp_path, "abcdef0123") as one, run_folder(tmp_path, "abcdef0123") as two:
        assert one.path != two.path
        assert [one.resumed, two.resumed] == [False, False]
