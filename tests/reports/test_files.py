import json
import re
import subprocess

import jsonschema
import pytest

from evalkit.errors import DataError
from evalkit.record import SCHEMA_VERSION, ErrorRecord, Row
from evalkit.reports.files import append_rows, json_schema, read_report, read_rows, rounded, write_rows
from evalkit.resources import resource


def row(probe: str, **changes) -> Row:
    given = {"trial": "t", "engine": "e", "settings": {"a": 1}, "voice": "v", "probe": probe, "seed": 0}
    return Row(**{**given, "language": "en", "text": "x", **changes})


def test_the_committed_schemas_are_those_of_the_types():
    for kind in ("report", "row"):
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
