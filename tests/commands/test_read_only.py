"""A store that may only be read, or not even that: what is all there is still used, and nothing ends in a traceback."""

import os
import shutil
import subprocess
import sys

import pytest

from evalkit.commands.bench_bed import Bed
from tests.conftest import environment

# Lets permissions count for root too, who may do everything; the numbers are those of prctl(2) and capabilities(7).
HEED_PERMISSIONS = """
import ctypes, os, sys
CAPBSET_DROP, DAC_OVERRIDE, DAC_READ_SEARCH = 24, 1, 2
if os.geteuid() == 0:
    for capability in (DAC_OVERRIDE, DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(CAPBSET_DROP, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def python(tmp_path, *words):
    return subprocess.run(
        [sys.executable, "-c", HEED_PERMISSIONS, *map(str, words)],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip


def typed(tmp_path, *words):
    return python(tmp_path, "-m", "evalkit", *words)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return Bed.made(tmp_path_factory.mktemp("finished") / "bed")


@pytest.fixture
def bed(finished, tmp_path):
    shutil.copytree(finished.root, tmp_path, dirs_exist_ok=True)
    yield Bed(tmp_path)
    change(tmp_path / "store", 0o755, 0o644)


def change(folder, of_folders, of_files):
    for path, _, files in os.walk(folder, topdown=of_folders & 0o400):
        for file in files:
            os.chmod(f"{path}/{file}", of_files)  # noqa: PTH101
        os.chmod(path, of_folders)  # noqa: PTH101


def permissions_count(tmp_path):
    (tmp_path / "closed.py").write_text("")
    (tmp_path / "closed.py").chmod(0)
    return python(tmp_path, tmp_path / "closed.py").returncode != 0


def test_a_store_that_may_only_be_read(bed, tmp_path):
    if not permissions_count(tmp_path):
        pytest.skip("here permissions do not count")
    store, reports = tmp_path / "store", tmp_path / "reports"
    command = bed.typed(store, reports)
    show = ["transcript", "show", "ann", *(word for word in command if "judge.quality" not in word)]
    shown = typed(tmp_path, *show)
    assert shown.returncode == 0, shown.stderr
    change(store, 0o555, 0o444)

    repeated = typed(tmp_path, "run", *command)
    assert repeated.returncode == 0, repeated.stderr
    assert "Nothing was synthesised: all 4 utterances came from the store." in repeated.stdout
    again = typed(tmp_path, *show)
    assert (again.returncode, again.stdout) == (0, shown.stdout), again.stderr

    new = typed(tmp_path, "run", *command, "seeds=[1]", "engine.jitter=1")
    assert new.returncode == 1
    assert f"cannot write {store}/sound/" in new.stderr
    assert "store=DIR" in new.stderr
    assert "Traceback" not in new.stderr


def test_a_store_that_may_not_be_looked_into(bed, tmp_path):
    if not permissions_count(tmp_path):
        pytest.skip("here permissions do not count")
    store = tmp_path / "store"
    for place, code, said in (
        (store, 1, "cannot write"),
        (store / "below", 2, "store: this is no path of a folder: Permission denied"),
    ):
        store.chmod(0)
        done = typed(tmp_path, "run", *bed.typed(place, tmp_path / "reports"))
        store.chmod(0o755)
        assert done.returncode == code, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_what_may_not_be_listed_is_never_called_whole(bed, tmp_path):
    if not permissions_count(tmp_path):
        pytest.skip("here permissions do not count")
    (tmp_path / "store/sound").chmod(0)
    asked = [typed(tmp_path, "store", action, f"store={tmp_path}/store") for action in ("verify", "size")]
    (tmp_path / "store/sound").chmod(0o755)
    for done in asked:
        assert done.returncode == 1, done.stdout
        assert f"cannot read {tmp_path}/store/sound: Permission denied" in done.stderr
        assert "are whole" not in done.stdout
