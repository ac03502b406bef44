from dataclasses import replace

import pytest

from evalkit.analysis.pairing import Run
from evalkit.reports.page.contents import contents, short
from evalkit.reports.page.sounds import Numbered
from tests.reports.page.made import address, made, sources


def told(run: Run) -> dict:
    return contents(run.report, run.rows, sources(run).held_out, Numbered())


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0.123456, 0.1235),
        (2019819520.0, 2020000000),
        (0.0, 0),
        (5.0, 5),
        (-1.00004, -1),
        (None, None),
        (12.3456, 12.35),
    ],
)
def test_numbers_have_four_digits(value, wanted):
    assert short(value) == wanted


def test_columns_name_what_rows_share():
    run = made(72)
    data = told(run)
    assert data["count"] == 72
    assert [data["trials"][at]["id"] for at in data["rows"]["trial"]] == [row.trial for row in run.rows]
    assert [data["voices"][at]["name"] for at in data["rows"]["voice"]] == [row.voice for row in run.rows]
    assert [data["probes"][at]["text"] for at in data["rows"]["probe"]] == [row.text for row in run.rows]
    prompt = data["prompts"][0]
    assert (prompt["text"], prompt["seconds"], prompt["source"]) == (run.rows[0].prompt.text, 3.0, "user")
    texts = [None, *data["texts"]]
    columns = zip(data["rows"]["hypothesis"], run.rows, strict=True)
    heard = [row.text if number is None else texts[number] for number, row in columns]
    assert heard == [row.hypothesis for row in run.rows]


def test_a_column_of_one_value_is_that_value_and_equal_columns_stand_once():
    run = made(12)
    rows = [replace(row, scores={"a": 1.0, "b": float(at), "c": float(at)}) for at, row in enumerate(run.rows)]
    scores = told(Run(run.name, run.report, rows))["rows"]["scores"]
    assert scores == {"a": 1, "b": list(range(12)), "c": "b"}


def test_a_metric_that_a_row_lacks_is_null():
    run = made(12)
    failed = next(at for at, row in enumerate(run.rows) if row.state == "failed")
    assert told(run)["rows"]["scores"]["sim"][failed] is None
    assert told(run)["rows"]["state"][failed] == 1


def test_trials_say_what_they_are():
    trials = {trial["id"]: trial for trial in told(made())["trials"]}
    best, base = trials["t11"], trials["t00"]
    assert (best["label"], base["label"]) == ("seconds=6, top=1", "seconds=3, top=0")
    assert (best["best"], best["contested"], best["baseline"]) == (True, True, False)
    assert (base["best"], base["contested"], base["baseline"]) == (False, False, True)
    assert best["settings"] == {"prompt.seconds": 6.0, "engine.top": 1}
    value, low, high = best["summary"]["sim"]
    assert low < value < high


def test_only_metrics_against_a_voices_own_recordings_have_a_floor_and_a_ceiling():
    assert told(made())["bands"] == {"sim": (0.15, 0.85)}


def test_what_is_no_address_names_no_sound():
    numbered = Numbered()
    for strange in ("../../etc/passwd", "", "a" * 63, "A" * 64, f"{'a' * 64}\n", "../" * 21 + "a"):
        assert numbered.number(strange) is None
    assert numbered.number(address("one")) == 0
    assert numbered.number(address("two"), 2.0) == 1
    assert numbered.number(address("one"), 1.0) == 0
    assert numbered.columns([], {})["seconds"] == [1.0, 2.0]
