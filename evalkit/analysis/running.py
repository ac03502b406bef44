"""Pooled means of the rows so far, from running sums: what a report would say of them, without an interval."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from evalkit.metrics.speed import TIMINGS
from evalkit.row import FAILED, Row


@dataclass
class Pooled:
    """One trial so far: sums of a metric, how many rows it has, and how many were not scored."""

    id: str
    rows: int = 0
    wrong: int = 0
    _weighted: float = 0.0
    _weight: float = 0.0

    @property
    def value(self) -> float | None:
        """Sum(value x weight) / sum(weight), as `analysis.summary` has it; None where nothing was scored."""
        return self._weighted / self._weight if self._weight > 0 else None

    def add(self, row: Row, metric: str) -> None:
        """Adds a row to the sums."""
        wrong = row.state != "scored"
        self.rows, self.wrong = self.rows + 1, self.wrong + wrong
        value = float(wrong) if metric == FAILED else row.scores.get(metric)
        if value is None or (row.cached and metric in TIMINGS):
            return
        weight = row.weights.get(metric, 1.0)
        self._weighted, self._weight = self._weighted + value * weight, self._weight + weight


@dataclass(frozen=True)
class Running:
    """A metric of all trials so far.

    Attributes:
        metric: That decides.
        higher_is_better: Its direction.
        trials: By id, in the order of the grid; all are there from the start.
    """

    metric: str
    higher_is_better: bool
    trials: dict[str, Pooled] = field(default_factory=dict)

    @classmethod
    def of(cls, trials: Sequence[str], metric: str, *, higher_is_better: bool) -> "Running":
        """Returns the sums of trials of which there is no row yet."""
        return cls(metric, higher_is_better, {id: Pooled(id) for id in trials})

    def add(self, rows: Iterable[Row]) -> None:
        """Adds rows, each of which is new."""
        for row in rows:
            self.trials[row.trial].add(row, self.metric)

    def ranked(self) -> list[tuple[float, Pooled]]:
        """Returns value and sums of the trials that have a score, the best first."""
        scored = [(value, one) for one in self.trials.values() if (value := one.value) is not None]
        return sorted(scored, key=lambda told: -told[0] if self.higher_is_better else told[0])
