"""The Hydra program behind `run`: composes the configuration of the run and of each cell, explains what is wrong."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from evalkit.config.grid import cells, opened, split_axes
from evalkit.config.making import WRAPPED, require_packages
from evalkit.config.planning import build_plan, voices_plan
from evalkit.config.schema import RunConfig, validate
from evalkit.errors import ConfigError, EvalkitError
from evalkit.pipeline.plan import Plan
from evalkit.resources import resource
from evalkit.voices import Voice

Job = Callable[[Plan, RunConfig], int]
Say = Callable[[str], None]

MANY = 50  # cells, which take seconds to compose
SAY_EVERY = 10.0  # seconds


@dataclass(frozen=True)
class Composed:
    """What was typed, composed and validated; nothing is made of it yet.

    Attributes:
        config: The run's.
        cells: That of each cell of the grid.
        resolved: The run's as plain values, for the report.
    """

    config: RunConfig
    cells: Sequence[RunConfig]
    resolved: Mapping[str, Any]

    def plan(self) -> Plan:
        """Returns the plan, whether or not the packages that it needs are here; raises as `build_plan`."""
        return build_plan(self.config, self.cells, self.resolved)


def run_app(arguments: Sequence[str], job: Job, say: Say = lambda message: None) -> int:
    """Composes what was typed into a plan and hands it to `job`; returns the exit code.

    Args:
        arguments: What was typed.
        job: What is to be done.
        say: Is told how far composing is, where that takes long.

    Raises:
        ConfigError: What was typed cannot be run.
        EvalkitError: Whatever `job` raises.
    """
    if not arguments:
        sweeps = ", ".join(sorted(path.stem for path in resource("configs/sweep").glob("*.yaml")))
        raise ConfigError(f"say what to run: +sweep=NAME (available: {sweeps}) or settings; see run --help")
    composed = compose(arguments, say)
    if composed is None:
        return 0
    plan = composed.plan()
    require_packages(plan.models)
    return job(plan, composed.config)


def compose(arguments: Sequence[str], say: Say = lambda message: None) -> Composed | None:
    """Composes what was typed after `run`; returns None where that was answered already (--help, --cfg).

    Raises:
        ConfigError: What was typed cannot be composed.
    """
    rest, axes = _without_axes(list(arguments))
    rest = opened(rest)
    results: list[Composed | Exception] = []

    @hydra.main(version_base="1.3", config_path=str(resource("configs").resolve()), config_name="run")
    def app(composed: DictConfig) -> None:
        try:
            results.append(_with_cells(_plain(composed), axes, say))
        except (
            EvalkitError,
            HydraException,
            OmegaConfBaseException,
        ) as error:  # Hydra would print it; we do, at the end
            results.append(error)

    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us, to be explained, not to Hydra's printer
    sys.argv = ["evalkit run", *rest]
    try:
        app()
        result = results[0] if results else None
        if isinstance(result, Exception):
            raise result
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(explain(error)) from error
    except ValueError as error:
        if _is_hydras(error):  # it checks some of what is typed as any program would
            raise ConfigError(explain(error)) from error
        raise
    return result


def _is_hydras(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).split(".")[0] in ("hydra", "omegaconf")


def plan_of(overrides: Sequence[str], voice: str | None = None) -> tuple[Plan, RunConfig]:
    """Returns the plan of a single trial, for commands beside `run`.

    Args:
        overrides: As typed.
        voice: The one voice that is wanted; its name is no word of Hydra's: it may be a number, or have blanks.

    Raises:
        ConfigError: What was typed cannot be planned.
    """
    _, axes = split_axes(overrides)
    if axes:
        raise ConfigError(f"{axes[0]}: an axis makes several trials, here is one; choose a value")
    composed = _composed(overrides)
    config = replace(validate(composed), baseline={})  # of one trial there is none, whatever the sweep says
    if voice is not None:
        config = replace(config, voices=replace(config.voices, names=[voice], exclude=None))
    plan = build_plan(config, [config], composed)
    require_packages(plan.models)
    return plan, config


def voices_plan_of(overrides: Sequence[str], voices: Sequence[Voice]) -> Plan:
    """Returns a plan that has the judges of `run` with these overrides listen to voices.

    Raises:
        ConfigError: What was typed is no configuration of a run, or a judge's package is not here.
    """
    composed = _composed(overrides)
    plan = voices_plan(validate(composed), voices, composed)
    require_packages(plan.judges.all)
    return plan


def config_of(overrides: Sequence[str]) -> RunConfig:
    """Returns the configuration that `run` would have, for commands that ask it only where things lie.

    Raises:
        ConfigError: What was typed is no configuration of a run.
    """
    return validate(_composed(overrides))


def _composed(overrides: Sequence[str]) -> Mapping[str, Any]:
    try:
        with hydra.initialize_config_dir(str(resource("configs").resolve()), version_base="1.3"):
            return _compose(list(overrides))
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(explain(error)) from error


def _with_cells(composed: Mapping[str, Any], axes: list[str], say: Say) -> Composed:
    config = validate(composed)
    expanded = _expanded(config, axes, list(HydraConfig.get().overrides.task), say)
    return Composed(config, expanded, composed)


def _expanded(config: RunConfig, axes: list[str], typed: list[str], say: Say) -> list[RunConfig]:
    """Returns the configuration of each cell of the grid."""
    chosen = cells(config.grids, axes, typed, config.max_cells)
    if len(chosen) >= MANY:
        say(f"composing {len(chosen)} cells")
    expanded: list[RunConfig] = []
    last = time.monotonic()
    for cell in chosen:
        expanded.append(_cell(typed, cell))
        if time.monotonic() - last > SAY_EVERY:
            last = time.monotonic()
            say(f"composed {len(expanded)} of {len(chosen)} cells")
    return expanded


def _cell(typed: list[str], cell: list[str]) -> RunConfig:
    try:
        return validate(_compose([*typed, *cell]))
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(f"in the grid's cell {', '.join(cell)}: {explain(error)}") from error


def _without_axes(arguments: list[str]) -> tuple[list[str], list[str]]:
    parsed = get_args_parser().parse_args(arguments)
    if parsed.multirun:
        raise ConfigError("--multirun is not needed: comma lists and ranges are axes of one run; leave it out")
    _, axes = split_axes(parsed.overrides)
    return [argument for argument in arguments if argument not in axes], axes


def _compose(overrides: list[str]) -> Mapping[str, Any]:
    return _plain(hydra.compose("run", overrides=opened(overrides)))


def _plain(composed: DictConfig) -> Mapping[str, Any]:
    for where in ("engine", f"engine.{WRAPPED}"):
        presets = OmegaConf.select(composed, f"{where}.shipped.presets")
        chosen = OmegaConf.select(composed, f"{where}.preset")
        if presets is not None and chosen not in presets:
            raise ConfigError(f"{where}.preset: there is no preset {chosen!r}; available: {', '.join(presets)}")
    return cast(Mapping[str, Any], OmegaConf.to_container(composed, resolve=True, throw_on_missing=True))


def explain(error: BaseException) -> str:
    """Returns what is wrong and what is available, from an error of Hydra's or OmegaConf's."""
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} has no value and needs one: type {error.full_key}=VALUE"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("Config search path", "provider=", "object_type="))]
    if "Available options" in str(error):
        kept = [" ".join(kept)]
    message = kept[0] if kept else type(error).__name__
    if "No match in the defaults list" in message:
        return f"{message} A sweep is added with a plus: +sweep=NAME"
    if "Could not override 'tracker." in message:
        return f"{message} A tracker is chosen before its settings: tracker=NAME"
    if available := _siblings(error):
        return f"{message} Available there: {', '.join(available)}"
    return message


def _siblings(error: BaseException) -> list[str]:
    """Returns the keys beside the one that was not found, if the error tells."""
    cause: BaseException | None = error
    while cause is not None:
        parent = getattr(cause, "parent_node", None)
        if isinstance(parent, DictConfig):
            return sorted(str(key) for key in parent if key != "_target_")
        cause = cause.__cause__
    return []
