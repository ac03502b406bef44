"""All checks in turn. It imports most of evalkit, so `command` imports it with care."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from evalkit.commands.doctor.check import Check, of_error, pip_install, this_python
from evalkit.commands.doctor.devices import TELL, accelerators, named_devices, processor, wanted
from evalkit.commands.doctor.folders import folders
from evalkit.commands.doctor.imports import Step, tried
from evalkit.commands.doctor.models import HERE, Need, checks_of, needs_of
from evalkit.commands.doctor.packages import packages
from evalkit.commands.doctor.weights import all_weights, missing_bytes, weights
from evalkit.config.app import Composed, compose
from evalkit.errors import DataError, PackageError
from evalkit.pipeline.plan import Plan
from evalkit.weights.assets import library


def examined(arguments: Sequence[str]) -> Iterator[Check]:
    """Gives the checks of this machine, and of the run that was typed, if one was.

    Args:
        arguments: As `run` takes them.

    Raises:
        ConfigError: What was typed cannot be planned; nothing has been looked at.
    """
    library()  # complains at once of a place that cannot be
    composed = compose(arguments)
    if composed is None:  # --cfg was answered
        return iter(())
    if not any("=" in argument for argument in arguments):
        return _checks(composed, None, None)
    try:
        return _checks(composed, composed.plan(), None)
    except (PackageError, DataError) as error:
        return _checks(composed, None, of_error("sweep", error, _mend(error)))


def _checks(composed: Composed, plan: Plan | None, fault: Check | None) -> Iterator[Check]:
    models = plan.models if plan else []
    needs = needs_of(models)
    config, assets = composed.config, plan.assets() if plan else []
    with ThreadPoolExecutor() as pool:
        steps = _steps(needs, {python for python, _ in named_devices(models, config.device)})
        trying = {python: pool.submit(tried, python, own) for python, own in steps.items()}
        yield from packages()
        yield from [fault] if fault else []
        yield processor()
        yield from folders(config, library().root, missing_bytes(assets))
        yield from weights(models, assets) if plan else [all_weights()]
        done = {python: result.result() for python, result in trying.items()}
    yield from accelerators(done[HERE])
    yield from wanted(models, config.device, done)
    yield from checks_of(needs, done)


def _steps(needs: Sequence[Need], pythons: set[str]) -> dict[str, list[Step]]:
    """Returns what each Python is to import; those in which a device is named, and this one, tell their devices too."""
    steps: dict[str, list[Step]] = {python: [] for python in [HERE, *(need.python for need in needs), *pythons]}
    for need in needs:
        steps[need.python] += need.steps
    for python in {HERE, *pythons}:
        steps[python].append(TELL)
    return {python: own for python, own in steps.items() if own}


def _mend(error: PackageError | DataError) -> str:
    """Returns what to type where the error does not say it."""
    cause = error.__cause__
    if isinstance(cause, ModuleNotFoundError) and cause.name:
        return pip_install(cause.name)
    if isinstance(error, PackageError):
        return f"{this_python()} -c 'import MODULE'   (shows where it fails)"
    return "voices.path=DIR or probes.path=FILE, behind `run`"
