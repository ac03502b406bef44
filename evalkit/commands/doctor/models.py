"""Whether the engines and judges of a sweep find the packages that they need, and whether those can be imported."""

import ast
import inspect
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from evalkit.commands.doctor.check import Check, of_error, pip_install, this_python, typed
from evalkit.commands.doctor.imports import Fault, Step, Tried
from evalkit.commands.doctor.packages import locking_again
from evalkit.config.making import installing
from evalkit.engines.base import Engine
from evalkit.engines.process.isolated import NEEDED, isolation_of
from evalkit.engines.wrapping import innermost
from evalkit.errors import EvalkitError
from evalkit.judges.base import Judge

Model = Engine | Judge
HERE = sys.executable


@dataclass(frozen=True)
class Need:
    """What engines or judges of one class need; cells that differ in knobs need the same.

    Attributes:
        title: What to call them.
        python: Where they compute.
        unmet: The check that says which packages are not there; None if all are.
        steps: What is to be imported.
    """

    title: str
    python: str
    unmet: Check | None
    steps: tuple[Step, ...]


def needs_of(models: Iterable[Model]) -> list[Need]:
    """Returns what models need, each class of them once."""
    alike: dict[tuple[str, type], list[Model]] = {}
    for model in models:
        alike.setdefault((python_of(model), type(innermost(model))), []).append(model)
    return [_need(list(group)) for group in alike.values()]


def python_of(model: Model) -> str:
    """Returns the Python in which a model computes."""
    isolation = isolation_of(model)
    return (isolation and isolation.python) or HERE


def checks_of(needs: Sequence[Need], tried: Mapping[str, Tried]) -> Iterator[Check]:
    """Gives a check for each need that is met or not, then one for each thing that cannot be imported."""
    for need in needs:
        if need.unmet:
            yield need.unmet
        elif not any(step in tried[need.python].faults for step in need.steps):
            yield Check(need.title, "ok", _versions(need, tried[need.python]))
    for python, result in tried.items():
        own = [need for need in needs if need.python == python and not need.unmet]
        for culprit, victims in culprits(own, result).items():
            waiting = [need.title for need in own if {culprit, *victims} & set(need.steps)]
            yield _fault(python, culprit, result.faults[culprit], waiting)


def _need(models: Sequence[Model]) -> Need:
    """Returns what models of one class need; settings may ask for more packages."""
    wanting = {innermost(model).packages: model for model in models}  # one of each demand
    title = f"{'engine' if isinstance(models[0], Engine) else 'judge'} {models[0].name}"
    unmet = [check for model in wanting.values() if (check := _unmet(title, model))]
    steps = dict.fromkeys(step for model in wanting.values() for step in _steps(innermost(model)))
    return Need(title, python_of(models[0]), unmet[0] if unmet else None, () if unmet else tuple(steps))


def _unmet(title: str, model: Model) -> Check | None:
    mend = installing(model)
    if python_of(model) == HERE:
        mend = pip_install(mend.removeprefix("pip install "))
    try:
        complaints = model.unmet()
    except EvalkitError as error:  # another Python, which cannot run the worker
        return of_error(title, error, f"{python_of(model)} -m pip install {NEEDED}")
    return Check(title, "wrong", ", ".join(complaints), mend) if complaints else None


def _steps(model: Model) -> Iterator[Step]:
    """Gives the distributions that count for a model, then what its file imports when it loads."""
    for package in model.packages:
        yield Step("distribution", canonicalize_name(Requirement(package).name))
    for statement in loading_imports(type(model)):
        yield Step("statement", statement)


def loading_imports(kind: type) -> list[str]:
    """Returns the imports that stand in the functions of an engine's or a judge's file, where heavy imports belong.

    Those below an `if` or a `try` are left out: they may not be needed. So are evalkit's own.
    """
    try:
        tree = ast.parse(inspect.getsource(sys.modules[kind.__module__]))
    except (OSError, SyntaxError):  # there is no source of it
        return []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    statements = [statement for function in functions for statement in function.body]
    imports = [one for one in statements if isinstance(one, ast.Import) or _from_elsewhere(one)]
    return list(dict.fromkeys(ast.unparse(one) for one in imports))


def _from_elsewhere(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.ImportFrom) or statement.level or statement.module is None:
        return False
    return statement.module.split(".")[0] != "evalkit"


def _versions(need: Need, result: Tried) -> str:
    names = [step.what for step in need.steps if step.kind == "distribution"]
    return ", ".join(f"{name} {result.versions[name]}" for name in names) or "needs no package"


def culprits(needs: Sequence[Need], result: Tried) -> dict[Step, list[Step]]:
    """Returns the steps that failed of themselves, each with those that failed only because of it."""
    wanted = {step for need in needs for step in need.steps}
    failed = [step for step in result.faults if step in wanted]
    found: dict[Step, list[Step]] = {}
    for step in sorted(failed, key=lambda step: _innocence(step, failed, result)):
        causes = [cause for cause in found if _is_cause(cause, step, needs, result)]
        if causes:
            found[causes[0]].append(step)
        else:
            found[step] = []
    return found


def _innocence(step: Step, failed: Sequence[Step], result: Tried) -> tuple[bool, bool, int]:
    """Returns a key by which what fails of itself comes before what needs that: strangers, and what needs nothing."""
    beneath = [name for name in result.requires.get(step.what, []) if Step("distribution", name) in failed]
    return result.faults[step].stranger is None, step.kind != "distribution", len(beneath)


def _is_cause(cause: Step, step: Step, needs: Sequence[Need], result: Tried) -> bool:
    """Whether a step failed of another's fault: of the same error, or because it needs what crashed."""
    one, other = result.faults[cause], result.faults[step]
    if one.reason != other.reason:
        return False
    if not other.crashed or cause.what in result.requires.get(step.what, []):
        return True
    return step.kind == "statement" and all(cause in need.steps for need in needs if step in need.steps)


def _fault(python: str, step: Step, fault: Fault, waiting: Sequence[str]) -> Check:
    title = f"import of {step.what}" if step.kind == "distribution" else f"`{step.what}`"
    stranger = f" (the file is {fault.stranger})" if fault.stranger else ""
    message = f"fails: {fault.reason}{stranger}; needed by {', '.join(waiting)}"
    return Check(title, "wrong", message, _mend(python, step, fault))


def _mend(python: str, step: Step, fault: Fault) -> str:
    if fault.stranger:
        return _out_of_the_way(Path(fault.stranger))
    if python == HERE and (command := locking_again()):
        return command
    command = this_python() if python == HERE else python
    if step.kind == "statement":
        return f'{command} -c "{step.what}"   (shows where it fails)'
    if python == HERE:
        return pip_install(f"--force-reinstall --no-deps {step.what}")
    return f"{command} -m pip install --force-reinstall {step.what}"


def _out_of_the_way(file: Path) -> str:
    """Returns the command that takes away what hides an installed package."""
    entries = [Path(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    if any(file.is_relative_to(entry) for entry in entries):
        return "unset PYTHONPATH"
    hiding = file.parent if file.name == "__init__.py" else file
    return f"mv {typed(hiding)} {typed(hiding.with_name(hiding.name + '.aside'))}"
