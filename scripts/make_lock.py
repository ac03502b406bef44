"""Writes locks/pythonX.Y.txt for the Python that runs it: the newest versions that pyproject.toml allows, once proven.

    make lock [PYTHON=python3.12] [KEEP=1]

With KEEP what is locked stays, and only what pyproject.toml newly asks for is added.
Proven means: `make test` has passed in a fresh environment that was set up from the very lock, as everybody's will be.
Until then the lock stays as it is. Needs that Python, make and room for an environment in the temporary directory.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VERSION = ".".join(platform.python_version_tuple()[:2])
LOCKS = ROOT / "locks"
INHERITED = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}


class StepFailedError(Exception):
    """A step on the way to the lock failed; its output stands above."""


def main(typed: Sequence[str] = ()) -> int:
    """Returns 1 if there is no new lock."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="what is locked stays; add what is newly asked for")
    keep = parser.parse_args(typed).keep
    lock = LOCKS / f"python{VERSION}.txt"
    with tempfile.TemporaryDirectory(prefix="evalkit-lock-") as name:
        candidate = Path(name) / lock.name
        try:
            candidate.write_text(resolved(Path(name), lock if keep else None))
            prove(candidate)
        except StepFailedError as error:
            print(f"not locked: {error}; {lock.relative_to(ROOT)} is as it was", file=sys.stderr)
            return 1
        lock.parent.mkdir(exist_ok=True)
        lock.write_text(candidate.read_text())
    print(f"{lock.relative_to(ROOT)}: written, the tests pass with it")
    return 0


def resolved(folder: Path, kept: Path | None) -> str:
    """Returns the text of a lock: the newest versions that pip finds for pyproject.toml and all its extras.

    Args:
        folder: Where to work.
        kept: A lock whose versions stay.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = f"{ROOT}[{','.join(project['optional-dependencies'])}]"
    python, report = folder / "resolver/bin/python", folder / "report.json"
    run("making an environment", [sys.executable, "-m", "venv", str(folder / "resolver")])
    install = [str(python), "-m", "pip", "install", "--quiet"]
    run("upgrading pip", [*install, "--upgrade", "pip"])
    # A dry run resolves without installing; as if nothing were installed, so that it names pip and setuptools too.
    held = [] if kept is None else ["--constraint", str(kept)]
    dry = [*install, "--dry-run", "--ignore-installed", "--report", str(report), *held, "pip", "--editable", wanted]
    run("resolving pyproject.toml", dry)
    pinned = pins(json.loads(report.read_text()), project["name"])
    return header(pinned) + "".join(f"{pin}\n" for pin in pinned)


def pins(report: Mapping[str, Any], project: str) -> list[str]:
    """Returns the lines of a lock, in the order of `pip freeze`, from pip's installation report.

    Args:
        report: What `pip install --report` wrote.
        project: The name of the project itself, which is no part of its lock.
    """
    metadata = [item["metadata"] for item in report["install"]]
    named = {str(each["name"]): str(each["version"]) for each in metadata if each["name"] != project}
    return [f"{name}=={named[name]}" for name in sorted(named, key=str.lower)]


def header(pinned: Sequence[str]) -> str:
    """Returns the comment that says how the lock was made."""
    pip = next(pin.removeprefix("pip==") for pin in pinned if pin.startswith("pip=="))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"# Every distribution of evalkit's environment, exactly, for Python {VERSION} on {sysconfig.get_platform()}.\n"
        f"# Made by: make lock PYTHON=python{VERSION}\n"
        f"# Resolved from pyproject.toml by pip {pip} under {python}; the tests passed with it.\n"
        "# Not to be edited: change pyproject.toml and make it anew.\n"
    )


def prove(candidate: Path) -> None:
    """Sets up an environment from a lock as `make` does, passes the tests in it, and finds in it what the lock says."""
    environment = candidate.parent / "venv"
    settings = [f"LOCK={candidate}", f"VENV={environment}", f"PYTHON={sys.executable}"]
    run("the tests", ["make", "--directory", str(ROOT), "test", *settings])
    compare = [str(environment / "bin/python"), str(ROOT / "scripts/compare_lock.py"), str(candidate)]
    run("comparing the environment with the lock", compare)


def run(step: str, command: Sequence[str]) -> None:
    """Runs a command, its output shown; raises if it fails."""
    print(f"make lock: {step}", flush=True)
    # Without what the calling make was told: its -i, -k or -n would spoil the proof.
    environment = {name: value for name, value in os.environ.items() if name not in INHERITED}
    code = subprocess.run(command, env=environment, check=False).returncode
    if code:
        raise StepFailedError(f"{step} failed (exit code {code})")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
