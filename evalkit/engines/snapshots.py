"""Engines with weights that lie in a fetched asset, or in a directory of the user's."""

import json
from functools import cache
from pathlib import Path
from typing import ClassVar

import platformdirs
from pydantic import field_validator

from evalkit.assets import library
from evalkit.digest import Json, file_sha256
from evalkit.engines.base import Engine

LARGE = 1 << 26  # bytes; smaller files are hashed at each run


class SnapshotEngine(Engine):
    """An engine whose field `weights` names an asset or a directory.

    Weights count by their bytes, wherever they lie: a directory that is a copy of the asset gives the same syntheses.

    Attributes:
        weights: The name of an asset, or a directory.
        published: The assets that it can speak with.
        layout: Patterns, each of which a directory must have a file for.
    """

    weights: str
    published: ClassVar[tuple[str, ...]]
    layout: ClassVar[tuple[str, ...]]

    @field_validator("weights", check_fields=False)
    @classmethod
    def _is_whole(cls, weights: str) -> str:
        if weights in library().known:
            return weights
        folder = Path(weights).expanduser()
        if not folder.is_dir():
            raise ValueError(f"there is no directory {folder}, and no asset of that name: {', '.join(cls.published)}")
        if lacking := [pattern for pattern in cls.layout if not any(folder.glob(pattern))]:
            raise ValueError(f"{folder} lacks {', '.join(lacking)}; it needs {', '.join(cls.layout)}")
        return str(folder.resolve())

    @property
    def assets(self) -> tuple[str, ...]:  # type: ignore[override]
        """The weights it was told to use, if they are an asset."""
        return (self.weights,) if self.weights in library().known else ()

    @property
    def folder(self) -> Path:
        """Where the weights lie.

        Raises:
            MissingAssetsError: They were not fetched.
        """
        self.require()
        return library().folder(self.weights) if self.assets else Path(self.weights)

    def fingerprint(self) -> dict[str, Json]:
        """See `Engine.fingerprint`."""
        inherited = super().fingerprint()
        knobs = {name: value for name, value in self.knobs().items() if name != "weights"}
        return {**inherited, "knobs": knobs, "weights": self._hashes()}

    def _hashes(self) -> dict[str, str]:
        if not self.assets:
            return directory_hashes(Path(self.weights))
        fetched = library().fingerprint(self.assets)
        return {file.removeprefix(f"{self.weights}/"): sha256 for file, sha256 in fetched.items()}


def directory_hashes(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of each file below a folder, hidden ones left out."""
    return dict(_hashes(folder))


@cache
def _hashes(folder: Path) -> tuple[tuple[str, str], ...]:
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    shown = {at: path for at, path in files.items() if not any(part.startswith((".", "__")) for part in at.parts)}
    return tuple((at.as_posix(), _sha256(path)) for at, path in shown.items())


def _sha256(path: Path) -> str:
    """Returns a file's hash; that of a large one is kept by path, size and time of change: gigabytes take seconds."""
    facts = path.stat()
    if facts.st_size < LARGE:
        return file_sha256(path)
    kept = Path(platformdirs.user_cache_dir("evalkit")) / "sha256.json"
    key = f"{path.resolve()}|{facts.st_size}|{facts.st_mtime_ns}"
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if key not in known:
        known[key] = file_sha256(path)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(known, indent=2), encoding="utf-8")
    return str(known[key])
