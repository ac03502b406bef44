"""Python, the packages that evalkit cannot do without, and all of them against the lock."""

import platform
import re
import shlex
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from evalkit.commands.doctor.check import (
    Check,
    lock_file,
    pip_install,
    pip_install_lock,
    shown,
    typed,
)
from evalkit.distributions import Difference, breaking, complaint, installed, read_pins
from evalkit.resources import resource

FEW = 5  # differences that are named, and mended, one by one


def packages() -> Iterator[Check]:
    """Gives the checks of this Python."""
    yield _python()
    yield _requirements()
    if lock_file().is_file() or not resource("locks").is_dir():
        yield _lock(lock_file())


def _python() -> Check:
    version, locks = platform.python_version(), _locks()
    allowed, _ = _declared()
    if not SpecifierSet(allowed).contains(version, prereleases=True):
        return Check("python", "wrong", f"{version}; evalkit needs {allowed}", _another_python(locks))
    if locks and not lock_file().is_file():
        message = f"{version} has no lock, so nobody has tried evalkit with it; locked: {', '.join(locks)}"
        return Check("python", "warning", message, _another_python(locks))
    return Check("python", "ok", f"{version}, {shown(Path(sys.executable))}")


def _requirements() -> Check:
    _, wanted = _declared()
    unmet = [(requirement, wrong) for requirement in wanted if (wrong := complaint(requirement))]
    if not unmet:
        return Check("packages", "ok", f"evalkit's own {len(wanted)} requirements are met")
    names = shlex.join(str(requirement) for requirement, _ in unmet)
    return Check("packages", "wrong", f"evalkit {', '.join(wrong for _, wrong in unmet)}", pip_install(names))


def _lock(lock: Path) -> Check:
    if not lock.is_file():
        return Check("lock", "ok", "none here: evalkit was installed without its checkout")
    try:
        differ, count = _differences(lock)
    except (OSError, ValueError) as error:
        return Check("lock", "wrong", f"{shown(lock)} cannot be read: {error}", f"git checkout {typed(lock)}")
    if not differ:
        return Check("lock", "ok", f"all {count} packages that are here are as locked in {shown(lock)}")
    told = ", ".join(f"{name} {found} ({pin})" for name, pin, found in differ[:FEW])
    more = f" and {len(differ) - FEW} more" if len(differ) > FEW else ""
    message = f"{len(differ)} of {count} packages are not as locked (in brackets): {told}{more}"
    return Check("lock", "warning", message, _locking(differ))


def locking_again() -> str | None:
    """Returns the command that brings back what is not as locked; None if all is, or nobody can tell."""
    try:
        differ, _ = _differences(lock_file())
    except (OSError, ValueError):
        return None
    return _locking(differ) if differ else None


def _locking(differ: list[Difference]) -> str:
    return pip_install(shlex.join(name for name, _, _ in differ)) if len(differ) <= FEW else pip_install_lock()


def _differences(lock: Path) -> tuple[list[Difference], int]:
    """Returns what is here and not as locked, and how many of the locked packages are here."""
    pins = read_pins(lock.read_text(encoding="utf-8"))
    here = installed(pins)
    return breaking(pins, here), len(here)


def _another_python(locks: list[str]) -> str:
    """Returns the command that sets up a Python which is known to do."""
    return f"make doctor PYTHON=python{locks[-1]}" if locks else "python3.13 -m pip install FOLDER_OF_EVALKIT"


def _locks() -> list[str]:
    """Returns the Pythons that have a lock, the newest last."""
    found = [path.stem.removeprefix("python") for path in resource("locks").glob("python*.txt")]
    return sorted(found, key=lambda python: [int(part) for part in re.findall(r"\d+", python)])


def _declared() -> tuple[str, list[Requirement]]:
    """Returns which Pythons evalkit can do with and what it cannot do without: what it says now, if that is here."""
    if (pyproject := resource("pyproject.toml")).is_file():
        project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
        return project["requires-python"], _always(project["dependencies"])
    try:
        metadata = distribution("evalkit")
    except PackageNotFoundError:  # run from a folder of sources
        return "", []
    return metadata.metadata["Requires-Python"] or "", _always(metadata.requires or [])


def _always(texts: Iterable[str]) -> list[Requirement]:
    """Returns the requirements that are none of an extra, or of another Python."""
    wanted = [Requirement(text) for text in texts]
    return [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
