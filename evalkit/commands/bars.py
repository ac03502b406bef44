"""Bars with lines of text below them, on a terminal."""

from collections.abc import Callable, Iterable, Sequence

from rich.console import Console, RenderableType
from rich.progress import Progress, ProgressColumn, Task
from rich.text import Text


class Bars(Progress):
    """Bars, and lines below them that are asked for whenever the display is drawn.

    What is written to standard error belongs into the log that `quiet` sends it to, not above the bars.

    Args:
        columns: Of each bar.
        below: Gives the lines.
        console: Where to.
    """

    def __init__(self, columns: Sequence[ProgressColumn], below: Callable[[], list[str]], console: Console) -> None:
        self._below = below
        super().__init__(*columns, console=console, redirect_stdout=False, redirect_stderr=False)

    def get_renderables(self) -> Iterable[RenderableType]:
        """See `Progress.get_renderables`."""
        yield from super().get_renderables()
        yield from (Text(line, no_wrap=True, overflow="crop") for line in self._below())


class Told(ProgressColumn):
    """Text that is made anew whenever the display is drawn, so that its times go on."""

    max_refresh = None

    def __init__(self, told: Callable[[Task], str]) -> None:
        super().__init__()
        self._told = told

    def render(self, task: Task) -> Text:
        """See `ProgressColumn.render`."""
        return Text(self._told(task), no_wrap=True)
