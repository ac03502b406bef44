"""TensorBoard's files, read back by its own reader."""

import pytest

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
