"""Runs that are kept to compare with, and runs that are none: hostile and damaged ones are named, one line each."""

import json
import os
import re
from dataclasses import replace

import pytest

from evalkit.errors import DataError, StorageError
from evalkit.reports.baselines import find_baseline, keep, read_run
from tests.analysis.runs import METRICS, rows_of, run_of, written

TABLE = {"sim": [[0.1, 0.2], [0.3, 0.4]]}


@pytest.fixture
def folder(tmp_path):
    return written(run_of(rows_of("t", TABLE)), tmp_path / "run")


@pytest.fixture
def baselines(tmp_path):
    return tmp_path / "baselines"


def test_a_run_is_read_by_its_folder_or_its_report(folder):
    for path in (folder, folder / "report.json"):
        run = read_run(path)
        assert (run.name, run.report.run_id, len(run.rows)) == (str(folder), "run", 4)


def test_a_baseline_is_the_run_as_it_was_with_who_when_and_why(folder, baselines):
    kept = keep(read_run(folder), "kokoro", "  the first\none ", baselines)
    assert kept == baselines / "kokoro"
    assert sorted(path.name for path in kept.iterdir()) == ["baseline.json", "report.json", "utterances.jsonl"]
    for name in ("report.json", "utterances.jsonl"):
        assert (kept / name).read_bytes() == (folder / name).read_bytes()
    about = json.loads((kept / "baseline.json").read_text())
    assert (about["name"], about["reason"], about["run_id"], about["replaced"]) == (
        "kokoro",
        "the first\none",
        "run",
        None,
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", about["kept"])
    assert about["by"]
    assert re.fullmatch("[0-9a-f]{64}", about["report_sha256"])
    assert find_baseline("kokoro", baselines) == kept
    assert find_baseline(str(kept), baselines) == kept
    assert find_baseline(str(kept / "report.json"), baselines) == kept / "report.json"


def test_a_baseline_that_is_replaced_is_named_and_a_damaged_one_can_be(folder, baselines):
    run = read_run(folder)
    kept = keep(run, "k", "one", baselines)
    keep(run, "k", "two", baselines)
    assert json.loads((kept / "baseline.json").read_text())["replaced"] == "run"
    (kept / "report.json").write_text("{")
    keep(run, "k", "three", baselines)
    assert json.loads((kept / "baseline.json").read_text())["replaced"] is None
    assert read_run(kept).report.run_id == "run"


@pytest.mark.hostile
@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "../x", "a/b", "a\\b", "a\nb", "\x1b[0m", "a\u202e", "\udcff", "x" * 101, " a"]
)
def test_a_name_that_is_none_keeps_nothing(folder, baselines, name):
    with pytest.raises(DataError, match="--update-baseline") as raised:
        keep(read_run(folder), name, "why", baselines)
    assert "\n" not in str(raised.value)
    assert not baselines.exists()


@pytest.mark.hostile
@pytest.mark.parametrize("reason", ["", " \n", "half \udcff", "bell \x07"])
def test_a_reason_that_nobody_can_read_keeps_nothing(folder, baselines, reason):
    with pytest.raises(DataError, match="--reason"):
        keep(read_run(folder), "k", reason, baselines)
    assert not baselines.exists()


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_only_a_complete_run_can_be_kept(tmp_path, baselines, status):
    run = run_of(rows_of("t", TABLE), status=status)
    with pytest.raises(DataError, match=f"is {status}: only a complete run"):
        keep(run, "k", "why", baselines)


def test_a_folder_that_cannot_be_written_is_the_disks_doing(folder, baselines):
    baselines.mkdir()
    (baselines / "k").write_text("a file")
    with pytest.raises(StorageError):
        keep(read_run(folder), "k", "why", baselines)


