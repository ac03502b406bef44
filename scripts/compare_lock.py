"""Says in what the environment that runs it, or pyproject.toml, differs from a lock; exit code 1 if it does.

.venv/bin/python scripts/compare_lock.py locks/python3.12.txt      # what is installed here
.venv/bin/python scripts/compare_lock.py --declared locks/*.txt    # what pyproject.toml asks for
"""

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = ROOT / "pyproject.toml"
sys.path.insert(0, str(ROOT))  # `make` compares before it installs evalkit

from evalkit.distributions import Pins, differing, read_pins  # noqa: E402


def main() -> int:
    """Returns 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--declared", action="store_true", help="look at pyproject.toml, not at what is installed")
    parser.add_argument("locks", nargs="+", type=Path, metavar="LOCK")
    arguments = parser.parse_args()
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    lines: list[str] = []
    for lock in arguments.locks:
        pins = read_pins(lock.read_text())
        lines += unmet(project, pins, lock) if arguments.declared else differences(pins, frozen())
    print("\n".join(lines or ["no difference"]))
    return 1 if lines else 0


def frozen() -> Pins:
    """Returns what is installed in this environment, less what is so from a checkout."""
    command = [sys.executable, "-m", "pip", "freeze", "--all", "--exclude-editable"]
    return read_pins(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def differences(locked: Pins, here: Pins) -> list[str]:
    """Returns a table of what differs: the name, the locked version, the one here; a dash where there is none."""
    found = differing(locked, here)
    rows = [("distribution", "lock", "here"), *((name, pin or "-", version or "-") for name, pin, version in found)]
    left, middle = (max(len(row[column]) for row in rows) for column in (0, 1))
    return [f"{name:{left}}  {lock:{middle}}  {version}" for name, lock, version in rows] if found else []


def unmet(project: Mapping[str, Any], pins: Pins, lock: Path) -> Iterator[str]:
    """Yields a line for each thing that pyproject.toml asks for and the lock does not have.

    Args:
        project: The table `project` of pyproject.toml.
        pins: The versions in the lock.
        lock: Its path, pythonX.Y.txt.
    """
    python = lock.stem.removeprefix("python")
    advice = f"type: make lock PYTHON=python{python}"
    if not SpecifierSet(project["requires-python"]).contains(python):
        yield f"{lock}: pyproject.toml asks for Python {project['requires-python']}; remove the lock"
    for requirement in requirements(project, python):
        version = pins.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            yield f"{lock}: pyproject.toml asks for {requirement}, the lock has {version or 'none'}; {advice}"


def requirements(project: Mapping[str, Any], python: str) -> list[Requirement]:
    """Returns what a project and all its extras ask for under a Python."""
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    markers = {"python_version": python, "python_full_version": f"{python}.0"}
    parsed = [Requirement(text) for text in texts]
    return [each for each in parsed if each.marker is None or each.marker.evaluate(markers)]


if __name__ == "__main__":
    sys.exit(main())
