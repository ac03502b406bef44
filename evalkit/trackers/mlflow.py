"""Tracker `mlflow`: a run for the sweep, and inside it one for each trial, with its settings and numbers.

It speaks through MLflow's own client, so that a server, a database or a file of SQLite will do.
"""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit

from pydantic.dataclasses import dataclass

from evalkit.record import Report
from evalkit.resources import at_home
from evalkit.trackers.base import PLACE, STRICT, Beginning, End, Track, Tracker
from evalkit.trackers.telling import differences_of, files_of, names_of, numbers_of, run_settings, settings_of
from evalkit.trial import Trial

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
SQLITE = "sqlite:///"
RUN_TAG = "evalkit.run"  # by which a run that goes on finds what it began
PARENT_TAG, NOTE_TAG = "mlflow.parentRunId", "mlflow.note.content"
STATUS: Mapping[End, str] = {"complete": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
MOST_METRICS, MOST_PARAMS = 1000, 100  # a call takes no more
LONGEST_PARAM, LONGEST_TAG = 6000, 5000  # characters, as servers have them
# Nobody waits minutes for a server that is gone, nor is anybody told that evalkit uses MLflow.
ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_NOT_IN_NAMES = re.compile(r"[^\w./ -]", re.ASCII)


@dataclass(frozen=True, config=STRICT)
class MLflow(Tracker):
    """MLflow.

    Attributes:
        uri: Of a server or a database; None: what `MLFLOW_TRACKING_URI` says, else a file of SQLite below `.evalkit`.
        experiment: Made if it is not there.
        run_name: None: the sweep's name and the run's.
        artifacts: Where a new experiment keeps files; None: what a server says, of a file of SQLite a folder beside it.
    """

    name: ClassVar[str] = "mlflow"
    extra: ClassVar[str] = "mlflow"

    uri: str | None = None
    experiment: str = "evalkit"
    run_name: str | None = None
    artifacts: str | None = None

    @property
    def packages(self) -> tuple[str, ...]:
        """The client, and what it reads databases with."""
        is_database = self.place.partition(":")[0].partition("+")[0] in DATABASES
        return ("mlflow-skinny>=3", *(("sqlalchemy>=2", "alembic>=1.13") if is_database else ()))

    @property
    def place(self) -> str:
        """The address as it was given."""
        return self.uri or os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{PLACE}/mlflow/mlflow.db"

    def begin(self, beginning: Beginning) -> Track:
        """See `Tracker.begin`."""
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        uri, artifacts = self._prepared()
        client = MlflowClient(uri)
        found = client.get_experiment_by_name(self.experiment)
        experiment = found.experiment_id if found else client.create_experiment(self.experiment, artifacts)
        track = _Runs(client, experiment, self._run(client, experiment, beginning.report), list(beginning.trials))
        track.describe(beginning.report)
        return track

    def _prepared(self) -> tuple[str, str | None]:
        """Returns the address without a password, which is handed over as MLflow has it, and where files go."""
        uri = self.place
        if uri.startswith(SQLITE):
            file = at_home(uri.removeprefix(SQLITE)).resolve()
            file.parent.mkdir(parents=True, exist_ok=True)
            return f"{SQLITE}{file}", self.artifacts or (file.parent / "artifacts").as_uri()
        parts = urlsplit(uri)
        if parts.scheme in ("http", "https") and parts.username:
            os.environ.setdefault("MLFLOW_TRACKING_USERNAME", unquote(parts.username))
            os.environ.setdefault("MLFLOW_TRACKING_PASSWORD", unquote(parts.password or ""))
            uri = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return uri, self.artifacts

    def _run(self, client: "MlflowClient", experiment: str, report: Report) -> str:
        """Returns the id of the run: that of an earlier attempt, if it was stopped."""
        wanted = f"tags.`{RUN_TAG}` = '{report.run_id}'"
        for earlier in client.search_runs([experiment], wanted, max_results=1):
            client.update_run(earlier.info.run_id, "RUNNING")
            return str(earlier.info.run_id)
        tags = {RUN_TAG: report.run_id, NOTE_TAG: report.question[:LONGEST_TAG], "mlflow.source.name": "evalkit"}
        if report.provenance.commit:
            tags["mlflow.source.git.commit"] = report.provenance.commit
        made = client.create_run(experiment, run_name=self.run_name or f"{report.sweep} {report.run_id}", tags=tags)
        return str(made.info.run_id)


@plain_dataclass
class _Runs(Track):
    client: "MlflowClient"
    experiment: str
    run: str
    trials: list[Trial]
    _inner: dict[str, str] = field(default_factory=dict)

    def describe(self, report: Report) -> None:
        """Takes down what was asked."""
        self._params(self.run, run_settings(report))

    def measured(self, report: Report, rows: int) -> None:
        """See `Track.measured`."""
        runs = self._runs()
        self._metrics(self.run, {"rows": float(rows)}, rows)
        for trial in report.trials:
            self._metrics(runs[trial.id], {**numbers_of(trial), **differences_of(report, trial.id)}, rows)

    def finish(self, report: Report, end: End, folder: Path) -> None:
        """See `Track.finish`."""
        try:
            self._found(report)
            for file in files_of(folder) if end != "stopped" else ():
                inside = file.parent.as_posix()
                self.client.log_artifact(self.run, str(folder / file), None if inside == "." else inside)
        finally:
            for run in [*self._inner.values(), self.run]:
                self.client.set_terminated(run, STATUS[end])

    def _found(self, report: Report) -> None:
        best = None if report.best is None else names_of(self.trials)[report.best]
        note = "\n\n".join([report.question, report.finding]).strip()
        for name, value in (("evalkit.finding", report.finding), ("evalkit.best", best), (NOTE_TAG, note)):
            if value:
                self.client.set_tag(self.run, name, value[:LONGEST_TAG])

    def _runs(self) -> dict[str, str]:
        """Returns the runs of the trials, by trial; made once there are numbers."""
        if not self._inner:
            inside = f"tags.`{PARENT_TAG}` = '{self.run}'"
            for earlier in self.client.search_runs([self.experiment], inside, max_results=len(self.trials)):
                self._inner[earlier.data.tags["evalkit.trial"]] = earlier.info.run_id
                self.client.update_run(earlier.info.run_id, "RUNNING")
        names = names_of(self.trials)
        for trial in self.trials:
            if trial.id not in self._inner:
                tags = {PARENT_TAG: self.run, "evalkit.trial": trial.id}
                made = self.client.create_run(self.experiment, run_name=names[trial.id], tags=tags)
                self._params(made.info.run_id, settings_of(trial))
                self._inner[trial.id] = made.info.run_id
        return self._inner

    def _params(self, run: str, params: Mapping[str, str]) -> None:
        """Takes down settings, which MLflow lets nobody change: those that are there already stay."""
        from mlflow.entities import Param

        known = self.client.get_run(run).data.params
        named = {_NOT_IN_NAMES.sub("_", name): value[:LONGEST_PARAM] for name, value in params.items()}
        new = [Param(name, value) for name, value in named.items() if name not in known]
        for at in range(0, len(new), MOST_PARAMS):
            self.client.log_batch(run, params=new[at : at + MOST_PARAMS])

    def _metrics(self, run: str, numbers: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        told = [Metric(_NOT_IN_NAMES.sub("_", name), value, now, step) for name, value in numbers.items()]
        for at in range(0, len(told), MOST_METRICS):
            self.client.log_batch(run, metrics=told[at : at + MOST_METRICS])
