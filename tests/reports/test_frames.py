"""A report in pandas: what is in which column, checked by hand; names that collide; files and back."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evalkit
from evalkit.errors import DataError, PackageError
from evalkit.record import (
    Comparison,
    Concordance,
    FloorAndCeiling,
    MetricRecord,
    Spreads,
    Summary,
    TrialSummary,
    VoiceCalibration,
)
from evalkit.reports import exports
from evalkit.reports.columns import Table, settings
from evalkit.reports.exports import TABLES, as_said, csv_text, harmless, write_tables
from evalkit.reports.frames import LoadedReport, load_report
from evalkit.reports.markdown import run_markdown
from evalkit.resources import resource
from evalkit.row import EditsRecord, ErrorRecord, PromptRecord, Row
from tests.analysis.runs import METRICS, run_of, written

DEMO = resource("reports/demo/20261125T023431625-9f613a")
PROMPT = PromptRecord(3.5, "so it began", "user", "ab", ["one.wav", "two.wav"], wanted_seconds=3.0)


def row(trial="a", probe="p", **changes):
    told = {
        "trial": trial,
        "engine": "e",
        "settings": {"prompt.seconds": 3.0 if trial == "a" else None},
        "voice": "ann",
    }
    return Row(**{**told, "probe": probe, "seed": 0, "language": "en", "text": "four words are here", **changes})


ROWS = [
    row(scores={"sim": 0.5, "wer": 0.25}, weights={"wer": 4}, prompt=PROMPT, hypothesis="four words are",
        edits=EditsRecord(3, 0, 1, 0), flags=["bleed"], heard_language=("en", 0.9)),
    row(probe="q", scores={"sim": 0.7}, missing={"wer": "no transcript"}, flags=["bleed", "clipped"]),
    row("b", state="failed", error=ErrorRecord("Boom", "=1+1")),
    row("b", "q", scores={"sim": 0.9, "wer": 0.0}, weights={"wer": 8}, stratum="short"),
]  # fmt: skip
TRIALS = [
    TrialSummary("a", "e", {"prompt.seconds": 3.0}, 2, 0, {"sim": Summary(0.6, 0.4, 0.8, 2, "panel")}, n_flagged=2,
                 flags={"bleed": 2, "clipped": 1}, version="1"),
    TrialSummary("b", "e", {"prompt.seconds": None}, 2, 1, {"sim": Summary(0.9, n=1)}, version="1",
                 barred="half failed"),
]  # fmt: skip
COMPARED = [
    Comparison("b", "a", "sim", 0.2, 0.1, 0.3, 0.01, 1, "panel", Spreads(0.1, 0.2, 0.3), (-0.1, 0.1)),
    Comparison("b", "a", "wer", -0.25, None, None, None, 1),
]
VOICES = {
    "ann": VoiceCalibration({"hum": FloorAndCeiling(0.1, 0.9, 0.05)}, 0.0, 12, "held_out"),
    "ben": VoiceCalibration({}, None, 0),
}


def loaded(rows=ROWS, **changes):
    given = {"comparisons": COMPARED, "calibration": VOICES, "best": "b", "baseline": "a"}
    run = run_of(rows, **{**given, **changes})
    return LoadedReport(run if "trials" in changes else replace(run, report=replace(run.report, trials=TRIALS)))


def test_rows_have_a_column_a_metric_and_failed_ones_stay():
    rows = loaded().rows
    assert rows["trial"].tolist() == ["a", "a", "b", "b"]
    assert rows["sim"].tolist()[:2] == [0.5, 0.7]
    assert rows["sim"].isna().tolist() == [False, False, True, False]
    assert rows["failed"].tolist() == [0, 0, 1, 0]
    assert rows["state"].tolist() == ["scored", "scored", "failed", "scored"]
    assert rows["error_type"].tolist()[2] == "Boom"
    assert rows["missing"].tolist()[1] == "wer: no transcript"


def test_a_metric_that_no_row_has_is_a_column_without_values():
    assert loaded().rows["rtf"].isna().all()
    assert loaded(rows=[replace(ROWS[0], scores={"new": 1.5}), *ROWS[1:]]).rows["new"].tolist()[0] == 1.5


def test_pooled_means_can_be_made_again():
    rows = loaded().rows.dropna(subset="wer")
    assert rows["wer_weight"].tolist() == [4, 8]
    assert (rows["wer"] * rows["wer_weight"]).sum() / rows["wer_weight"].sum() == pytest.approx(1 / 12)


def test_what_is_known_of_prompt_words_and_flags():
    rows = loaded().rows
    first = rows.iloc[0]
    assert (first["prompt_seconds"], first["prompt_clips"], first["deletions"]) == (3.5, "one.wav, two.wav", 1)
    assert (first["heard_language"], first["heard_language_probability"]) == ("en", 0.9)
    assert pd.isna(rows.iloc[1]["prompt_text"])
    assert pd.isna(rows.iloc[1]["deletions"])
    assert rows["flags"].tolist() == ["bleed", "bleed, clipped", "", ""]
    assert rows["flag_clipped"].tolist() == [False, True, False, False]


def test_kinds_of_columns():
    kinds = loaded().rows.dtypes.astype(str)
    assert kinds[["trial", "voice", "state", "stratum"]].tolist() == ["category"] * 4
    assert kinds[["text", "hypothesis", "error"]].tolist() == ["string"] * 3
    assert kinds[["sim", "wer_weight", "prompt_seconds"]].tolist() == ["float64"] * 3
    assert kinds[["seed", "hits", "flag_bleed"]].tolist() == ["Int64", "Int64", "boolean"]


def test_trials_have_intervals():
    trials = loaded().trials.set_index("trial")
    assert trials.loc["a", ["sim", "sim_low", "sim_high", "sim_n", "sim_scope"]].tolist() == [0.6, 0.4, 0.8, 2, "panel"]
    assert trials.loc["b", ["sim", "sim_n"]].tolist() == [0.9, 1]
    assert trials.loc["b", ["sim_low", "sim_high", "sim_scope", "wer"]].isna().all()
    assert trials["is_best"].tolist() == [False, True]
    assert trials["is_baseline"].tolist() == [True, False]
    assert trials["flag_bleed"].tolist() == [2, 0]
    assert trials.loc["b", "barred"] == "half failed"
    assert trials["prompt.seconds"].tolist()[0] == 3.0
    assert trials["n_failed"].tolist() == [0, 1]


def test_a_winner_that_another_encoder_does_not_see_is_contested():
    assert not loaded().trials["is_contested"].any()
    told = loaded(concordance=[Concordance("other", 0.0, [], contested=True)])
    assert told.trials["is_contested"].tolist() == [False, True]


def test_comparisons_have_intervals_spreads_and_the_settings_of_their_trial():
    found = loaded().comparisons
    assert found["metric"].tolist() == ["sim", "wer"]
    assert found["difference"].tolist() == [0.2, -0.25]
    assert found["is_told"].tolist() == [True, False]
    assert found.loc[0, ["spread_voice", "spread_probe", "spread_rest"]].tolist() == [0.1, 0.2, 0.3]
    assert found.loc[0, ["worst_of_trial", "worst_of_baseline"]].tolist() == [-0.1, 0.1]
    assert found["low"].isna().tolist() == [False, True]
    assert found["prompt.seconds"].isna().all()


def test_voices_have_their_floor_and_ceiling():
    found = loaded().voices
    assert found["voice"].tolist() == ["ann", "ben"]
    assert found.loc[0, ["encoder", "floor", "ceiling", "asr_wer", "asr_words"]].tolist() == ["hum", 0.1, 0.9, 0.0, 12]
    assert found.loc[1, ["encoder", "floor", "asr_wer"]].isna().all()


def test_who_comes_later_is_called_by_its_kind_too():
    metrics = {**METRICS, "voice": MetricRecord("x", True, None), "sim_low": MetricRecord("x", True, None)}
    own = {"sim": "loud", "text": 1, "metric.voice": 2}
    rows = [replace(one, settings=own, scores={**one.scores, "voice": 0.1}) for one in ROWS if one.state == "scored"]
    trials = [replace(TRIALS[0], settings=own, summary={**TRIALS[0].summary, "sim_low": Summary(9.0)})]
    run = run_of([replace(one, trial="a") for one in rows], metrics=metrics)
    told = LoadedReport(replace(run, report=replace(run.report, trials=trials)))
    assert told.rows["voice"].tolist() == ["ann"] * 3
    assert told.rows["metric.metric.voice"].tolist() == [0.1] * 3
    assert told.rows["metric.voice"].tolist() == [2] * 3
    assert told.rows["setting.text"].tolist() == [1] * 3
    assert told.rows["sim"].tolist() == ["loud"] * 3
    assert told.rows["metric.sim"].tolist() == [0.5, 0.7, 0.9]
    assert told.trials["metric.sim_low"].tolist() == [0.4]
    assert told.trials["sim_low"].tolist() == [9.0]
    assert len(set(told.rows.columns)) == len(told.rows.columns)


@given(st.lists(st.tuples(st.sampled_from(["row", "setting", "metric"]), st.text(), st.sets(st.text()))))
def test_no_column_takes_the_place_of_another(asked):
    table, wanted = Table(), 0
    for kind, name, endings in asked:
        table.add_all(kind, name, dict.fromkeys(endings, settings([wanted])))
        wanted += len(endings)
    assert table.frame().shape[1] == wanted


@pytest.mark.parametrize(
    ("values", "kind", "first"),
    [
        ([1, 2, None], "Int64", 1),
        ([1.5, 2, None], "float64", 1.5),
        ([True, False], "boolean", True),
        ([True, 1], "category", "true"),
        (["best", 3.0, None], "category", "best"),
        ([10**30, 1], "category", str(10**30)),
        ([None, None], "float64", None),
    ],
)
def test_a_setting_has_the_kind_of_its_values(values, kind, first):
    column = pd.Series(settings(values))
    assert str(column.dtype) == kind
    assert column.isna().tolist() == [value is None for value in values]
    assert first is None or column[0] == first


def test_counts_that_no_table_holds_are_said():
    told = loaded(rows=[replace(ROWS[0], edits=EditsRecord(10**40, 0, 0, 0)), *ROWS[1:]])
    with pytest.raises(DataError, match="counts 1e\\+40 of something"):
        _ = told.rows


def test_a_run_that_has_no_rows_yet_has_all_columns():
    told = loaded(rows=[])
    assert len(told.rows) == 0
    assert {"sim", "wer", "voice", "flag_bleed"} <= set(told.rows.columns)


def test_a_committed_report_is_loaded_as_it_says():
    told = evalkit.load_report(DEMO)
    best = told.trials[told.trials["is_best"]].iloc[0]
    assert told.report.finding.startswith(f"Among the best is prompt.seconds={best['prompt.seconds']:g}")
    by_hand = told.rows.groupby("trial", observed=True)["sim"].mean()
    assert by_hand[best["trial"]] == pytest.approx(best["sim"], abs=1e-6)
    assert len(told.rows) == told.trials["n"].sum() == 144
    assert set(told.report.metrics) <= set(told.rows.columns)
    assert len(told.comparisons) == len(told.report.comparisons)
    assert repr(told) == f"LoadedReport({str(DEMO)!r}: 6 trials, 144 rows)"


def test_a_report_is_found_as_other_commands_find_it(tmp_path, monkeypatch):
    monkeypatch.chdir(resource("."))
    named = [evalkit.load_report(path).report for path in ("kokoro_cpu", "reports/baselines/kokoro_cpu/report.json")]
    assert named[0] == named[1]
    with pytest.raises(DataError, match="no run at 'nowhere'"):
        evalkit.load_report("nowhere")
    folder = written(run_of(ROWS[:2], trials={"a": {}}), tmp_path / "run")
    (folder / "utterances.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match=r"utterances.jsonl, line 1"):
        load_report(folder)


def test_importing_evalkit_does_not_import_pandas():
    told = "import evalkit, sys; print(evalkit.load_report, 'pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\tx", "\rx", "'=1", "＝1", "''@"])
def test_no_text_in_csv_is_a_formula(text):
    assert harmless(text) == f"'{text}"
    assert as_said(harmless(text)) == text


@given(st.text())
def test_a_text_comes_back_from_csv_as_it_was(text):
    assert as_said(harmless(text)) == text
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_csv_has_every_value_and_no_formula(tmp_path):
    told = loaded()
    (rows, *_) = write_tables(told, tmp_path, "csv")
    back = pd.read_csv(rows, keep_default_na=False)
    assert back["error"].tolist() == ["", "", "'=1+1", ""]
    assert back["sim"].tolist() == ["0.5", "0.7", "", "0.9"]
    assert back["trial"].tolist() == ["a", "a", "b", "b"]
    assert back["flag_bleed"].tolist() == [True, True, False, False]
    assert back["flags"].tolist() == ["bleed", "bleed, clipped", "", ""]
    assert list(back.columns) == list(told.rows.columns)
    assert csv_text(pd.DataFrame({"-x": [-1.5]})) == "'-x\n-1.5\n"


@pytest.mark.parametrize("hostile", ['a,b\n"c"', "\ud800", "x\x00y", "\u202e", "', '"])
def test_texts_of_any_kind_reach_files(tmp_path, hostile):
    told = loaded(rows=[replace(ROWS[0], hypothesis=hostile, voice=hostile), *ROWS[1:]])
    write_tables(told, tmp_path, "csv")
    write_tables(told, tmp_path, "parquet")
    seen = hostile.encode(errors="backslashreplace").decode()
    assert pd.read_parquet(tmp_path / "rows.parquet")["hypothesis"].tolist()[0] == seen
    if "\x00" not in hostile:  # pandas' reader ends a text there
        assert pd.read_csv(tmp_path / "rows.csv", keep_default_na=False)["voice"].tolist()[0] == harmless(seen)


@pytest.mark.parametrize("source", [loaded(), load_report(DEMO)], ids=["by hand", "demo"])
def test_parquet_gives_back_what_was_written(tmp_path, source):
    for name, path in zip(TABLES, write_tables(source, tmp_path, "parquet"), strict=True):
        there, back = getattr(source, name), pd.read_parquet(path)
        empty = [column for column in there if there[column].isna().all()]  # Parquet keeps no categories of nothing
        pd.testing.assert_frame_equal(there.drop(columns=empty), back.drop(columns=empty))
        assert list(back.columns) == list(there.columns)


def test_parquet_without_its_package_says_what_to_type(tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "find_spec", lambda name: None)
    with pytest.raises(PackageError, match=r"pip install --editable '.*\[parquet\]'"):
        write_tables(loaded(), tmp_path, "parquet")
    assert list(tmp_path.iterdir()) == []


def test_markdown_has_trials_finding_and_comparisons_and_no_mark_up_of_others():
    told = loaded(finding="a | b <i>", question="Which?", sweep="s_1").run
    text = run_markdown(told)
    assert "### s\\_1 run" in text
    assert "| 3 | 3.5 | 2 | 0 | 2 | 0.600 \\[0.400, 0.800\\] | - | - |" in text
    assert "- a \\| b \\<i\\>" in text
    assert "| prompt.seconds=null | sim | +0.200 | \\[+0.100, +0.300\\] | 1\\* |" in text
    assert "| prompt.seconds=null | wer | -0.250 | - | 1 |" in text
    assert "prompt.seconds=3" in text.split("Compared with the baseline")[1]


def test_markdown_of_a_run_without_comparisons_is_one_table():
    text = run_markdown(load_report(resource("reports/baselines/kokoro_cpu")).run)
    assert text.count("### ") == 1


class TestCommand:
    def test_tables_are_written_into_the_runs_folder_or_where_one_says(self, evalkit, tmp_path):
        folder = written(loaded().run, tmp_path / "run")
        done = evalkit("report", "run", "--csv")
        assert (done.returncode, done.stdout.splitlines()) == (0, [f"run/{name}.csv" for name in TABLES])
        assert pd.read_csv(folder / "trials.csv")["sim_low"].tolist()[0] == 0.4
        assert evalkit("report", "run/report.json", "--parquet", "--out", "there").returncode == 0
        assert {path.name for path in (tmp_path / "there").iterdir()} == {f"{name}.parquet" for name in TABLES}
        assert not (folder / "index.html").exists()

    def test_markdown_is_printed(self, evalkit, tmp_path):
        told = loaded().run
        written(told, tmp_path / "run")
        done = evalkit("report", "run", "--markdown")
        assert done.returncode == 0
        assert done.stdout.rstrip() == run_markdown(told).rstrip()

    def test_one_form_at_a_time_and_a_run_that_is_there(self, evalkit):
        assert evalkit("report", "run", "--csv", "--markdown").returncode == 2
        done = evalkit("report", str(Path("no") / "run"), "--csv")
        assert (done.returncode, "no run at" in done.stderr) == (2, True)
