"""What stands between a run and its trackers: none changes a number, however it fails."""

import json
import re
import shlex
import signal
import subprocess
from dataclasses import dataclass, field, fields

import pytest

from evalkit.__main__ import main
from evalkit.errors import TrackerError
from evalkit.pipeline.events import Deaf, ReportMade
from evalkit.pipeline.report import begun
from evalkit.resources import resource
from evalkit.trackers.base import Beginning, Track, Tracker
from evalkit.trackers.following import Following, followed
from evalkit.trackers.mlflow import MLflow
from evalkit.trackers.tensorboard import TensorBoard
from evalkit.trackers.wandb import Wandb
from tests.conftest import wait_until
from tests.pipeline.conftest import Noted, planned  # noqa: F401

GRID = "engine.detune=100,10"


def told(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def numbers(done):
    """What a report says, without what two runs never share."""
    kept = {key: value for key, value in done.report.items() if key in {"trials", "comparisons", "best", "finding"}}
    for one in kept["trials"]:
        one["summary"].pop("rtf")
    kept["comparisons"] = [one for one in kept["comparisons"] if one["metric"] != "rtf"]
    return kept


def test_a_tracker_is_told_the_numbers_and_the_end(run, tmp_path):
    done = run(GRID, "tracker=fake", f"tracker.fake.file={tmp_path}/told")
    assert done.code == 0
    begin, measured, finish = told(tmp_path / "told")
    assert begin == {"moment": "begin", "run": done.folder.name}
    trials = {f"detune={one['settings']['engine.detune']:g}": one for one in done.report["trials"]}
    assert measured["rows"] == 18
    assert measured["numbers"].keys() == trials.keys() == {"detune=100", "detune=10"}
    for name, one in trials.items():
        sim = {
            end: one["summary"]["sim"][key] for end, key in (("sim", "value"), ("sim_low", "low"), ("sim_high", "high"))
        }
        assert measured["numbers"][name] == pytest.approx(
            {"n": 9, "n_failed": 0, "n_not_run": 0, "n_flagged": 0, **sim}
        )
    assert finish == {"moment": "finish", "end": "complete", "files": ["report.json", "utterances.jsonl"]}
    assert done.report["config"]["tracker"]["fake"]["fails_at"] is None


@pytest.mark.parametrize("moment", ["measured", "finish"])
def test_a_tracker_that_fails_changes_no_number_and_no_exit_code(run, tmp_path, moment):
    plain = run(GRID, f"reports_dir={tmp_path}/plain")
    before = numbers(type(plain)(0, "", "", tmp_path / "plain"))
    done = run(GRID, "tracker=fake", f"tracker.fake.file={tmp_path}/told", f"tracker.fake.fails_at={moment}")
    assert done.code == 0
    assert numbers(done) == before
    (said,) = (line for line in done.err.splitlines() if line.startswith("tracker=fake"))
    assert said.endswith(f"TrackerError: told to fail at {moment}: http://nowhere/api?token=...")
    assert "secret" not in done.err + done.out + done.log
    assert done.out.splitlines()[-1] == str(done.folder)


def test_a_tracker_that_cannot_begin_is_told_before_any_work(run, tmp_path):
    done = run("tracker=fake", f"tracker.fake.file={tmp_path}/told", "tracker.fake.fails_at=begin")
    assert done.code == 2
    assert done.out == ""
    (said,) = (line for line in done.err.splitlines() if line.startswith("evalkit: "))
    assert said == (
        "evalkit: tracker=fake cannot begin: TrackerError: told to fail at begin: http://nowhere/api?token=...; "
        "nothing was done yet. Mend it, or leave fake out"
    )
    assert not list(done.reports.glob("*/*/*.json*"))
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("listed", ["mlflow,wandb", "fake,tensorboard"])
def test_a_comma_without_brackets_is_no_axis(run, listed):
    done = run(f"tracker={listed}")
    assert done.code == 2
    assert f"tracker={listed}: trackers are no axis; several at once are a list: tracker=[{listed}]" in done.err


def test_a_tracker_that_there_is_not_is_told_with_those_that_there_are(run):
    done = run("tracker=mlfow")
    assert done.code == 2
    assert all(name in done.err for name in ("fake", "mlflow", "tensorboard", "wandb"))


def test_a_setting_that_there_is_not_is_told(run, tmp_path):
    done = run("tracker=fake", f"tracker.fake.file={tmp_path}/told", "tracker.fake.fails_at=never")
    assert done.code == 2
    assert "tracker.fake.fails_at" in done.err


def test_a_setting_of_a_tracker_that_is_not_chosen_is_told(run):
    done = run("tracker.mlflow.uri=http://localhost:5000")
    assert done.code == 2
    assert done.err == (
        "evalkit: Could not override 'tracker.mlflow.uri'. A tracker is chosen before its settings: tracker=NAME\n"
    )


def test_no_password_reaches_the_report(run):
    done = run("weights.f5_tts='https://me:p@ss:secret@host/x?token=secret'")
    assert done.code == 0
    assert "https://host/x?token=..." in done.report["provenance"]["command"]
    assert done.report["config"]["weights"]["f5_tts"] == "https://host/x?token=..."
    assert "secret" not in (done.folder / "report.json").read_text()


def test_the_plan_is_the_same_with_trackers_and_without(planned, tmp_path):  # noqa: F811
    without = planned(GRID)
    tracked = planned(GRID, "tracker=[fake,tensorboard]", "tracker.fake.file=http://me:secret@host/x")
    assert tracked.sha256 == without.sha256
    assert [one.id for one in tracked.trials] == [one.id for one in without.trials]
    assert tracked.config["tracker"]["fake"]["file"] == "http://host/x"


def test_a_run_that_is_stopped_is_told_so_and_goes_on_with_a_tracker(place):
    here = place("stopped")
    typed = ["engine.delay=0.03", f"seeds={list(range(25))}", "tracker=fake", "tracker.fake.file=told"]
    process = subprocess.Popen(
        here.command(*typed), cwd=here.path, env=here.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    wait_until(lambda: list(here.path.glob("reports/*/*/utterances.jsonl")), process)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    stopped = told(here.path / "told")
    assert stopped[-1]["end"] == "stopped"
    again = here.run(*typed, "tracker.fake.fails_at=null")
    assert again.returncode == 0, again.stderr
    assert f"going on with the unfinished run {here.folder.name}" in again.stderr
    after = told(here.path / "told")[len(stopped) :]
    assert [one["moment"] for one in after] == ["begin", "measured", "finish"]
    assert after[0]["run"] == stopped[0]["run"]
    assert (after[1]["rows"], after[2]["end"]) == (150, "complete")


@dataclass
class Slow(Track):
    """Takes as long as it is told to, and fails on request."""

    clock: list[float]
    seconds: float = 0.0
    fails: list[bool] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)

    def measured(self, report, rows):
        self.clock[0] += self.seconds
        if self.fails and self.fails.pop(0):
            raise OSError("the server is gone")
        self.rows.append(rows)

    def finish(self, report, end, folder):
        self.ends.append(end)


@dataclass(frozen=True)
class Given(Tracker):
    """Begins the track that it was given; without one, it cannot."""

    track: Track | None
    name = "given"

    def begin(self, beginning):
        if self.track is None:
            raise RuntimeError("no")
        return self.track


@pytest.fixture
def beginning(planned, tmp_path):  # noqa: F811
    plan = planned(GRID)
    return Beginning(begun(plan, "this", "a test"), plan.trials, tmp_path)


def test_telling_takes_its_share_of_the_time_and_no_more(beginning):
    now = [0.0]
    track, following = Slow(now, seconds=1.0), Following(beginning, Deaf(), clock=lambda: now[0])
    following.begin([Given(track)])
    for rows in range(1, 201):
        now[0] += 1
        following.hear(ReportMade(beginning.report, rows))
    assert track.rows == [1, 51, 101, 151]  # a second, then 49 to come: of 204 seconds 4
    following.finish("complete")
    assert track.rows == [1, 51, 101, 151, 200]
    assert track.ends == ["complete"]


def test_a_failure_is_said_once_and_that_all_is_well_again_at_the_end(beginning):
    listener, track = Noted(), Slow([0.0], fails=[True, True])
    following = Following(beginning, listener, clock=lambda: 0.0)
    following.begin([Given(track)])
    for rows in (1, 2):
        following.hear(ReportMade(beginning.report, rows))
    following.finish("complete")
    assert track.rows == [2]
    said = [event.message for event in listener.events if not isinstance(event, ReportMade)]
    assert said == [
        "tracker=given fails, the run goes on without it: OSError: the server is gone",
        "tracker=given: it has all numbers now",
    ]


def test_where_one_cannot_begin_the_others_are_closed(beginning):
    track = Slow([0.0])
    with pytest.raises(TrackerError, match="tracker=given cannot begin: RuntimeError: no"):
        Following(beginning, Deaf()).begin([Given(track), Given(None)])
    assert track.ends == ["failed"]


@pytest.mark.parametrize(("raised", "end"), [(KeyboardInterrupt, "stopped"), (TrackerError, "failed")])
def test_how_a_run_ended_is_told(beginning, raised, end):
    track = Slow([0.0])
    with pytest.raises(raised), followed([Given(track)], lambda: beginning, Deaf()):
        raise raised
    assert track.ends == [end]


def test_without_trackers_nothing_stands_between(beginning):
    listener = Deaf()
    with followed([], lambda: pytest.fail("it was asked"), listener) as heard:
        assert heard is listener


def commands_shown():
    text = resource("docs/trackers.md").read_text()
    return re.findall(r"^    \.venv/bin/python -m evalkit (run .*)$", text, flags=re.MULTILINE)


@pytest.mark.parametrize("command", commands_shown())
def test_commands_that_the_page_shows_can_be_planned(command, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main([*shlex.split(command), "dry_run=true"]) == 0
    assert not list(tmp_path.glob(".evalkit/*")), capfd.readouterr()


def test_the_page_shows_commands():
    assert len(commands_shown()) == 3


def test_every_setting_stands_on_the_page():
    text = resource("docs/trackers.md").read_text()
    for tracker in (MLflow, TensorBoard, Wandb):
        for one in fields(tracker):
            assert f"`tracker.{tracker.name}.{one.name}`" in text or f"`.{one.name}`" in text
            assert f"{one.name}: " in resource(f"configs/tracker/{tracker.name}.yaml").read_text()
