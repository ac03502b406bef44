"""What lies in a store's directory, counted without reading any of it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalkit.store.atomic import SUFFIX
from evalkit.store.directory import DAMAGED, PARTS


@dataclass(frozen=True)
class Contents:
    """How much there is.

    Attributes:
        artefacts: How many.
        bytes: Their size together.
        parts: Files that were begun and not finished.
        damaged: Artefacts that were set aside.
    """

    artefacts: int
    bytes: int
    parts: int
    damaged: int


def contents(root: Path) -> Contents:
    """Returns what lies in a store's directory.

    Raises:
        OSError: A folder cannot be read.
    """
    shelves = [entry.path for entry in os.scandir(root) if entry.is_dir() and not entry.name.startswith(".")]
    sizes = [_size(entry) for shelf in shelves for entry in _files(shelf)]
    parts = [entry for entry in _files(str(root / PARTS)) if entry.name.endswith(SUFFIX)]
    return Contents(len(sizes), sum(sizes), len(parts), sum(1 for _ in _files(str(root / DAMAGED))))


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat().st_size
    except FileNotFoundError:  # taken away in between
        return 0


def _files(folder: str) -> Iterator["os.DirEntry[str]"]:
    if not os.path.isdir(folder):  # noqa: PTH112  one of many
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path)
            else:
                yield entry
