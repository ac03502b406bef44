"""From a YAML node to the object that it describes: `_target_` names the class, the rest are its arguments."""

import importlib
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from evalkit.config.strangers import check_declared, check_identity, explained
from evalkit.engines.base import Engine
from evalkit.engines.process.isolated import Isolated
from evalkit.errors import ConfigError, told
from evalkit.judges.base import Judge
from evalkit.manifest import describe

T = TypeVar("T")
Node = Mapping[str, Any]  # a YAML node with a _target_: the class, and its constructor's arguments
LONGEST_TIMEOUT = 604_800  # seconds
ENGINE_KEYS = ("python", "timeout_seconds", "preset", "shipped")  # of any engine's node; no arguments of its class


def engine_of(node: Node) -> Engine:
    """Makes an engine; with `python` or `timeout_seconds` set, one that computes in a worker process.

    Raises:
        ConfigError: As `made_from`, or the other Python cannot run it.
    """
    arguments = {key: value for key, value in node.items() if key not in ENGINE_KEYS}
    made: Engine = made_from(arguments, Engine, "engine")  # type: ignore[type-abstract]
    check_declared(made)
    python, timeout = node.get("python"), node.get("timeout_seconds")
    if python is not None or timeout is not None:
        made = Isolated(made, *_worker_settings(python, timeout))
    else:
        check_identity(made)
    _require_packages(made)
    return made


def class_of(engine: Engine) -> type[Engine]:
    """Returns an engine's class, wherever it computes."""
    return type(engine.inner if isinstance(engine, Isolated) else engine)


def has_shipped_preset(node: Node) -> bool:
    """Whether an engine's node has just the values of the preset that is shipped for it."""
    shipped = node.get("shipped") or {}
    values = shipped.get("presets", {}).get(shipped.get("recommended"))
    if not values:
        return False
    return all(node[key] == value for key, value in values.items() if key in node)


def _worker_settings(python: object, timeout: object) -> tuple[str | None, float | None]:
    if python is not None and shutil.which(str(Path(str(python)).expanduser())) is None:
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
        ConfigError: There is no such class, it is no `kind`, an argument is wrong, or a package is not installed.
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
    if isinstance(made, Judge):
        _require_judge(made, where)
    return made


def _class(target: str, where: str) -> type[Any]:
    module, _, name = target.rpartition(".")
    with explained(f"{where}._target_: importing {module}"):
        try:
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"{where}._target_: there is no {target} ({told(error)})") from error
    if not isinstance(found, type):
        raise ConfigError(f"{where}._target_: {target} is no class")
    return found


def _require_packages(engine: Engine) -> None:
    inner = engine.inner if isinstance(engine, Isolated) else engine
    with explained(f"engine: {type(inner).__qualname__}.unmet"):
        complaints = engine.unmet()
    if complaints:
        python = f"{engine.python} -m " if isinstance(engine, Isolated) and engine.python else ""
        package = f"evalkit[{inner.extra}]" if inner.extra else " ".join(inner.packages)
        raise ConfigError(
            f"engine: {engine.name} {', '.join(complaints)}; type: {python}pip install '{package}', "
            "or give it a Python of its own: engine.python=PATH"
        )


def _require_judge(judge: Judge, where: str) -> None:
    for package in judge.packages:
        try:
            version(package)
        except PackageNotFoundError as error:
            raise ConfigError(
                f"{where}: {judge.name} needs the package {package}, type: pip install '{package}'"
            ) from error
