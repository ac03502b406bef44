"""MLflow, read back through its own client on a store in a file."""

import base64
import json
import re
import subprocess
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from evalkit.errors import PackageError
from evalkit.trackers import base
from evalkit.trackers.mlflow import MLflow

# MLflow 3.17 loads its tables with what SQLAlchemy 2.1 means to drop.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated:DeprecationWarning")

RUN = {"info": {"run_id": "r1", "experiment_id": "1", "status": "RUNNING", "artifact_uri": "mlflow-artifacts:/1"}}


def client_of(database):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{database}")


def runs_of(client):
    """Returns the run of the sweep, and the others by name."""
    experiment = client.get_experiment_by_name("evalkit").experiment_id
    runs = client.search_runs([experiment])
    (whole,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    inner = {run.info.run_name: run for run in runs if run is not whole}
    assert {run.data.tags["mlflow.parentRunId"] for run in inner.values()} <= {whole.info.run_id}
    return whole, inner


@pytest.fixture(scope="module")
def client(tracked):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The ``noload`` loader strategy is deprecated", DeprecationWarning)
        return client_of(tracked.place.path / ".evalkit/mlflow/mlflow.db")


def test_a_run_ends_as_ever(tracked):
    assert tracked.stopped.returncode == 130, tracked.stopped.stderr
    assert tracked.stopped.stdout == ""
    assert tracked.done.returncode == 0, tracked.done.stderr
    assert tracked.done.stdout.splitlines()[-1] == str(tracked.place.folder.relative_to(tracked.place.path))
    assert "tracker=" not in tracked.done.stderr
    assert f"going on with the unfinished run {tracked.place.folder.name}" in tracked.done.stderr


def test_nothing_is_written_where_no_setting_says(tracked):
    assert {path.name for path in tracked.place.path.iterdir()} == {
        *("voices", "probes.yaml", "reports", ".evalkit", "home", "tmpdir", "stopped.db"),
    }
    assert {path.name for path in (tracked.place.path / ".evalkit").iterdir()} == {
        *("store", "transcripts", "mlflow", "tensorboard", "wandb"),
    } - ({"transcripts"} if not (tracked.place.path / ".evalkit/transcripts").exists() else set())
    kept = [path for path in (tracked.place.path / "home").rglob("*") if path.is_file()]
    assert [path for path in kept if path.parent.name != "matplotlib"] == []  # the page's plots keep a list of fonts


def test_what_was_asked_and_found_stands_in_the_sweeps_run(client, tracked):
    whole, _ = runs_of(client)
    report = tracked.place.report
    assert whole.info.run_name == f"adhoc {report['run_id']}"
    assert whole.info.status == "FINISHED"
    params = whole.data.params
    assert params["run"] == report["run_id"]
    assert params["seeds"] == ", ".join(map(str, range(12)))
    assert params["plan"] == report["plan"]
    assert params["package numpy"] == report["provenance"]["packages"]["numpy"]
    assert whole.data.tags["evalkit.finding"] == report["finding"]
    assert whole.data.tags["evalkit.best"] == "detune=10"
    assert whole.data.metrics == {"rows": 144}


def test_each_trial_has_a_run_with_its_settings_and_numbers(client, tracked):
    _, inner = runs_of(client)
    assert inner.keys() == {"detune=100", "detune=10"}
    report = tracked.place.report
    for one in report["trials"]:
        run = inner[f"detune={one['settings']['engine.detune']:g}"]
        assert run.info.status == "FINISHED"
        assert run.data.params["engine.detune"] == f"{one['settings']['engine.detune']:g}"
        assert run.data.params["prompt.seconds"] == (
            "null" if (s := one["settings"]["prompt.seconds"]) is None else f"{s:g}"
        )
        metrics = run.data.metrics
        assert metrics["n"] == one["n"] == 72
        for name in ("sim", "wer"):
            told = one["summary"][name]
            found = [metrics.get(f"{name}{end}") for end in ("", "_low", "_high")]
            assert found == [
                None if end is None else pytest.approx(end, abs=1e-6)
                for end in (told["value"], told["low"], told["high"])
            ]
    (difference,) = (one for one in report["comparisons"] if one["metric"] == "sim")
    other = inner["detune=10"].data.metrics
    assert other["sim_difference"] == pytest.approx(difference["difference"], abs=1e-6)
    assert other["sim_difference_low"] == pytest.approx(difference["low"], abs=1e-6)


def test_the_step_is_the_number_of_rows(client, tracked):
    _, inner = runs_of(client)
    history = client.get_metric_history(inner["detune=10"].info.run_id, "sim")
    assert [one.step for one in history] == [tracked.rows_when_stopped, 144]


def test_the_files_of_the_run_are_its_artefacts(client, tracked, tmp_path):
    whole, _ = runs_of(client)
    assert {one.path for one in client.list_artifacts(whole.info.run_id)} >= {"report.json", "utterances.jsonl"}
    assert not {one.path for one in client.list_artifacts(whole.info.run_id)} & {"run.log", ".lock"}
    kept = client.download_artifacts(whole.info.run_id, "report.json", str(tmp_path))
    assert json.loads(Path(kept).read_text()) == tracked.place.report
    assert whole.info.artifact_uri.startswith((tracked.place.path / ".evalkit/mlflow/artifacts").as_uri())


def test_a_run_that_was_stopped_was_killed_and_is_the_same_that_went_on(client, tracked):
    whole, inner = runs_of(client)
    before, earlier = runs_of(client_of(tracked.place.path / "stopped.db"))
    assert before.info.run_id == whole.info.run_id
    assert before.info.status == "KILLED"
    assert {run.info.status for run in earlier.values()} == {"KILLED"}
    assert {run.info.run_id for run in earlier.values()} == {run.info.run_id for run in inner.values()}
    assert earlier["detune=10"].data.metrics["sim"] > 0


def test_a_server_that_is_not_there_is_told_before_any_work(place):
    here = place("nowhere")
    done = here.run("tracker=mlflow", "tracker.mlflow.uri=http://me:secret@127.0.0.1:9")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("evalkit: tracker=mlflow cannot begin: MlflowException: ")
    assert "secret" not in done.stderr + "".join(path.read_text() for path in here.path.rglob("run.log"))
    assert not list(here.path.glob("reports/*/*/report.json"))


@pytest.mark.parametrize("uri", ["gopher://me:secret@nowhere", "sqlite:////proc/evalkit/mlflow.db"])
def test_a_place_that_will_not_do_is_told_before_any_work(place, uri):
    here = place("wrong")
    done = here.run("tracker=mlflow", f"tracker.mlflow.uri='{uri}'")
    assert done.returncode == 2
    assert "evalkit: tracker=mlflow cannot begin: " in done.stderr
    assert "secret" not in done.stderr + "".join(path.read_text() for path in here.path.rglob("run.log"))


def test_a_package_that_is_not_here_is_told_with_its_extra(run, monkeypatch):
    monkeypatch.setattr(base, "complaint", lambda requirement: f"needs the package {requirement.name}")
    for name in ("mlflow", "tensorboard", "wandb"):
        done = run(f"tracker={name}", "dry_run=true")
        assert done.code == 2
        assert re.search(rf"tracker={name} needs the package .*; type: pip install --editable '.*\[{name}\]'", done.err)


def test_a_server_needs_no_database_here(monkeypatch):
    monkeypatch.setattr(base, "complaint", lambda requirement: f"needs the package {requirement.name}")
    with pytest.raises(PackageError, match="needs the package mlflow-skinny; type"):
        MLflow(uri="http://localhost:5000").require()
    with pytest.raises(PackageError, match="needs the package sqlalchemy"):
        MLflow(uri="postgresql+psycopg2://localhost/x").require()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:5000")
    assert MLflow().place == "http://localhost:5000"


class Server(BaseHTTPRequestHandler):
    """As much of MLflow's server as a run needs to begin; it keeps what it is asked."""

    asked: ClassVar[list[tuple[str, str | None]]] = []
    answers: ClassVar[dict[str, dict]] = {
        "experiments/get-by-name": {
            "experiment": {"experiment_id": "1", "name": "evalkit", "lifecycle_stage": "active"}
        },
        "runs/search": {"runs": []},
        "runs/create": {"run": RUN},
        "runs/get": {"run": RUN},
        "runs/log-batch": {},
    }

    def do_GET(self):
        method = self.path.partition("?")[0].removeprefix("/api/2.0/mlflow/")
        self.asked.append((method, self.headers["Authorization"]))
        length = int(self.headers["Content-Length"] or 0)
        self.rfile.read(length)
        self.send_response(200 if method in self.answers else 404)
        self.end_headers()
        self.wfile.write(json.dumps(self.answers.get(method, {})).encode())
        if method == "runs/log-batch":  # the run is described: now the server goes
            threading.Thread(target=self.server.shutdown).start()

    do_POST = do_GET  # noqa: N815

    def log_message(self, *args):
        pass


def test_a_server_that_goes_is_told_once_and_at_the_end_and_the_run_goes_on(place):
    here = place("gone")
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        address = f"127.0.0.1:{server.server_address[1]}"
        process = subprocess.Popen(
            here.command("tracker=mlflow", f"tracker.mlflow.uri=http://me:secret@{address}", "engine.delay=0.5"),
            cwd=here.path, env=here.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        serving.join(60)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert [method for method, _ in Server.asked] == [
        *("experiments/get-by-name", "runs/search", "runs/create", "runs/get", "runs/log-batch"),
    ]
    assert {told for _, told in Server.asked} == {f"Basic {base64.b64encode(b'me:secret').decode()}"}
    said = [line for line in err.splitlines() if line.startswith("tracker=")]
    assert [line.partition(": ")[0] for line in said] == [
        "tracker=mlflow fails, the run goes on without it",
        "tracker=mlflow",
    ]
    assert said[1].startswith("tracker=mlflow: the end of the run could not be told: MlflowException: ")
    assert out.splitlines()[-1] == str(here.folder.relative_to(here.path))
    assert here.report["status"] == "complete"
    files = [path for path in here.path.glob("reports/*/*/**/*") if path.is_file()]
    kept = [path for path in files if b"secret" in path.read_bytes()]
    assert kept == []
    assert "secret" not in out + err
