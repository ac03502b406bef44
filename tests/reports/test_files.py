import json
import os
import re
import subprocess

import jsonschema
import pytest

from evalkit.errors import DataError, StorageError
from evalkit.record import SCHEMA_VERSION
from evalkit.reports.files import append_rows, json_schema, read_report, read_rows, rounded, row_line, write_rows
from evalkit.resources import resource
from evalkit.row import ErrorRecord, Row


def row(probe: str, **changes) -> Row:
    given = {"trial": "t", "engine": "e", "settings": {"a": 1}, "voice": "v", "probe": probe, "seed": 0}
    return Row(**{**given, "language": "en", "text": "x", **changes})


def test_the_committed_schemas_are_those_of_the_types():
    for kind in ("report", "row", "ballot", "votes"):
        path = resource(f"docs/schema/{kind}.schema.json")
        assert json.loads(path.read_text()) == json_schema(kind), "type: make schema"


def test_rows_come_back_as_written(tmp_path):
    rows = [
        row("a", scores={"sim": 0.123456}),
        row("b", state="failed", error=ErrorRecord("SynthesisError", "no samples")),
    ]
    write_rows(tmp_path, rows[:1])
    append_rows(tmp_path, rows[1:])
    assert list(read_rows(tmp_path)) == rows
    for line in (tmp_path / "utterances.jsonl").read_text().splitlines():
        jsonschema.validate(json.loads(line), json_schema("row"))


def test_a_row_cut_short_by_a_crash_is_never_read(tmp_path):
    write_rows(tmp_path, [row("a"), row("b")])
    path = tmp_path / "utterances.jsonl"
    path.write_text(path.read_text()[:-20])
    assert [found.probe for found in read_rows(tmp_path)] == ["a"]


def test_a_line_that_is_no_row_is_named(tmp_path):
    write_rows(tmp_path, [row("a")])
    with (tmp_path / "utterances.jsonl").open("a") as file:
        file.write('{"trial": 1}\n')
    with pytest.raises(DataError, match="line 2"):
        list(read_rows(tmp_path))


def test_numbers_have_six_digits_and_no_nan():
    assert rounded({"a": [0.12345678, float("nan"), float("inf"), 3, "x", None]}) == {
        "a": [0.123457, None, None, 3, "x", None]
    }


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no report at"),
        ("{", "is not a report"),
        ("[]", "schema_version is None, expected 1 to 2"),
        ('{"schema_version": 0}', "schema_version is 0, expected 1 to 2"),
        ('{"schema_version": "2"}', "schema_version is '2', expected 1 to 2"),
        ('{"schema_version": 2}', "is not a report of version 2: run_id"),
        ('{"schema_version": 3}', "has schema_version 3, this evalkit reads 1 to 2: update evalkit"),
    ],
)
def test_a_report_that_is_none(tmp_path, content, complaint):
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(DataError, match=re.escape(complaint)):
        read_report(tmp_path)


def test_a_newer_report_is_refused_by_its_version_alone(tmp_path):
    """It has all that today's has, so nothing but the number can be the reason."""
    newest = max(resource("reports/demo").glob("*/report.json"))
    content = json.loads(newest.read_text())
    (tmp_path / "report.json").write_text(json.dumps(content))
    read_report(tmp_path)
    (tmp_path / "report.json").write_text(json.dumps({**content, "schema_version": 3}))
    with pytest.raises(DataError, match="has schema_version 3"):
        read_report(tmp_path)


def test_the_committed_reports_are_valid():
    listed = subprocess.run(
        ["git", "ls-files", "reports/*report.json"], cwd=resource("."), capture_output=True, text=True, check=True
    )
    for path in [resource(line) for line in listed.stdout.splitlines()]:
        report = read_report(path.parent)
        rows = list(read_rows(path.parent))
        if report.schema_version == SCHEMA_VERSION:
            jsonschema.validate(json.loads(path.read_text()), json_schema("report"))
        assert report.status == "complete"
        assert sum(trial.n for trial in report.trials) == len(rows)


