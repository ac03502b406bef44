"""Weights & Biases offline: what it keeps for `wandb sync`, read with its own messages."""

import json
import struct

import pytest

FULL, LAST = 1, 4  # kinds of a chunk: a whole record, and the last part of one
BLOCK, HEADER, PREFACE = 32_768, 7, 7  # bytes


def records_of(folder):
    """Gives the records of an offline run: LevelDB's log format after a preface of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    (path,) = folder.glob("*.wandb")
    data, at, record = path.read_bytes(), PREFACE, b""
    assert data.startswith(b":W&B")
    while at + HEADER <= len(data):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        record += data[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in (FULL, LAST):
            yield Record.FromString(record)
            record = b""


@pytest.fixture(scope="module")
def parts(tracked):
    return [list(records_of(folder)) for folder in tracked.wandb]


def of_kind(records, kind):
    return [getattr(record, kind) for record in records if record.WhichOneof("record_type") == kind]


def items(told):
    """Returns what a list of items says."""
    return {"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in told}


def steps(records):
    """Returns the numbers by step, without the table."""
    told = [items(one.item) for one in of_kind(records, "history")]
    return {one["_step"]: one for one in told if "rows" in one}


def test_both_parts_are_of_one_run(parts, tracked):
    for records in parts:
        run = of_kind(records, "run")[0]
        assert (run.run_id, run.project) == (tracked.place.folder.name, "evalkit")
        assert run.display_name == f"adhoc {tracked.place.folder.name}"


def test_settings_are_its_configuration(parts, tracked):
    config = items(of_kind(parts[1], "run")[0].config.update)
    report = tracked.place.report
    assert config["run"]["plan"] == report["plan"]
    assert config["run"]["commit"] == report["provenance"]["commit"]
    assert config["trials"]["detune=10"]["engine.detune"] == "10"


def test_numbers_are_told_by_rows_with_their_intervals(parts, tracked):
    assert list(steps(parts[0])) == [tracked.rows_when_stopped]
    last = steps(parts[1])[144]
    for one in tracked.place.report["trials"]:
        name, told = f"detune={one['settings']['engine.detune']:g}", one["summary"]["sim"]
        for end, key in (("", "value"), ("_low", "low"), ("_high", "high")):
            assert last[f"{name}/sim{end}"] == pytest.approx(told[key], abs=1e-6)
        assert last[f"{name}/n"] == 72


def test_the_finding_is_in_its_summary_and_the_trials_in_a_table(parts, tracked):
    summary = {}
    for one in of_kind(parts[1], "summary"):
        summary |= items(one.update)
    assert summary["finding"] == tracked.place.report["finding"]
    assert summary["best"] == "detune=10"
    (path,) = tracked.wandb[1].glob("files/media/table/*.table.json")
    table = json.loads(path.read_text())
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert [row["trial"] for row in rows] == ["detune=100", "detune=10"]
    assert rows[1]["sim"] == pytest.approx(tracked.place.report["trials"][1]["summary"]["sim"]["value"], abs=1e-6)


def test_the_files_are_an_artefact(parts):
    made = {one.name: one for one in of_kind(parts[1], "artifact")}
    (kept,) = (one for name, one in made.items() if name.startswith("report-"))
    assert {"report.json", "utterances.jsonl"} <= {entry.path for entry in kept.manifest.contents}
    assert "run.log" not in {entry.path for entry in kept.manifest.contents}


def test_how_each_part_ended_is_told(parts):
    assert [of_kind(records, "exit")[0].exit_code for records in parts] == [255, 0]


def test_without_a_key_the_run_does_not_begin_and_the_way_out_is_told(place):
    here = place("keyless")
    done = here.run("tracker=wandb")
    assert done.returncode == 2
    assert done.stdout == ""
    said = done.stderr.splitlines()[-1]
    assert said.startswith("evalkit: tracker=wandb cannot begin: TrackerError: No API key configured.")
    assert "tracker.wandb.mode=offline" in said
    assert not list(here.path.glob("reports/*/*/report.json"))


def test_the_variable_says_the_mode_where_no_setting_does(place):
    here = place("variable")
    done = here.run("tracker=wandb", "tracker.wandb.dir=mine", WANDB_MODE="offline", WANDB_API_KEY="k" * 40)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(here.folder.relative_to(here.path))
    assert len(list((here.path / "mine/wandb").glob("offline-run-*"))) == 1
    kept = [path for path in here.path.rglob("*") if path.is_file() and b"k" * 40 in path.read_bytes()]
    assert kept == []
