"""Distributions: what a lock pins, what is installed, what is asked for and not met.

It imports `packaging` and nothing of evalkit, so that the scripts can use it before evalkit is installed.
"""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

Pins = Mapping[str, str]
Difference = tuple[str, str | None, str | None]  # the name, the locked version, the one here; None where there is none


def read_pins(text: str) -> Pins:
    """Returns the versions by name in a lock or in what `pip freeze` prints; of one from elsewhere its `@ address`.

    Raises:
        ValueError: A line is neither.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(("#", "-"))]
    parts = [re.split(r"\s*(?:==\s*|(?=@))", line, maxsplit=1) for line in lines]
    if wrong := [line for line, part in zip(lines, parts, strict=True) if len(part) != 2]:
        raise ValueError(f"expected NAME==VERSION, got {wrong[0]!r}")
    return {canonicalize_name(name): version for name, version in parts}


def installed(names: Iterable[str]) -> Pins:
    """Returns the versions of those distributions that are installed in this Python."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def differing(locked: Pins, here: Pins) -> list[Difference]:
    """Returns what differs, by name."""
    names = sorted(name for name in {*locked, *here} if locked.get(name) != here.get(name))
    return [(name, locked.get(name), here.get(name)) for name in names]


def breaking(locked: Pins, here: Pins) -> list[Difference]:
    """Returns what is here in a version that the lock does not allow.

    What the lock has and this Python has not is no fault, since not everybody needs every extra; nor is another build
    of the locked version, such as `2.14.1+cpu`, which pip takes for it.
    """
    both = [(name, pin, found) for name, pin, found in differing(locked, here) if pin is not None and found is not None]
    return [(name, pin, found) for name, pin, found in both if not SpecifierSet(f"=={pin}").contains(found, True)]


def complaint(requirement: Requirement) -> str | None:
    """Returns what is wrong with a distribution that is asked for in this Python; None if it is here and will do."""
    try:
        here = version(requirement.name)
    except PackageNotFoundError:
        return f"needs the package {requirement.name}"
    if requirement.specifier.contains(here, prereleases=True):
        return None
    return f"needs {requirement}, here is {here}"
