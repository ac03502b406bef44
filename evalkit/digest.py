"""Content addresses: one canonical JSON text for a value, and its SHA-256."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

Scalar = str | int | float | bool | None
Json = Scalar | Sequence["Json"] | Mapping[str, "Json"]


def canonical_json(value: Json) -> str:
    """Returns the one JSON text for `value`: sorted keys, no spaces.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Json) -> str:
    """Returns the SHA-256 (hex, 64 digits) of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
