"""Columns of a table: what each is called, and which kind of values pandas takes it for.

Settings and metrics have names of anybody's making, so two may ask for the same one. Who is added first keeps it; who
comes later is called by its kind too (`metric.voice`): nothing takes another's place, and nothing is left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from evalkit.analysis.findings import plain
from evalkit.digest import Scalar
from evalkit.errors import DataError

Column = pd.api.extensions.ExtensionArray | np.ndarray[Any, np.dtype[Any]]
LARGEST = 2**63 - 1  # of whole numbers: what 64 bits hold


class Table:
    """Columns in the order in which they are added, all of one length, no two of one name."""

    def __init__(self) -> None:
        self._columns: dict[str, Column] = {}

    def add(self, kind: str, name: str, column: Column) -> None:
        """Adds a column; under `kind.name` if there is one of that name."""
        self.add_all(kind, name, {"": column})

    def add_all(self, kind: str, name: str, columns: Mapping[str, Column]) -> None:
        """Adds columns that belong together, by what each has after the name; all are renamed or none."""
        stem = legible(name)
        while any(stem + ending in self._columns for ending in columns):
            stem = f"{kind}.{stem}"
        self._columns |= {stem + ending: column for ending, column in columns.items()}

    def frame(self) -> pd.DataFrame:
        """Returns the table."""
        return pd.DataFrame(self._columns)


def legible(text: str) -> str:
    """Returns a text that UTF-8 can hold: half of a surrogate pair, which comes of bytes that are none, is spelt."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def names(values: Sequence[str | None], order: Sequence[str] = ()) -> Column:
    """Returns names of few things as categories, in the given order, then in that of the values."""
    spelt = {value: legible(value) for value in dict.fromkeys([*order, *values]) if value is not None}
    there = [None if value is None else spelt[value] for value in values]
    return pd.Categorical(there, categories=list(dict.fromkeys(spelt.values())))


def texts(values: Sequence[str | None]) -> Column:
    """Returns texts; those that are missing are `<NA>`."""
    return pd.array([None if value is None else legible(value) for value in values], dtype="string")


def numbers(values: Sequence[float | None]) -> Column:
    """Returns numbers as floats of 64 bits; those that are missing are NaN, which no report has as a value."""
    return np.array(values, dtype=np.float64)


def counts(values: Sequence[int | None]) -> Column:
    """Returns whole numbers; those that are missing are `<NA>`.

    Raises:
        DataError: One is beyond 64 bits.
    """
    if large := next((value for value in values if value is not None and abs(value) > LARGEST), None):
        raise DataError(f"the report counts {float(large):g} of something, {LARGEST} is the most that a table holds")
    return pd.array(list(values), dtype="Int64")


def truths(values: Sequence[bool | None]) -> Column:
    """Returns truths; those that are missing are `<NA>`."""
    return pd.array(list(values), dtype="boolean")


def settings(values: Sequence[Scalar]) -> Column:
    """Returns the values of a setting, of the one kind that all have; of several kinds, as the printed table has them.

    `null`, and a setting that an engine does not have, are missing.
    """
    there = list({(type(value), value): value for value in values if value is not None}.values())
    if there and all(isinstance(value, bool) for value in there):
        return truths([None if value is None else bool(value) for value in values])
    if there and all(_is_number(value) and isinstance(value, int) for value in there):
        return counts(values)  # type: ignore[arg-type]
    if all(_is_number(value) for value in there):
        return numbers(values)  # type: ignore[arg-type]
    return names([None if value is None else plain(value) for value in values])


def _is_number(value: Scalar) -> bool:
    if isinstance(value, bool | str):
        return False
    return isinstance(value, float) or (isinstance(value, int) and abs(value) <= LARGEST)
