"""TensorBoard's files, read back by its own reader."""

from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.reports.files import read_report
from evalkit.trackers.base import Beginning
from evalkit.trackers.tensorboard import TensorBoard
from evalkit.trial import Trial

HPARAMS = "_hparams_/session_start_info"


@pytest.fixture(scope="module")
def folder(tracked):
    return tracked.place.path / ".evalkit/tensorboard/adhoc" / tracked.place.folder.name


def events_of(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def text_of(events, name):
    """Returns the last text of that name."""
    return events.Tensors(f"{name}/text_summary")[-1].tensor_proto.string_val[0].decode()


def test_each_trial_has_a_folder_with_its_numbers_by_rows(folder, tracked):
    for one in tracked.place.report["trials"]:
        events = events_of(folder / f"detune={one['settings']['engine.detune']:g}")
        for name, key in (("sim", "value"), ("sim_low", "low"), ("sim_high", "high")):
            points = events.Scalars(name)
            assert [point.step for point in points] == [tracked.rows_when_stopped, 144]
            assert points[-1].value == pytest.approx(one["summary"]["sim"][key], abs=1e-6)
        assert events.Scalars("n")[-1].value == one["n"] == 72


def test_the_run_itself_has_what_was_asked_and_found(folder, tracked):
    events, report = events_of(folder), tracked.place.report
    assert [point.step for point in events.Scalars("rows")] == [tracked.rows_when_stopped, 144]
    assert text_of(events, "finding") == report["finding"]
    assert f"| run | {report['run_id']} |" in text_of(events, "settings")
    assert text_of(events, "trials").splitlines()[2].startswith("| detune=100 | tone | ")
    assert text_of(events, "status").startswith("complete: ")


def test_a_trials_settings_are_hyperparameters(folder):
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    content = events_of(folder / "detune=10").summary_metadata[HPARAMS].plugin_data.content
    settings = HParamsPluginData.FromString(content).session_start_info.hparams
    assert settings["engine.detune"].string_value == "10"
    assert settings["engine"].string_value == "tone"


def test_a_folder_that_will_not_do_is_told_before_any_work(run):
    done = run("tracker=tensorboard", "tracker.tensorboard.dir=/proc/evalkit")
    assert done.code == 2
    assert "tracker=tensorboard cannot begin: " in done.err
    assert not list(done.reports.glob("*/*/report.json"))


def test_very_many_trials_are_written_one_after_the_other_at_the_end(tracked, tmp_path):
    """Each that is open holds a file, of which a process may have 1,024."""
    before = read_report(tracked.place.folder)
    one = before.trials[0]
    trials = [Trial.of("tone", {"engine.detune": float(number)}, "1") for number in range(120)]
    alike = [replace(one, id=trial.id, settings=trial.settings) for trial in trials]
    report = replace(before, trials=alike, comparisons=[], best=None)
    track = TensorBoard(str(tmp_path)).begin(Beginning(report, trials, tracked.place.folder))
    held = open_files()
    track.measured(report, 7)
    assert open_files() == held
    track.finish(report, "complete", tracked.place.folder)
    assert open_files() <= held
    (point,) = events_of(tmp_path / "adhoc" / report.run_id / "detune=119").Scalars("sim")
    assert (point.step, point.value) == (7, pytest.approx(one.summary["sim"].value, abs=1e-6))


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))
