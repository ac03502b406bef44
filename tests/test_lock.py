"""The locks: what `make lock` writes and when, what is said of differences, and which Pythons `make` sets up."""

import os
import subprocess
from pathlib import Path

import compare_lock
import make_lock
import pytest

ROOT = Path(__file__).parent.parent
OLD = "old lock\n"
PROJECT = {
    "name": "evalkit",
    "requires-python": ">=3.11,<3.14",
    "dependencies": ["numpy>=2", "tomli>=2; python_version < '3.12'"],
    "optional-dependencies": {"dev": ["Types_PyYAML"]},
}


def report(*named: tuple[str, str]) -> dict[str, object]:
    return {"install": [{"metadata": {"name": name, "version": version}} for name, version in named]}


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `make lock` writes in these tests, with an old lock in it; resolving gives pip alone."""
    monkeypatch.setattr(make_lock, "ROOT", tmp_path)
    monkeypatch.setattr(make_lock, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(make_lock, "resolved", lambda folder, kept: make_lock.header(["pip==26.3"]) + "pip==26.3\n")
    path = tmp_path / "locks" / f"python{make_lock.VERSION}.txt"
    path.parent.mkdir()
    path.write_text(OLD)
    return path


def test_pins_are_sorted_as_pip_freeze_does_and_leave_the_project_out() -> None:
    found = report(
        ("torch", "2.14.1"), ("PyYAML", "6.0.3"), ("evalkit", "0.1.0"), ("ast_serialize", "0.1"), ("attrs", "26")
    )
    assert make_lock.pins(found, "evalkit") == ["ast_serialize==0.1", "attrs==26", "PyYAML==6.0.3", "torch==2.14.1"]


def test_the_header_says_how_and_names_no_place() -> None:
    header = make_lock.header(["numpy==2.4.6", "pip==26.3"])
    assert all(line.startswith("# ") for line in header.splitlines())
    assert f"make lock PYTHON=python{make_lock.VERSION}\n" in header
    assert "pip 26.3" in header
    assert "/" not in header


def test_a_proven_lock_is_written(
    lock: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make_lock, "prove", lambda candidate: None)
    assert make_lock.main() == 0
    assert lock.read_text().endswith("pip==26.3\n")
    assert capsys.readouterr().out == f"locks/{lock.name}: written, the tests pass with it\n"


def test_a_failed_proof_leaves_the_old_lock(
    lock: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (make_lock.ROOT / "Makefile").write_text("test:\n\t@echo one test fails; exit 1\n")
    monkeypatch.setenv("MAKEFLAGS", "i")  # as `make -i lock` would tell it to take no notice
    assert make_lock.main() == 1
    assert lock.read_text() == OLD
    said = capfd.readouterr()
    assert "one test fails" in said.out
    assert f"not locked: the tests failed (exit code 2); locks/{lock.name} is as it was\n" in said.err


def test_the_proof_is_make_test_on_the_candidate(lock: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (make_lock.ROOT / "Makefile").write_text("test:\n\t@tail -n 1 $(LOCK); echo $(VENV); exit 1\n")
    make_lock.main()
    pinned, venv = capfd.readouterr().out.splitlines()[-3:-1]
    assert pinned == "pip==26.3"
    assert not Path(venv).is_relative_to(make_lock.ROOT)


def test_differences_name_what_is_other_missing_and_too_much() -> None:
    locked = compare_lock.read_pins("# a comment\nnumpy==2.4.6\nPyYAML==6.0.3\ntorch==2.14.1\n")
    here = compare_lock.read_pins("pyyaml==6.0.3\nray==2.40\ntorch @ file:///torch.whl\n")
    assert compare_lock.differences(locked, here) == [
        "distribution  lock    here",
        "numpy         2.4.6   -",
        "ray           -       2.40",
        "torch         2.14.1  @ file:///torch.whl",
    ]
    assert compare_lock.differences(locked, locked) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("numpy==2.4.6\ntypes-PyYAML==6\n", []),
        ("numpy==1.26\ntypes-PyYAML==6\n", ["numpy>=2, the lock has 1.26"]),
        ("", ["numpy>=2, the lock has none", "Types_PyYAML, the lock has none"]),
    ],
)
def test_a_lock_that_does_not_answer_pyproject_is_named(text: str, said: list[str]) -> None:
    lines = list(compare_lock.unmet(PROJECT, compare_lock.read_pins(text), Path("locks/python3.12.txt")))
    advice = "type: make lock PYTHON=python3.12"
    assert lines == [f"locks/python3.12.txt: pyproject.toml asks for {each}; {advice}" for each in said]


def test_what_only_another_python_needs_is_asked_of_that_lock_only() -> None:
    pins = compare_lock.read_pins("numpy==2.4.6\ntypes-PyYAML==6\n")
    (line,) = compare_lock.unmet(PROJECT, pins, Path("locks/python3.11.txt"))
    assert "tomli" in line
    (line,) = compare_lock.unmet(PROJECT, pins, Path("locks/python3.14.txt"))
    assert "Python >=3.11,<3.14; remove the lock" in line


def test_a_python_without_a_lock_is_told_which_have_one(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 3.99\n")
    python.chmod(0o755)
    command = ["make", "--directory", str(ROOT), "demo", f"PYTHON={python}", f"VENV={tmp_path}/venv"]
    environment = {name: value for name, value in os.environ.items() if name not in make_lock.INHERITED}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "evalkit is locked for Python 3.11 3.12 3.13, not for 3.99; type: make demo PYTHON=python3.13" in done.stderr
    assert not (tmp_path / "venv").exists()
