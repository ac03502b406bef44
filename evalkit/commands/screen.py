"""What is printed: the one way to standard output and standard error, whatever these are.

They may be closed, full, ASCII only, a terminal that has gone, a pipe that nobody reads: nobody listening is no reason
to stop, and no name a reason to fail. Nor does any steer the terminal: names and texts from outside are made `visible`.
"""

import io
import os
import sys

from evalkit.errors import StorageError
from evalkit.names import visible


def prepare() -> None:
    """Opens what is closed, so that no file of ours takes its number, and lets every name be printed somehow."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        if (stream := getattr(sys, name)) is None:
            setattr(sys, name, os.fdopen(os.dup(descriptor), "w", encoding="utf-8"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show(text: str = "", kept: str = "") -> None:
    """Prints a result on standard output; a reader that has read enough is no error.

    Args:
        text: A line, or several.
        kept: What is not lost if they cannot be printed, for the message.

    Raises:
        StorageError: They cannot be printed.
    """
    try:
        print(visible(text), flush=True)  # noqa: T201
    except BrokenPipeError:
        silence(1)
    except OSError as error:
        silence(1)
        raise StorageError(f"cannot write to standard output: {error.strerror}{f'; {kept}' if kept else ''}") from error


def tell(text: str) -> None:
    """Prints a message on standard error, if anybody can be told."""
    try:
        print(visible(text), file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        silence(2)


def silence(descriptor: int) -> None:
    """Sends what is still to be written nowhere: else the interpreter would fail at it when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


class Screen(io.TextIOWrapper):
    """A stream to a descriptor, for as long as anybody is there; afterwards what is written goes nowhere."""

    def __init__(self, descriptor: int, encoding: str) -> None:
        file = io.BufferedWriter(io.FileIO(descriptor, "w"))
        super().__init__(file, encoding=encoding, errors="backslashreplace")

    def write(self, text: str, /) -> int:
        """Writes text."""
        try:
            return super().write(text)
        except OSError:
            silence(self.fileno())
            return len(text)

    def flush(self) -> None:
        """Writes what is held back."""
        try:
            super().flush()
        except OSError:
            silence(self.fileno())
            super().flush()
