"""From a YAML node to the object that it describes: `_target_` names the class, the rest are its arguments.

Making one loads nothing and needs no package; whether what it needs is here is asked afterwards, of all at once.
"""

import importlib
import shlex
import shutil
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from evalkit.config.strangers import check_declared, check_identity, explained
from evalkit.engines.base import Engine
from evalkit.engines.process.isolated import Isolated
from evalkit.errors import ConfigError, PackageError, told
from evalkit.judges.base import Judge
from evalkit.manifest import describe
from evalkit.names import name_fault
from evalkit.resources import at_home

T = TypeVar("T")
Node = Mapping[str, Any]  # a YAML node with a _target_: the class, and its constructor's arguments
LONGEST_TIMEOUT = 604_800  # seconds
ENGINE_KEYS = ("python", "timeout_seconds", "preset", "shipped")  # of any engine's node; no arguments of its class


def engine_of(node: Node) -> Engine:
    """Makes an engine; with `python` or `timeout_seconds` set, one that computes in a worker process.

    Raises:
        ConfigError: As `made_from`, or there is no such Python.
    """
    arguments = {key: value for key, value in node.items() if key not in ENGINE_KEYS}
    made: Engine = made_from(arguments, Engine, "engine")  # type: ignore[type-abstract]
    check_declared(made)
    python, timeout = node.get("python"), node.get("timeout_seconds")
    if python is not None or timeout is not None:
        made = Isolated(made, *_worker_settings(python, timeout))
    else:
        check_identity(made)
    return made


def class_of(engine: Engine) -> type[Engine]:
    """Returns an engine's class, wherever it computes."""
    return type(engine.inner if isinstance(engine, Isolated) else engine)


def require_packages(models: Iterable[Engine | Judge]) -> None:
    """Does nothing if the Pythons in which models compute have the packages that they need.

    Raises:
        PackageError: Some are missing, or there in a version that will not do; the message has the command to type.
        ConfigError: An engine's own Python cannot run it.
    """
    for model in models:
        with explained(f"{type(model).__qualname__}.unmet"):
            complaints = model.unmet()
        if complaints:
            kind, way_out = "judge", ""
            if isinstance(model, Engine):
                kind, way_out = "engine", ", or give it a Python of its own: engine.python=PATH"
            raise PackageError(f"{kind}: {model.name} {', '.join(complaints)}; type: {installing(model)}{way_out}")


def installing(model: Engine | Judge) -> str:
    """Returns the command that brings the packages which a model needs."""
    if isinstance(model, Isolated) and model.python:  # evalkit itself is not installed over there, nor are its extras
        return f"{model.python} -m pip install {shlex.join(model.inner.packages)}"
    inner = model.inner if isinstance(model, Isolated) else model
    if isinstance(inner, Engine) and inner.extra:
        return f"pip install 'evalkit[{inner.extra}]'"
    return f"pip install {shlex.join(inner.packages)}"


def has_shipped_preset(node: Node) -> bool:
    """Whether an engine's node has just the values of the preset that is shipped for it."""
    shipped = node.get("shipped") or {}
    values = shipped.get("presets", {}).get(shipped.get("recommended"))
    if not values:
        return False
    return all(node[key] == value for key, value in values.items() if key in node)


def _worker_settings(python: object, timeout: object) -> tuple[str | None, float | None]:
    if python is not None and shutil.which(str(at_home(str(python)))) is None:
        raise ConfigError(f"engine.python={python}: there is no such program; give the path of a Python interpreter")
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (is_number and 0 < timeout <= LONGEST_TIMEOUT):  # type: ignore[operator]
        raise ConfigError(
            f"engine.timeout_seconds={timeout}: expected seconds, more than 0, at most {LONGEST_TIMEOUT} (a week)"
        )
    return None if python is None else str(python), None if timeout is None else float(timeout)  # type: ignore[arg-type]


def made_from(node: Node, kind: type[T], where: str) -> T:
    """Makes the object a node describes: `_target_` names the class, the rest are its arguments.

    Raises:
        ConfigError: There is no such class, it is no `kind`, or an argument is wrong.
        PackageError: The class's file cannot be imported.
    """
    arguments = dict(node)
    target = arguments.pop("_target_", None)
    if not isinstance(target, str) or not all(target.split(".")) or "." not in target:
        raise ConfigError(f"{where}._target_: expected the dotted name of a class, got {target!r}")
    made_by = _class(target, where)
    if not issubclass(made_by, kind):
        raise ConfigError(f"{where}._target_: {target} is no {kind.__name__}")
    with explained(f"{where}: making {made_by.__qualname__}"):
        try:
            made = made_by(**arguments)
        except ValidationError as error:
            raise ConfigError(describe(error, where)) from error
        except TypeError as error:  # no pydantic dataclass, or an abstract one
            raise ConfigError(f"{where}: cannot make {target}: {error}") from error
        if isinstance(name := getattr(made, "name", None), str) and name and (fault := name_fault(name)):
            raise ConfigError(f"{where}._target_: the name {name!r} of {target} {fault}; give the class another `name`")
    return made


def _class(target: str, where: str) -> type[Any]:
    module, _, name = target.rpartition(".")
    with explained(f"{where}._target_: importing {module}", PackageError):
        try:
            found = getattr(importlib.import_module(module), name, None)
        except ImportError as error:
            if not f"{module}.".startswith(f"{error.name}."):  # the file is there, and what it imports is not
                raise
            raise ConfigError(f"{where}._target_: there is no {target} ({told(error)})") from error
    if found is None:
        raise ConfigError(f"{where}._target_: there is no {target}")
    if not isinstance(found, type):
        raise ConfigError(f"{where}._target_: {target} is no class")
    return found
