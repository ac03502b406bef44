"""The numbers so far, by trial: what a person sees under the bars, as much as there is room for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from evalkit.analysis.running import Pooled, Running
from evalkit.names import visible
from evalkit.pipeline.events import RunBegun
from evalkit.reports.labels import labels
from evalkit.reports.layout import GAP, fits
from evalkit.row import Row

MOST, LEAST = 8, 2  # trials shown; with no room for the least, none
NARROWEST = 24  # columns
CUT = "…"


@dataclass(frozen=True)
class Standings:
    """The metric that decides, so far."""

    running: Running
    names: Mapping[str, str]

    @classmethod
    def of(cls, begun: RunBegun) -> "Standings":
        """Returns the standings of a run without a row."""
        ids = [trial.id for trial in begun.trials]
        running = Running.of(ids, begun.primary, higher_is_better=begun.higher_is_better)
        return cls(running, {id: visible(name).replace("\n", " ") for id, name in labels(begun.trials).items()})

    def add(self, rows: Iterable[Row]) -> None:
        """Adds rows, each of which is new."""
        self.running.add(rows)

    def short(self) -> str:
        """Returns the best value so far, e.g. `best sim 0.421`; nothing where there is none."""
        ranked = self.running.ranked()
        return f"best {self.running.metric} {ranked[0][0]:.3f}" if ranked else ""

    def lines(self, width: int, height: int) -> list[str]:
        """Returns the best few as a table: value, rows, failures, and at the end the label, cut if it must be."""
        ranked = self.running.ranked()
        room = min(MOST, height - 1, len(ranked))
        if width < NARROWEST or room < min(LEAST, len(ranked)) or not ranked:
            return []
        count = len(self.running.trials)
        title = f"{self.running.metric} so far" + (f", the best {room} of {count} trials" if room < count else "")
        return [_cut(title, width), *(_cut(line, width) for line in self._table(ranked[:room], width))]

    def _table(self, best: Sequence[tuple[float, Pooled]], width: int) -> list[str]:
        """Returns a line a trial; without the counts where its label would have to be cut for them."""
        failed = [f"{one.wrong} failed" if one.wrong else "" for _, one in best]
        columns = [
            [f"{value:.3f}" for value, _ in best],
            [f"n {one.rows}" for _, one in best],
            *([failed] if any(failed) else []),
            [self.names[one.id] for _, one in best],
        ]
        whole = _lines(columns)
        return whole if fits(whole, width) else _lines([columns[0], columns[-1]])


def _lines(columns: Sequence[Sequence[str]]) -> list[str]:
    """Returns columns as lines; the last one is text, the others are numbers."""
    widths = [max(map(cell_len, column)) for column in columns[:-1]]
    padded = [[cell.rjust(width) for cell in column] for column, width in zip(columns, widths, strict=False)]
    return [GAP + GAP.join(row) for row in zip(*padded, columns[-1], strict=True)]


def _cut(line: str, width: int) -> str:
    """Returns a line that fits; what is left out of it is told."""
    return line if cell_len(line) <= width else set_cell_size(line, width - 1).rstrip() + CUT
