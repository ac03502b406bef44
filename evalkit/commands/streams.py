"""Standard output and error as they may be: closed, full, ASCII, a terminal that has gone, a pipe that nobody reads.

What a command found goes to standard output by `put`, and what it has to say meanwhile to standard error by `tell`:
nobody listening is no reason to stop.
"""

import io
import os
import sys

from evalkit.errors import StorageError


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


def put(text: str, kept: str = "") -> None:
    """Prints a line, or several, on standard output; a reader that has read enough is no error.

    Args:
        text: The lines.
        kept: What is not lost if they cannot be printed, for the message.

    Raises:
        StorageError: They cannot be printed.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        silence()
    except OSError as error:
        silence()
        raise StorageError(f"cannot write to standard output: {error.strerror}{f'; {kept}' if kept else ''}") from error


def tell(text: str) -> None:
    """Prints a line on standard error, if anybody can be told."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        silence(2)


def silence(descriptor: int = 1) -> None:
    """Sends what is still to be written nowhere: else the interpreter would fail at it when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