def pipe(path):
    os.mkfifo(path)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        pytest.param(lambda path: path.write_bytes(b'{"schema_version": 2, "sweep": "caf\xe9"}'),
                     "is not UTF-8 text (line 1, byte 0xe9)", id="f23-no-utf8"),
        pytest.param(pipe, "is no file that can be read as report, but a folder, a pipe", id="f23-pipe"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), "is no file that can be read", id="f23-device"),
        pytest.param(lambda path: path.write_text("[" * 100_000), "is not a report", id="f23-deep"),
        pytest.param(lambda path: path.write_text('{"schema_version": ' + "9" * 5000 + "}"), "is not a report",
                     id="f23-digits"),
        pytest.param(lambda path: path.write_text('{"schema_version": NaN}'), "NaN is no number", id="f12-nan"),
        pytest.param(lambda path: path.write_text('{"schema_version": 1e999}'), "1e999 is no number", id="f12-endless"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_report_is_named(tmp_path, make, complaint):
    make(tmp_path / "report.json")
    with pytest.raises(DataError, match=re.escape(complaint)):
        read_report(tmp_path)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("synth_seconds", "-1", id="f12-negative-seconds"),
        pytest.param("audio_seconds", "-0.5", id="f12-negative-length"),
        pytest.param("audio_seconds", "NaN", id="f12-nan"),
        pytest.param("seed", "-3", id="f12-negative-seed"),
        pytest.param("scores", '{"sim": Infinity}', id="f12-endless-score"),
        pytest.param("weights", '{"wer": -2}', id="f12-negative-weight"),
        pytest.param("edits", '{"hits": -1, "substitutions": 0, "deletions": 0, "insertions": 0}', id="f12-hits"),
        pytest.param("seed", "-" + "9" * 400, id="f30-digits"),
    ],
)
def test_a_row_with_an_impossible_number_is_not_read(tmp_path, key, value):
    line = json.loads(row_line(row("a")))
    content = json.dumps({**line, key: "HERE"}).replace('"HERE"', value)
    (tmp_path / "utterances.jsonl").write_text(f"{row_line(row('b'))}\n{content}\n")
    with pytest.raises(DataError, match=rf"utterances.jsonl, line 2: {key}"):
        list(read_rows(tmp_path))


@pytest.mark.hostile
def test_f12_a_report_with_impossible_counts_is_not_read(tmp_path):
    newest = max(resource("reports/demo").glob("*/report.json"))
    content = json.loads(newest.read_text())
    content["trials"][0]["n"] = -1
    (tmp_path / "report.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"trials\.0\.n: .*greater than or equal to 0 \(got -1\)"):
        read_report(tmp_path)


@pytest.mark.hostile
@pytest.mark.parametrize("make", [pytest.param(pipe, id="f23-pipe"), pytest.param(lambda path: None, id="f23-none")])
def test_rows_that_are_none(tmp_path, make):
    make(tmp_path / "utterances.jsonl")
    with pytest.raises(DataError, match="rows"):
        list(read_rows(tmp_path))


@pytest.mark.hostile
def test_f22_rows_are_not_added_through_a_link(tmp_path):
    (tmp_path / "mine.txt").write_text("mine\n")
    (tmp_path / "utterances.jsonl").symlink_to("mine.txt")
    with pytest.raises(StorageError):
        append_rows(tmp_path, [row("a")])
    assert (tmp_path / "mine.txt").read_text() == "mine\n"
    write_rows(tmp_path, [row("a")])  # takes the link's place
    assert (tmp_path / "mine.txt").read_text() == "mine\n"
    assert [found.probe for found in read_rows(tmp_path)] == ["a"]


@pytest.mark.hostile
def test_f18_half_a_surrogate_pair_is_written_as_a_terminal_shows_it(tmp_path):
    """Python makes such halves of bytes that are no UTF-8, as in names of files."""
    write_rows(tmp_path, [row("a", text="caf\udce9", error=ErrorRecord("OSError", "no \udcff"), state="failed")])
    (found,) = read_rows(tmp_path)
    assert (found.text, found.error.message) == ("caf\\udce9", "no \\udcff")
