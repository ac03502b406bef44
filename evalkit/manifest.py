"""Reading the YAML files that people write, with errors that name the file, the field and what was expected."""

import reprlib
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from evalkit.errors import DataError
from evalkit.names import path_fault, shortened, without_credentials
from evalkit.yamlfile import read_yaml

MOST_FINDINGS = 5  # of one message
LONGEST_QUOTATION = 300  # characters

T = TypeVar("T")
OURS = {"dataclass_type": "expected a dictionary, keys and values"}  # pydantic's own words name classes

_brief = reprlib.Repr()  # a value's whole text may be larger than memory
_brief.maxstring, _brief.maxother, _brief.maxlong = 200, 200, 60


def read_manifest(path: Path, kind: type[T]) -> T:
    """Returns the YAML file's content as a `kind`.

    Raises:
        DataError: The file is missing, no YAML, or not of that shape.
    """
    content = read_yaml(path)
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        raise DataError(f"{path}: {describe(error)}") from error


def describe(error: ValidationError, prefix: str = "") -> str:
    """Returns pydantic's findings in one line each: where, what was expected, what was got; the first few."""
    lines = []
    for finding in error.errors()[:MOST_FINDINGS]:
        where = ".".join([prefix, *(str(part) for part in finding["loc"])]).strip(".") or "the whole file"
        if finding["type"] == "missing":  # its input is all that is there
            lines.append(f"{where}: is missing")
            continue
        expected = OURS.get(finding["type"]) or _lower_first(finding["msg"].removeprefix("Value error, "))
        lines.append(f"{where}: {expected} (got {_got(finding['input'])})")
    if error.error_count() > MOST_FINDINGS:
        lines.append(f"and {error.error_count() - MOST_FINDINGS} more")
    return "; ".join(lines)


def _got(value: object) -> str:
    try:
        return shortened(without_credentials(_brief.repr(value)), LONGEST_QUOTATION)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def inside(folder: Path, name: str, manifest: Path) -> Path:
    """Returns the path of `name` within `folder`.

    Raises:
        DataError: It is no path, or leaves the folder, which a manifest from elsewhere must not.
    """
    if fault := path_fault(name):
        raise DataError(f"{manifest}: the file name {name!r} {fault}")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise DataError(f"{manifest}: file {name!r} leaves the folder {folder}; keep a manifest's files beside it")
    return path
