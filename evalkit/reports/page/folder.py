"""The page's own folder: made anew beside the old one, whose place it then takes, so that nothing old stays in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from evalkit.store.atomic import writing


@contextmanager
def made_anew(folder: Path) -> Iterator[Path]:
    """Yields an empty folder that takes the place of `folder` when the block is left without an error.

    A link in that place is replaced; what it leads to stays as it is.

    Raises:
        StorageError: The disk refused; what was there stays.
    """
    beside = f".{folder.name}."
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f"{beside}*"):  # by processes that were killed
            _remove(left)
        part, old = (folder.parent / f"{beside}{uuid4().hex}" for _ in range(2))
        part.mkdir()
    try:
        yield part
        with writing(folder):
            with suppress(FileNotFoundError):
                folder.rename(old)
            part.rename(folder)
    finally:
        _remove(part)
        _remove(old)


def _remove(path: Path) -> None:
    """Removes a folder or file; of a link only itself."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
