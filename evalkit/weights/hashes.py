"""Hashes of weights: each file is read once, and its hash stands until the file's size, times or place on disk change.

What was found is remembered in the user's cache directory, one small file for each, so that processes do not write over
each other's. The time of the last change of the file's own facts is among what must be the same: it cannot be set back.
"""

import json
from contextlib import suppress
from pathlib import Path

import platformdirs

from evalkit.digest import digest, file_sha256
from evalkit.errors import StorageError
from evalkit.store.atomic import write_text

SMALL = 1 << 20  # bytes; smaller files are read at each run, which takes no longer than remembering them

Facts = list[int]
_FOUND: dict[str, tuple[Facts, str]] = {}


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 (hex) of a file as it is, read again only if it changed since it was last hashed.

    Raises:
        OSError: It cannot be read.
    """
    facts, name = _facts(path), str(path.absolute())
    found = _FOUND.get(name)
    if found is None and facts[0] >= SMALL:
        found = _remembered(name)
    if found is None or found[0] != facts:
        return sha256_now(path)
    _FOUND[name] = found
    return found[1]


def sha256_now(path: Path) -> str:
    """Returns the SHA-256 (hex) of a file, read whatever is remembered of it.

    Raises:
        OSError: It cannot be read.
    """
    facts, name = _facts(path), str(path.absolute())
    _FOUND[name] = facts, file_sha256(path)  # the facts from before: a change meanwhile shows next time
    _remember(name, *_FOUND[name])
    return _FOUND[name][1]


def is_known(path: Path) -> bool:
    """Whether a file's hash can be told without reading the file.

    Raises:
        OSError: It is not there.
    """
    name = str(path.absolute())
    found = _FOUND.get(name) or _remembered(name)
    return found is not None and found[0] == _facts(path)


def _facts(path: Path) -> Facts:
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, facts.st_dev]


def _place(name: str) -> Path:
    return Path(platformdirs.user_cache_dir("evalkit")) / "sha256" / f"{digest(name)[:32]}.json"


def _remembered(name: str) -> tuple[Facts, str] | None:
    try:
        kept = json.loads(_place(name).read_text(encoding="utf-8"))
        path, facts, sha256 = kept["path"], list(kept["facts"]), str(kept["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (facts, sha256) if path == name and len(sha256) == 64 else None


def _remember(name: str, facts: Facts, sha256: str) -> None:
    if facts[0] >= SMALL:
        content = json.dumps({"path": name, "facts": facts, "sha256": sha256})
        with suppress(StorageError):  # then it is read again next time
            write_text(_place(name), content + "\n")
