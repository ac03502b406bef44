"""Reading the YAML files that people write, with errors that name the file, the field and what was expected."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from evalkit.errors import DataError

T = TypeVar("T")
OURS = {"dataclass_type": "expected a dictionary, keys and values"}  # pydantic's own words name classes


def read_manifest(path: Path, kind: type[T]) -> T:
    """Returns the YAML file's content as a `kind`.

    Raises:
        DataError: The file is missing, no YAML, or not of that shape.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not YAML: {error}") from error
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        raise DataError(f"{path}: {describe(error)}") from error


def describe(error: ValidationError, prefix: str = "") -> str:
    """Returns pydantic's findings in one line each: where, what was expected, what was got."""
    lines = []
    for finding in error.errors():
        where = ".".join([prefix, *(str(part) for part in finding["loc"])]).strip(".") or "the whole file"
        if finding["type"] == "missing":  # its input is all that is there
            lines.append(f"{where}: is missing")
            continue
        expected = OURS.get(finding["type"]) or _lower_first(finding["msg"].removeprefix("Value error, "))
        lines.append(f"{where}: {expected} (got {finding['input']!r})")
    return "; ".join(lines)


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def inside(folder: Path, name: str, manifest: Path) -> Path:
    """Returns the path of `name` within `folder`.

    Raises:
        DataError: It leaves the folder, which a manifest from elsewhere must not.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise DataError(f"{manifest}: file {name!r} leaves the folder {folder}; keep a manifest's files beside it")
    return path
