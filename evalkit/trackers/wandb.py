"""Tracker `wandb`: one run of Weights & Biases, with the numbers so far by trial, a table of trials, and the files."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic.dataclasses import dataclass

from evalkit.errors import TrackerError
from evalkit.record import Report
from evalkit.resources import at_home
from evalkit.trackers.base import PLACE, STRICT, Beginning, End, Track, Tracker
from evalkit.trackers.telling import files_of, names_of, numbers_of, run_settings, settings_of, trials_table
from evalkit.trial import Trial

if TYPE_CHECKING:
    from wandb import Run, Settings

EXIT_CODES: dict[End, int] = {"complete": 0, "failed": 1, "stopped": 255}  # 255: wandb shows it as killed
SECONDS = 30.0  # that a server may take to answer
PATIENCE = 300.0  # seconds that it may take for the last numbers and files; they stay here, for `wandb sync`
_NOT_IN_NAMES = re.compile(r"[^\w.-]+", re.ASCII)


@dataclass(frozen=True, config=STRICT)
class Wandb(Tracker):
    """Weights & Biases.

    Attributes:
        project: Made if it is not there.
        entity: Whose; None: the user's own.
        mode: Offline runs are kept in `dir`, for `wandb sync`. None: what `WANDB_MODE` says, else online.
        dir: In it `wandb/`, with all that is written on this machine.
    """

    name: ClassVar[str] = "wandb"
    extra: ClassVar[str] = "wandb"

    project: str = "evalkit"
    entity: str | None = None
    mode: Literal["online", "offline"] | None = None
    dir: str = PLACE

    @property
    def packages(self) -> tuple[str, ...]:
        """Its client."""
        return ("wandb>=0.31",)

    def begin(self, beginning: Beginning) -> Track:
        """See `Tracker.begin`."""
        report, trials = beginning.report, beginning.trials
        folder = self._folder()
        import wandb

        try:
            run = wandb.init(
                project=self.project,
                entity=self.entity,
                dir=str(folder),
                id=_NOT_IN_NAMES.sub("-", report.run_id),
                resume="allow",
                name=f"{report.sweep} {report.run_id}",
                notes=report.question,
                config={"run": run_settings(report), "trials": _settings(trials)},
                settings=self._quiet(),
            )
        except wandb.errors.UsageError as error:
            raise TrackerError(f"{error} Or keep it on this machine: tracker.wandb.mode=offline") from error
        return _Run(run, trials, names_of(trials))

    def _folder(self) -> Path:
        """Returns where all goes that is written on this machine, made and known to wandb."""
        folder = at_home(self.dir).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for name, place in (("WANDB_CACHE_DIR", "cache"), ("WANDB_DATA_DIR", "data")):
            os.environ.setdefault(name, str(folder / "wandb" / place))
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        return folder

    def _quiet(self) -> "Settings":
        """Returns settings by which it prints nothing, and takes down no command with all that was typed."""
        import wandb

        return wandb.Settings(
            **{"mode": self.mode} if self.mode else {},
            silent=True, console="off", disable_git=True, save_code=False,
            init_timeout=SECONDS, login_timeout=SECONDS, finish_timeout=PATIENCE, finish_timeout_raises=True,
            x_disable_meta=True, x_disable_stats=True, x_disable_machine_info=True, x_save_requirements=False,
        )  # fmt: skip


@plain_dataclass(frozen=True)
class _Run(Track):
    run: "Run"
    trials: Sequence[Trial]
    names: dict[str, str]

    def measured(self, report: Report, rows: int) -> None:
        """See `Track.measured`; what does not decide is in the table at the end."""
        told: dict[str, float] = {"rows": float(rows)}
        for trial in report.trials:
            numbers = numbers_of(trial, [report.primary, *report.guards])
            told |= {f"{self.names[trial.id]}/{name}": value for name, value in numbers.items()}
        self.run.log(told, step=rows)

    def finish(self, report: Report, end: End, folder: Path) -> None:
        """See `Track.finish`."""
        try:
            self._close(report, folder, [] if end == "stopped" else list(files_of(folder)))
        finally:
            self.run.finish(exit_code=EXIT_CODES[end])

    def _close(self, report: Report, folder: Path, files: Sequence[Path]) -> None:
        import wandb

        best = None if report.best is None else self.names[report.best]
        self.run.summary.update({"finding": report.finding, "best": best, "status": report.status})
        table = trials_table(report, self.trials)
        if table.rows:
            self.run.log({"trials": wandb.Table(columns=list(table.columns), data=[list(row) for row in table.rows])})
        if files:
            artifact = wandb.Artifact(f"report-{_NOT_IN_NAMES.sub('-', report.run_id)}", type="report")
            for file in files:
                artifact.add_file(str(folder / file), name=file.as_posix())
            self.run.log_artifact(artifact)


def _settings(trials: Sequence[Trial]) -> dict[str, dict[str, str]]:
    names = names_of(trials)
    return {names[trial.id]: settings_of(trial) for trial in trials}
