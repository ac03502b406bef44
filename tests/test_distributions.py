"""What pins mean, and which differences from them count."""

import pytest
from packaging.requirements import Requirement

from evalkit.distributions import breaking, complaint, differing, installed, read_pins

LOCKED = {"numpy": "2.4.6", "ray": "2.40", "torch": "2.14.1"}


def test_installed_versions_are_asked_by_name():
    assert installed(["no-such-distribution"]) == {}
    assert list(installed(["pytest", "no-such-distribution"])) == ["pytest"]


@pytest.mark.parametrize(
    ("here", "differ", "break_"),
    [
        (LOCKED, [], []),
        ({"numpy": "2.4.6"}, ["ray", "torch"], []),  # not everybody needs all of it
        ({**LOCKED, "more": "1"}, ["more"], []),
        ({**LOCKED, "torch": "2.15.0"}, ["torch"], ["torch"]),
        ({**LOCKED, "torch": "2.14.1+cpu"}, ["torch"], []),  # another build of the same version
        ({**LOCKED, "numpy": "2.4.6rc1", "ray": "2.9"}, ["numpy", "ray"], ["numpy", "ray"]),
        ({**LOCKED, "ray": "2.40.0"}, ["ray"], []),
    ],
)
def test_another_version_breaks_the_lock_and_absence_does_not(here, differ, break_):
    assert [name for name, _, _ in differing(LOCKED, here)] == differ
    assert breaking(LOCKED, here) == [(name, LOCKED[name], here[name]) for name in break_]


def test_pins_are_read_from_locks_and_from_pip_freeze():
    text = "# a comment\nPyYAML==6.0.3\n-e git+https://x\ntypes_x == 1\ntorch @ file:///torch.whl\n"
    assert read_pins(text) == {"pyyaml": "6.0.3", "types-x": "1", "torch": "@ file:///torch.whl"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("pytest", None),
        ("pytest>=1", None),
        ("pytest>=999", "needs pytest>=999, here is "),
        ("no-such-thing", "needs the package no-such-thing"),
    ],
)
def test_what_is_asked_for_and_not_met_is_said(asked, said):
    found = complaint(Requirement(asked))
    assert (found is None) if said is None else found.startswith(said)
