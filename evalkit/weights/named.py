"""Weights that an adapter names: an asset, or a directory of the user's.

They count by their bytes, wherever they lie: a directory that is a copy of an asset gives the same numbers.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar

from pydantic import field_validator

from evalkit.weights.assets import library
from evalkit.weights.hashes import sha256_of


class NamedWeights:
    """What adapters share whose field `weights` names an asset or a directory.

    Attributes:
        weights: The name of an asset, or a directory.
        published: The assets that would do.
        layout: Patterns, each of which a directory must have a file for.
    """

    weights: str
    published: ClassVar[tuple[str, ...]]
    layout: ClassVar[tuple[str, ...]]

    @field_validator("weights", check_fields=False)
    @classmethod
    def _is_whole(cls, weights: str) -> str:
        return checked(weights, cls.published, cls.layout)

    @property
    def folder(self) -> Path:
        """Where the weights lie.

        Raises:
            MissingAssetsError: They were not fetched.
        """
        return folder_of(self.weights)


def checked(weights: str, published: Sequence[str], layout: Sequence[str]) -> str:
    """Returns what names weights: an asset as it is, a directory in full.

    Args:
        weights: The name of an asset, or a directory.
        published: The assets that would do, for the message.
        layout: Patterns, each of which a directory must have a file for.

    Raises:
        ValueError: It is neither, or the directory lacks files.
    """
    if weights in library().known:
        return weights
    try:
        folder = Path(weights).expanduser()
        is_there = folder.is_dir()
    except (RuntimeError, OSError) as error:  # no such user, too long a path
        raise ValueError(f"{weights} is no path of a directory: {error}") from error
    if not is_there:
        raise ValueError(f"there is no directory {folder}, and no asset of that name: {', '.join(published)}")
    if lacking := [pattern for pattern in layout if not any(folder.glob(pattern))]:
        raise ValueError(f"{folder} lacks {', '.join(lacking)}; it needs {', '.join(layout)}")
    return str(folder.resolve())


def assets_of(weights: str) -> tuple[str, ...]:
    """Returns the asset that `weights` names, if it is one."""
    return (weights,) if weights in library().known else ()


def folder_of(weights: str) -> Path:
    """Returns where weights lie.

    Raises:
        MissingAssetsError: They are an asset that was not fetched.
        DamagedWeightsError: They are one that is no longer what was fetched.
    """
    return library().whole(weights) if assets_of(weights) else Path(weights)


def hashes_of(weights: str) -> dict[str, str]:
    """Returns the SHA-256 of each file of an asset or a directory, by its path in there."""
    if not assets_of(weights):
        return directory_hashes(Path(weights))
    fetched = library().fingerprint([weights])
    return {file.removeprefix(f"{weights}/"): sha256 for file, sha256 in fetched.items()}


def directory_bytes(weights: str) -> int:
    """Returns the size of the directory that `weights` names; 0 if it names an asset, or nothing."""
    folder = Path(weights)
    if assets_of(weights) or not folder.is_dir():
        return 0
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def directory_hashes(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of each file below a folder, hidden ones left out."""
    return dict(_hashes(folder))


@cache
def _hashes(folder: Path) -> tuple[tuple[str, str], ...]:
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    shown = {at: path for at, path in files.items() if not any(part.startswith((".", "__")) for part in at.parts)}
    return tuple((at.as_posix(), sha256_of(path)) for at, path in shown.items())
