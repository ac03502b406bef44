"""Libraries print as they like; `quiet` sends all of it, C code included, to a log file beside the report."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from evalkit.commands.screen import Screen, silence
from evalkit.store.atomic import appending, writing


@contextmanager
def quiet(log: Path) -> Iterator[TextIO]:
    """Sends file descriptors 1 and 2 to `log` for as long as it is entered; yields a stream to the real stderr.

    Raises:
        StorageError: The log cannot be written.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    with writing(log):
        target = appending(log)
    saved = [os.dup(descriptor) for descriptor in (1, 2)]
    with Screen(os.dup(2), sys.stderr.encoding) as screen, target:
        for descriptor in (1, 2):
            os.dup2(target.fileno(), descriptor)
        logging.captureWarnings(capture=True)
        try:
            yield screen
        finally:
            logging.captureWarnings(capture=False)
            for stream, descriptor, original in zip((sys.stdout, sys.stderr), (1, 2), saved, strict=True):
                _drain(stream, descriptor)
                os.dup2(original, descriptor)
                os.close(original)


def _drain(stream: TextIO, descriptor: int) -> None:
    """Writes what a stream still holds to where it belongs: else it would turn up on the terminal."""
    try:
        stream.flush()
    except OSError:  # a full disk: what libraries had to say is lost
        silence(descriptor)
        stream.flush()
