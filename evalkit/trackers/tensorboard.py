"""Tracker `tensorboard`: a folder of events for each trial, and one for the run with what was asked and found."""

from collections.abc import Sequence
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic.dataclasses import dataclass

from evalkit.record import Report, TrialSummary
from evalkit.resources import at_home
from evalkit.trackers.base import PLACE, STRICT, Beginning, End, Track, Tracker
from evalkit.trackers.telling import differences_of, names_of, numbers_of, run_settings, settings_of, trials_table
from evalkit.trial import Trial

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

MANY = 100  # trials, each of which holds a file and a thread for as long as its folder is written to


@dataclass(frozen=True, config=STRICT)
class TensorBoard(Tracker):
    """TensorBoard.

    Attributes:
        dir: What `tensorboard --logdir` is given; in it SWEEP/RUN/TRIAL.
    """

    name: ClassVar[str] = "tensorboard"
    extra: ClassVar[str] = "tensorboard"

    dir: str = f"{PLACE}/tensorboard"

    @property
    def packages(self) -> tuple[str, ...]:
        """Its own writer is torch's, which is here anyway."""
        return ("tensorboard>=2.16",)

    def begin(self, beginning: Beginning) -> Track:
        """See `Tracker.begin`; a run that goes on writes into the same folder."""
        from torch.utils.tensorboard import SummaryWriter

        report, trials = beginning.report, beginning.trials
        folder = at_home(self.dir) / report.sweep / report.run_id
        whole = SummaryWriter(str(folder))
        whole.add_text("question", report.question)
        whole.add_text("settings", _table(["setting", "value"], list(run_settings(report).items())))
        whole.flush()
        return _Events(folder, trials, names_of(trials), whole, {})


@plain_dataclass
class _Events(Track):
    folder: Path
    trials: Sequence[Trial]
    names: dict[str, str]
    whole: "SummaryWriter"
    writers: "dict[str, SummaryWriter]"
    rows: int = 0

    def measured(self, report: Report, rows: int) -> None:
        """See `Track.measured`; those of very many trials are written at the end."""
        self.rows = rows
        self.whole.add_scalar("rows", rows, rows)
        self.whole.flush()
        if len(self.trials) <= MANY:
            for trial in report.trials:
                self._write(trial, report)

    def finish(self, report: Report, end: End, folder: Path) -> None:
        """See `Track.finish`; files are no events, so that only their folder is named."""
        table = trials_table(report, self.trials)
        self.whole.add_text("finding", report.finding)
        self.whole.add_text("trials", _table(table.columns, table.rows))
        self.whole.add_text("status", f"{end}: {folder}")
        self.whole.close()
        settings = {trial.id: settings_of(trial) for trial in self.trials}
        for trial in report.trials:
            if len(self.trials) > MANY:
                self._write(trial, report)
            decides = numbers_of(trial, [report.primary, *report.guards])
            last = {f"last/{name}": value for name, value in decides.items()}
            writer = self._writer(trial.id)
            writer.add_hparams(settings[trial.id], last, run_name=".")
            writer.close()

    def _write(self, trial: TrialSummary, report: Report) -> None:
        writer = self._writer(trial.id)
        for name, value in {**numbers_of(trial), **differences_of(report, trial.id)}.items():
            writer.add_scalar(name, value, self.rows)
        writer.flush()

    def _writer(self, trial: str) -> "SummaryWriter":
        from torch.utils.tensorboard import SummaryWriter

        if trial not in self.writers:
            self.writers[trial] = SummaryWriter(str(self.folder / self.names[trial]))
        return self.writers[trial]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str | float | None]]) -> str:
    """Returns a table as Markdown, which TensorBoard shows."""
    lines = [columns, ["---"] * len(columns), *(["" if cell is None else _cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: str | float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else " ".join(value.replace("|", r"\|").split())
