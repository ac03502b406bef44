"""Reading text files that others wrote: regular files only, of a size that a text has, and UTF-8."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from evalkit.errors import DataError
from evalkit.names import visible

MB = 1 << 20
LONGEST = 16 * MB  # bytes of a text that people write, or of a report


def read_text(path: Path, what: str = "text", *, most: int | None = LONGEST) -> str:
    """Returns the content of a text file, a byte order mark left out.

    Args:
        path: Of a regular file, or a link to one: a pipe would be waited for, a device never ends.
        what: What it is, for messages.
        most: Bytes that it may have; None: as many as there are.

    Raises:
        DataError: There is no such file, it is too large, or not UTF-8.
    """
    try:
        data = _read_bytes(path, what, most)
    except OSError as error:
        raise DataError(f"no {what} at {path}: {error.strerror}") from error
    except ValueError as error:  # a NUL in the path
        raise DataError(f"no {what} at {visible(str(path))}: {error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} is not UTF-8 text (line {line}, byte 0x{data[error.start]:02x}); save it as UTF-8"
        ) from error


@contextmanager
def regular_file(path: Path, what: str) -> Iterator[BinaryIO]:
    """Yields the bytes of a regular file, for those that are read piece by piece.

    Raises:
        DataError: It is a folder, a pipe, a device or the like.
        OSError: It cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # opening a pipe does not wait either
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DataError(f"{path} is no file that can be read as {what}, but a folder, a pipe, a device or the like")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def _read_bytes(path: Path, what: str, most: int | None) -> bytes:
    with regular_file(path, what) as file:
        data = file.read() if most is None else file.read(most + 1)
    if most is not None and len(data) > most:
        raise DataError(f"{path} is larger than {most / MB:g} MB: too large for {what}")
    return data
