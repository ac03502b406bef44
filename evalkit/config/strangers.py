"""Classes that are not evalkit's, met for the first time: what they raise, or are not, is the configuration's fault."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from evalkit.digest import digest
from evalkit.engines.base import Engine
from evalkit.engines.scorable import FASTEST_RATE, SLOWEST_RATE
from evalkit.errors import ConfigError, EvalkitError, told
from evalkit.stopping import is_wanted


@contextmanager
def explained(doing: str, kind: type[ConfigError] = ConfigError) -> Iterator[None]:
    """Explains what somebody's code raises, `SystemExit` included, as an error of a kind.

    Raises:
        ConfigError: It raised.
    """
    try:
        yield
    except EvalkitError:
        raise
    except BaseException as error:
        if is_wanted(error):
            raise
        said = " ".join(told(error).split())
        raise kind(f"{doing} raised {type(error).__name__}: {said}{_place(error)}") from error


def _place(error: BaseException) -> str:
    """Returns the file and line where an error arose; a syntax error says so itself."""
    if isinstance(error, SyntaxError):
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""


def check_declared(engine: Engine) -> None:
    """Does nothing if an engine says of itself what a plan must know.

    Raises:
        ConfigError: It does not.
    """
    if _is_ours(engine):
        return
    where = _name(engine)
    _check_attribute(engine, "name", "'NAME'")
    _check_attribute(engine, "sample_rate", "HZ")
    if not isinstance(engine.name, str) or not engine.name:
        raise ConfigError(f"{where}.name is {engine.name!r}, expected text")
    if type(engine.sample_rate) is not int or not SLOWEST_RATE <= engine.sample_rate <= FASTEST_RATE:
        raise ConfigError(
            f"{where}.sample_rate is {engine.sample_rate!r}, expected whole Hz, {SLOWEST_RATE} to {FASTEST_RATE}"
        )
    with explained(where):
        _check_fields(where, engine.fields())
    with explained(f"{where}.family"):
        hash(engine.family)


def check_identity(engine: Engine) -> None:
    """Does nothing if an engine can say what its sound depends on; asked only of one that computes in this Python.

    Raises:
        ConfigError: It cannot.
    """
    if _is_ours(engine):
        return
    where = _name(engine)
    with explained(f"{where}.unmet"):
        complaints = engine.unmet()
    if not complaints:
        with explained(f"{where}.fingerprint"):
            digest({"knobs": engine.knobs(), "fingerprint": engine.fingerprint()})


def _is_ours(engine: Engine) -> bool:
    return type(engine).__module__.split(".")[0] == "evalkit"


def _name(engine: Engine) -> str:
    return f"engine: {type(engine).__qualname__}"


def _check_attribute(engine: Engine, name: str, example: str) -> None:
    if not hasattr(engine, name):
        raise ConfigError(f"{_name(engine)} has no {name}; give the class {name} = {example}")


def _check_fields(where: str, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if not isinstance(value, str | int | float | None):
            raise ConfigError(f"{where}.{name} is {value!r}, expected text, a number, true, false or none")
