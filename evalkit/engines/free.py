"""Settings that an engine does not know beforehand: further fields of a server, knobs of a program, by their names.

They are kept as pairs, so that an engine can still be compared and hashed; to a trial each is a setting of its own.
"""

import re
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BeforeValidator

from evalkit.digest import Scalar

Value = TypeVar("Value")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# What is typed stands in reports; "token" alone is also what models count by.
_SECRET = re.compile(
    r"(^|[_-])(api[_-]?key|password|passwd|secret|authorization|(access|auth|bearer)[_-]?token)$", re.I
)


def _pairs(given: object) -> object:
    """Returns a mapping as pairs, in the order of their names."""
    pairs = list(given.items()) if isinstance(given, Mapping) else given
    if pairs is None:
        return ()
    if not isinstance(pairs, list | tuple) or not all(
        isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs
    ):
        raise ValueError("expected names and values, as in {temperature: 0.6}")
    for name, value in pairs:
        _check(str(name), value)
    return tuple(sorted((str(name), value) for name, value in pairs))


def _check(name: str, value: object) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a field: letters, digits, _ and -, a letter first")
    if _SECRET.search(name):
        raise ValueError(f"{name}: what is typed here stands in reports; a secret belongs into an environment variable")
    if not isinstance(value, str | int | float | None):
        raise ValueError(  # noqa: TRY004  pydantic makes a finding of this one alone
            f"{name}: expected text, a number, true, false or null, got {value!r}"
        )


Free = Annotated[tuple[tuple[str, Scalar], ...], BeforeValidator(_pairs)]
Renamed = Annotated[tuple[tuple[str, str | None], ...], BeforeValidator(_pairs)]


def spread(knobs: Mapping[str, object], **free: str) -> dict[str, Scalar]:
    """Returns an engine's settings, the free ones among them as settings of their own: `extra.temperature`.

    Args:
        knobs: By field.
        free: What each field of free settings is called where they are typed.
    """
    found: dict[str, Scalar] = {}
    for key, value in knobs.items():
        if key in free:
            found |= {f"{free[key]}.{name}": one for name, one in value}  # type: ignore[attr-defined]
        else:
            found[key] = value  # type: ignore[assignment]
    return found
