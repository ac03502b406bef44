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
from evalkit.engines.process.isolated import Isolated, isolation_of
from evalkit.engines.wrapping import Wrapping, innermost
from evalkit.errors import ConfigError, PackageError, told
from evalkit.judges.base import Judge
from evalkit.manifest import describe
from evalkit.names import name_fault
from evalkit.resources import at_home, extra

T = TypeVar("T")
Node = Mapping[str, Any]  # a YAML node with a _target_: the class, and its constructor's arguments
LONGEST_TIMEOUT = 604_800  # seconds
ENGINE_KEYS = ("python", "timeout_seconds", "preset", "shipped")  # of any engine's node; no arguments of its class
WRAPPED = "of"  # the key under which an engine's node has that of another engine, which it wraps


def engine_of(node: Node, where: str = "engine") -> Engine:
    """Makes an engine; with `python` or `timeout_seconds` set, one that computes in a worker process.

    One that computes elsewhere anyway keeps to `timeout_seconds` itself, and has no Python.

    In the node of an engine that wraps another they are the wrapped one's, unless that one has its own.

    Raises:
        ConfigError: As `made_from`, or there is no such Python.
    """
    worker = _worker_settings(node, where)
    arguments = {key: value for key, value in node.items() if key not in ENGINE_KEYS}
    if place := _elsewhere(node, where):
        if worker.pop("python") is not None:
            raise ConfigError(f"{where}.python: this engine computes in a {place}, not in a Python; leave it out")
        arguments |= {key: value for key, value in worker.items() if value is not None}
        worker = {}
    if (inner := wrapped_node(node)) is not None:
        own = {key: value for key, value in inner.items() if value is not None or key not in worker}
        arguments[WRAPPED] = engine_of({**worker, **own}, f"{where}.{WRAPPED}")
    made: Engine = made_from(arguments, Engine, where)  # type: ignore[type-abstract]
    check_declared(made)
    if isinstance(made, Wrapping):
        return made
    if any(value is not None for value in worker.values()):
        return Isolated(made, **worker)
    check_identity(made)
    return made


def wrapped_node(node: Node) -> Node | None:
    """Returns the node of the engine that an engine's node wraps; None where it wraps none."""
    inner = node.get(WRAPPED)
    return inner if isinstance(inner, Mapping) else None


def class_of(engine: Engine) -> type[Engine]:
    """Returns the class of the engine that speaks, wherever it computes and whatever wraps it."""
    speaking: Engine = innermost(engine)
    return type(speaking)


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
    inner, isolation = innermost(model), isolation_of(model)
    if isolation is not None and isolation.python:  # evalkit itself is not installed over there, nor are its extras
        return f"{isolation.python} -m pip install {shlex.join(inner.packages)}"
    if isinstance(inner, Engine) and inner.extra:
        return f"pip install {extra(inner.extra)}"
    return f"pip install {shlex.join(inner.packages)}"


def has_shipped_preset(node: Node) -> bool:
    """Whether an engine's node has just the values of the preset that is shipped for it, or for what it wraps."""
    if (inner := wrapped_node(node)) is not None:
        return has_shipped_preset(inner)
    shipped = node.get("shipped") or {}
    values = shipped.get("presets", {}).get(shipped.get("recommended"))
    if not values:
        return False
    return all(node[key] == value for key, value in values.items() if key in node)


def _elsewhere(node: Node, where: str) -> str:
    """Returns in what an engine computes that computes in no Python; empty for others, and where none is named."""
    target = node.get("_target_")
    if not isinstance(target, str) or not all(target.split(".")) or "." not in target:
        return ""
    place = getattr(_class(target, where), "elsewhere", "")
    return place if isinstance(place, str) else ""


def _worker_settings(node: Node, where: str) -> dict[str, Any]:
    """Returns the fields of `Isolated` that an engine's node has; all None where it asks for no worker."""
    python, timeout = node.get("python"), node.get("timeout_seconds")
    if python is not None and shutil.which(str(at_home(str(python)))) is None:
        raise ConfigError(f"{where}.python={python}: there is no such program; give the path of a Python interpreter")
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (is_number and 0 < timeout <= LONGEST_TIMEOUT):
        raise ConfigError(
            f"{where}.timeout_seconds={timeout}: expected seconds, more than 0, at most {LONGEST_TIMEOUT} (a week)"
        )
    return {
        "python": None if python is None else str(python),
        "timeout_seconds": None if timeout is None else float(timeout),
    }


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
