"""Margins: by how much a metric may be worse before that matters, in its own unit or as a ratio."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from evalkit.errors import DataError
from evalkit.manifest import read_manifest

_CLOSED = ConfigDict(extra="forbid", allow_inf_nan=False)
Difference = Annotated[float, Field(gt=0, strict=True)]  # strict: `yes` is no 1


@dataclass(frozen=True, config=_CLOSED)
class Ratio:
    """A margin as a ratio of the baseline's value: 1.2 allows a fifth more, or of what is better high a sixth less.

    Attributes:
        ratio: The margin.
        between_runs: By how much the value of a whole run varies though nothing changed, as a share of it (a standard
            deviation): other loads of the machine, of which no pair of one run can tell.
    """

    ratio: Annotated[float, Field(gt=1, strict=True)]
    between_runs: Annotated[float, Field(ge=0, strict=True)] = 0.0


Margin = Difference | Ratio


@dataclass(frozen=True, config=_CLOSED)
class _MarginsFile:
    margins: dict[str, Margin]


def read_margins(path: Path) -> dict[str, Margin]:
    """Reads margins by metric, in the order of the file.

    Raises:
        DataError: It is no file of margins, or has none.
    """
    margins: Mapping[str, Margin] = read_manifest(path, _MarginsFile).margins
    if not margins:
        raise DataError(f"{path} has no margins, so that nothing could be gated")
    return dict(margins)


def allowed(margin: Margin, value: float, *, higher_is_better: bool) -> float:
    """Returns how much worse than a baseline's `value` a margin allows, in the metric's unit."""
    if not isinstance(margin, Ratio):
        return margin
    return abs(value) * (1 - 1 / margin.ratio if higher_is_better else margin.ratio - 1)


def load_of(margin: Margin, value: float) -> float:
    """Returns the variance of a difference that the load of two runs leaves, where the baseline's is `value`."""
    return 2 * (margin.between_runs * value) ** 2 if isinstance(margin, Ratio) else 0.0