@pytest.mark.hostile
@pytest.mark.parametrize("named", ["", "../x", "a/b", "nothing", "x" * 5000, "a\x00b", "\udcff", "*"])
def test_a_baseline_that_is_not_there_is_told_with_those_that_are(folder, baselines, named, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    keep(read_run(folder), "kokoro", "why", baselines)
    with pytest.raises(DataError, match=r"there is no run at .*kept there: kokoro; keep one: python -m evalkit gate"):
        find_baseline(named, baselines)


def changed(folder, **changes):
    """Changes a report in its file: dotted keys lead down."""
    content = json.loads((folder / "report.json").read_text())
    for key, value in changes.items():
        *way, last = key.split("__")
        at = content
        for part in way:
            at = at[int(part) if isinstance(at, list) else part]
        at[last] = value
    (folder / "report.json").write_text(json.dumps(content))


def rows(folder, change):
    lines = (folder / "utterances.jsonl").read_text().splitlines(keepends=True)
    (folder / "utterances.jsonl").write_text("".join(change(lines)))


def instead(path, make):
    path.unlink()
    make(path)


DAMAGE = {
    "no_json": (lambda f: (f / "report.json").write_text("nonsense"), "is not a report"),
    "list": (lambda f: (f / "report.json").write_text("[]"), "schema_version is None"),
    "nan": (lambda f: changed(f, metrics__sim__repeatability=float("nan")), "NaN is no number"),
    "huge": (lambda f: changed(f, metrics__sim__repeatability=1e300), "repeats within 1e\\+300"),
    "huge_count": (lambda f: changed(f, trials__0__n=10**4000), "the two are not of one run"),
    "truncated": (lambda f: (f / "report.json").write_text((f / "report.json").read_text()[:-200]), "is not a report"),
    "newer": (lambda f: changed(f, schema_version=99), "schema_version 99.*update evalkit"),
    "no_report": (lambda f: (f / "report.json").unlink(), "no report at"),
    "no_rows": (lambda f: (f / "utterances.jsonl").unlink(), "no rows at"),
    "other_trials": (lambda f: rows(f, lambda lines: [line.replace('"t"', '"u"') for line in lines]), "trial 'u'"),
    "rows_cut_short": (lambda f: rows(f, lambda lines: [*lines[:-1], lines[-1][:-9]]), "has 3 rows of trial 't'"),
    "rows_missing": (lambda f: rows(f, lambda lines: lines[1:]), "has 3 rows of trial 't', report.json speaks of 4"),
    "rows_twice": (lambda f: rows(f, lambda lines: [lines[0], *lines[:3]]), "twice: trial 't', voice 'v0'"),
    "rows_binary": (lambda f: (f / "utterances.jsonl").write_bytes(b"\xff\xfe\n"), "UTF-8|line 1"),
    "score_huge": (lambda f: rows(f, lambda lines: [lines[0].replace("0.1", "1e300"), *lines[1:]]), "'sim' is beyond"),
    "folder": (lambda f: instead(f / "report.json", lambda path: path.mkdir()), "no file that can be read as report"),
    "pipe": (lambda f: instead(f / "report.json", os.mkfifo), "no file that can be read as report"),
    "rows_pipe": (lambda f: instead(f / "utterances.jsonl", os.mkfifo), "no file that can be read as rows"),
    "rows_folder": (lambda f: instead(f / "utterances.jsonl", lambda path: path.mkdir()), "that can be read as rows"),
    "bounds": (lambda f: changed(f, metrics__sim__bounds=[1, -1]), "metric 'sim' that it is at least 1 and at most -1"),
    "direction": (lambda f: changed(f, metrics__sim__higher_is_better="up"), "higher_is_better"),
    "negative_repeat": (lambda f: changed(f, metrics__sim__repeatability=-1), "repeats within -1"),
    "no_trials": (lambda f: changed(f, trials=[]), "has no trials"),
    "trial_twice": (
        lambda f: changed(f, trials=json.loads((f / "report.json").read_text())["trials"] * 2),
        "has the trial 't' twice",
    ),
}  # fmt: skip


@pytest.mark.hostile
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_run_that_is_damaged_is_named(folder, damage):
    make, complaint = DAMAGE[damage]
    make(folder)
    with pytest.raises(DataError, match=complaint) as raised:
        read_run(folder)
    assert str(folder) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.hostile
def test_a_trials_name_cannot_break_a_message(tmp_path):
    run = run_of(rows_of("a\nb", TABLE), trials={"a\nb": {}})
    folder = written(replace(run, rows=run.rows[1:]), tmp_path / "odd")
    with pytest.raises(DataError, match=r"has 3 rows of trial 'a\\nb'"):
        read_run(folder)


def test_the_metrics_of_a_run_come_back(folder):
    assert read_run(folder).report.metrics == METRICS


@pytest.mark.parametrize("name", ["report.json", "utterances.jsonl"])
def test_a_baseline_that_was_changed_is_refused(folder, baselines, name):
    kept = keep(read_run(folder), "k", "one", baselines)
    text = (kept / name).read_text()
    (kept / name).write_text(text.replace("0.4", "0.5", 1) if "0.4" in text else text + "\n")
    with pytest.raises(DataError, match=f"{name} is not what was kept as a baseline"):
        find_baseline("k", baselines)


@pytest.mark.parametrize("about", ["{", "[]", "{}", None])
def test_a_baseline_without_its_record_is_refused(folder, baselines, about):
    kept = keep(read_run(folder), "k", "one", baselines)
    (kept / "baseline.json").unlink()
    if about is not None:
        (kept / "baseline.json").write_text(about)
    with pytest.raises(DataError, match="baseline"):
        find_baseline("k", baselines)
