"""How far a long loop is: a bar on a terminal, a line every ten seconds elsewhere, always on standard error."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from evalkit.commands.display import PLAIN_EVERY
from evalkit.commands.screen import tell

Item = TypeVar("Item")


def watched(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """Gives what it was given, and tells how many of `total` are done; see `pipeline.pruning.Watched`."""
    console = Console(stderr=True)
    if console.is_terminal:
        yield from track(items, what, total, console=console, transient=True)
        return
    last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - last >= PLAIN_EVERY:
            last = time.monotonic()
            tell(f"{what}: {done}/{total}")
