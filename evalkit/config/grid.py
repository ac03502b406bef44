"""Axes and cells: a grid is a list of Hydra sweep overrides, and a cell one choice from each."""

import math
import re
import shlex
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, RangeSweep
from hydra.errors import HydraException

from evalkit.errors import ConfigError

AXIS_ROOTS = ("engine", "prompt")
MOST_CELLS = 1000  # each takes some 60 ms to compose, and then all its utterances
Choice = list[str]
_OPEN = re.compile(r"engine\.(of\.)?(extra|knobs|names)\.[^=]+=")  # what only the user knows the names of


def parse(overrides: Sequence[str]) -> list[Override]:
    """Parses overrides in Hydra's grammar.

    Raises:
        ConfigError: One is not an override, or a range never ends.
    """
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise ConfigError(f"cannot read the override: {str(error).splitlines()[0]}{_advice(overrides)}") from error
    for override in parsed:
        value = override.value()
        if isinstance(value, RangeSweep) and Decimal(str(value.step)) == 0:
            raise ConfigError(f"{override.input_line}: a range needs a step other than 0")
    return parsed


def opened(overrides: Sequence[str]) -> list[str]:
    """Returns overrides as Hydra takes them: a name below an open mapping of an engine's is new, so it gets a `++`."""
    return [f"++{override}" if _OPEN.match(override) else override for override in overrides]


def _advice(overrides: Sequence[str]) -> str:
    """Returns what to type for a list with spaces in it, and for a path with what Hydra's grammar has no place for."""
    for override in overrides:
        key, _, value = override.partition("=")
        if value.endswith(","):
            return f"; values are listed without spaces between them: {key}={value}..."
        if value.startswith("~"):
            return f"; to Hydra a ~ is no beginning of a value: put it in quotes of its own, {_quoted(key, value)}"
        if set(value) & set("() ") and not set(value) & set("'\"[]{}"):
            return f"; to Hydra spaces and brackets have meanings: put it in quotes of its own, {_quoted(key, value)}"
    return ""


def _quoted(key: str, value: str) -> str:
    return shlex.quote(f"{key}='{value}'")


def split_axes(overrides: Sequence[str]) -> tuple[list[str], list[str]]:
    """Parts what was typed into fixed overrides and axes.

    Raises:
        ConfigError: An axis that is not a setting of a trial.
    """
    axes, fixed = [], []
    for override in parse(overrides):
        line = str(override.input_line)
        if not override.is_sweep_override():
            fixed.append(line)
            continue
        _check_axis(override)
        axes.append(line)
    return fixed, axes


def cells(
    grids: Sequence[Sequence[str]], typed_axes: Sequence[str], typed_fixed: Sequence[str], most: int = MOST_CELLS
) -> list[Choice]:
    """Returns the cells of the union of grids, each a list of overrides.

    What was typed wins: an axis replaces the sweep's axis of that key, and a fixed value takes it away.

    Raises:
        ConfigError: An axis has no value, is not a setting of a trial, or stands there twice, or there are more than
            `most` cells.
    """
    typed, fixed = parse(typed_axes), parse(typed_fixed)
    _check_once(typed, fixed)
    taken = {_key(override) for override in [*typed, *fixed]}
    union: list[list[Override]] = []
    for grid in grids or [[]]:
        axes = parse(grid)
        _check_once(axes)
        for axis in axes:
            _check_axis(axis)
        union.append([*(axis for axis in axes if _key(axis) not in taken), *typed])
    _check_number(union, most)
    return [list(cell) for cell in dict.fromkeys(tuple(cell) for axes in union for cell in _product(axes))]


def _check_number(union: Sequence[Sequence[Override]], most: int) -> None:
    """Does nothing unless grids have too many cells; they are counted, not put together."""
    number = sum(math.prod(_count(axis) for axis in axes) for axes in union)
    if number > most:
        raise ConfigError(
            f"the grid has {number} cells, max_cells={most} are allowed; give its axes fewer values, or type "
            f"max_cells={number}"
        )


def _count(axis: Override) -> int:
    """Returns how many values an axis has; 1 where it cannot be told, since that is refused later."""
    value = axis.value()
    if isinstance(value, ChoiceSweep):
        return len(value.list)
    if not isinstance(value, RangeSweep):
        return 1
    try:
        start, stop, step = (Fraction(str(one)) for one in (value.start, value.stop, value.step))
    except ValueError as error:
        raise ConfigError(f"{axis.input_line}: a range needs numbers that end somewhere") from error
    return max(0, math.ceil((stop - start) / step))


def _product(axes: list[Override]) -> list[Choice]:
    try:
        product: list[Choice] = BasicSweeper.split_arguments(axes, None)[0]
    except HydraException as error:
        raise ConfigError(f"cannot sweep {', '.join(str(axis.input_line) for axis in axes)}: {error}") from error
    if not product:
        lines = ", ".join(str(axis.input_line) for axis in axes)
        raise ConfigError(f"the grid has no cell: one of its axes has no value ({lines})")
    return product


def _check_once(axes: Sequence[Override], fixed: Sequence[Override] = ()) -> None:
    """Raises a ConfigError where a key has two axes, or an axis and a value: one of them would be dropped."""
    seen: dict[str, str] = {}
    for axis in axes:
        key, line = _key(axis), str(axis.input_line)
        if key in seen:
            raise ConfigError(f"{key} is an axis twice, {seen[key]} and {line}: write one with all values")
        seen[key] = line
    for override in fixed:
        if (key := _key(override)) in seen:
            raise ConfigError(
                f"{key} is both an axis and a value, {seen[key]} and {override.input_line}: leave one out"
            )


def _key(override: Override) -> str:
    """Returns what an override is of: a group that stands in two places, `engine` and `engine@engine.of`, is two."""
    return f"{override.key_or_group}@{override.package}" if override.package else str(override.key_or_group)


def _check_axis(axis: Override) -> None:
    key = axis.key_or_group
    if key.split(".")[0] == "tracker":
        listed = str(axis.input_line).partition("=")[2]
        raise ConfigError(f"{axis.input_line}: trackers are no axis; several at once are a list: {key}=[{listed}]")
    if key.split(".")[0].split("/")[0] in AXIS_ROOTS:
        return
    hint = f"; a list of values is written {key}=[...]" if key.split(".")[-1] in {"ids", "names", "seeds"} else ""
    raise ConfigError(
        f"{axis.input_line}: {key!r} cannot be an axis, since it is no setting of a trial; "
        f"axes begin with {' or '.join(AXIS_ROOTS)}{hint}"
    )
