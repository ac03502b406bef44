"""What lies under `reports/` may be anybody's: it never stops a run, hangs it, or is written to."""

import json
import os

import pytest

from evalkit.__main__ import main
from evalkit.pipeline.folder import LOCK_FILE, run_folder
from tests.conftest import make_voice, report_of, rows_of

pytestmark = pytest.mark.hostile


def interrupted(typed, tmp_path):
    """Makes a finished run into one that was interrupted, as a kill leaves it."""
    assert main(["run", *typed]) == 0
    (folder,) = (tmp_path / "reports/adhoc").iterdir()
    report = report_of(folder)
    (folder / "report.json").write_text(json.dumps({**report, "status": "interrupted"}))
    (folder / "utterances.jsonl").write_text("")
    return folder


def runs(tmp_path):
    return sorted((tmp_path / "reports/adhoc").iterdir())


def test_an_interrupted_run_goes_on(typed, tmp_path):
    """The control of what follows."""
    folder = interrupted(typed, tmp_path)
    assert main(["run", *typed]) == 0
    assert runs(tmp_path) == [folder]
    assert len(rows_of(folder)) == 9


@pytest.mark.parametrize(
    "name", [pytest.param(one, id=f"f22-{one}") for one in ("utterances.jsonl", "run.log", ".lock")]
)
def test_a_folder_with_links_is_not_gone_on_with(typed, tmp_path, name):
    folder = interrupted(typed, tmp_path)
    mine = tmp_path / "mine.txt"
    mine.write_text("mine\n")
    (folder / name).unlink()
    (folder / name).symlink_to(mine)
    assert main(["run", *typed]) == 0
    assert mine.read_text() == "mine\n"
    other, *_ = (run for run in runs(tmp_path) if run != folder)
    assert len(rows_of(other)) == 9


def test_f22_a_linked_folder_is_not_gone_on_with(typed, tmp_path):
    folder = interrupted(typed, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    before = {path.name: path.read_bytes() for path in elsewhere.iterdir()}
    assert main(["run", *typed]) == 0
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == before
    assert len(runs(tmp_path)) == 2


def not_utf8(folder):
    (folder / "report.json").write_bytes(b'{"schema_version": 2, "sweep": "\xe9"}')


def pipes(folder):
    os.mkfifo(folder / "report.json")
    os.mkfifo(folder / "utterances.jsonl")


def deep(folder):
    (folder / "report.json").write_text("[" * 100_000)


def a_folder(folder):
    (folder / "report.json").mkdir()


@pytest.mark.parametrize(
    "make", [pytest.param(one, id=f"f23-{one.__name__}") for one in (not_utf8, pipes, deep, a_folder)]
)
def test_a_strange_report_beside_does_not_stop_a_run(typed, tmp_path, make):
    strange = tmp_path / "reports/adhoc/99991231T235959-aaaaaa"  # would be the newest
    strange.mkdir(parents=True)
    make(strange)
    assert main(["run", *typed]) == 0
    assert len(runs(tmp_path)) == 2


def test_f23_rows_that_are_a_pipe_do_not_hang_the_run_that_goes_on(typed, tmp_path, capfd):
    folder = interrupted(typed, tmp_path)
    (folder / "utterances.jsonl").unlink()
    os.mkfifo(folder / "utterances.jsonl")
    assert main(["run", *typed]) == 0
    assert len(rows_of(runs(tmp_path)[-1])) == 9


def test_f22_a_lock_that_is_a_link_makes_nothing(tmp_path):
    strange = tmp_path / "reports/run"
    strange.mkdir(parents=True)
    (strange / LOCK_FILE).symlink_to(tmp_path / "made")
    with run_folder(tmp_path / "reports", "abcdef0123") as folder:
        assert folder.path != strange
    assert strange.is_dir()
    assert not (tmp_path / "made").exists()


def test_what_was_found_and_not_read_is_said_and_noted(typed, voices, tmp_path, capfd):
    """`f10`, `f11`, `f41`: where a person sees it."""
    make_voice(voices / ".trash", 250.0)
    (voices / "ann/._clip0.wav").write_bytes(b"x")
    (voices / "ben/held_out").mkdir()
    said = f"{voices}/.trash is hidden, so it is not read"
    assert main(["run", *typed, "dry_run=true"]) == 0
    assert f"note: {said}" in " ".join(capfd.readouterr().out.split())
    assert main(["run", *typed]) == 0
    assert said in capfd.readouterr().err
    assert said in report_of(runs(tmp_path)[0])["notes"]
