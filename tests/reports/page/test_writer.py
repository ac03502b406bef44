"""What is written: into the page's folder and nowhere else, all of it new, and as data."""

import json
import math
import re
from dataclasses import replace

import pytest
import soundfile

from evalkit.analysis.pairing import Run
from evalkit.audio import Audio
from evalkit.errors import StorageError
from evalkit.reports.gates import GATE_FILE
from evalkit.reports.page.folder import made_anew
from evalkit.reports.page.rendering import embedded
from evalkit.reports.page.sounds import Sources
from evalkit.reports.page.writer import write_page
from tests.reports.page.made import made, sources, tone


def data_of(folder):
    text = (folder / "index.html").read_text()
    return json.loads(re.search(r'id="contents">(.*?)</script>', text, re.DOTALL).group(1))


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_sounds_are_flac_at_the_rate_they_have(tmp_path):
    run = made(4)
    write_page(tmp_path, run.report, run.rows, sources(run), "all")
    address = run.rows[0].audio
    path = tmp_path / "page/audio" / f"{address[:16]}.flac"
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.samplerate) == ("FLAC", "PCM_16", 8_000)
    samples, _ = soundfile.read(path, dtype="float32")
    assert samples == pytest.approx(tone(address).samples, abs=1 / 32768)
    told = data_of(tmp_path)["sounds"]
    assert told["state"] == [1] * len(told["state"])
    assert told["decibels"][0] == pytest.approx(20 * math.log10(tone(address).peak / 2**0.5), abs=0.3)


@pytest.mark.parametrize(("choice", "least", "most"), [("none", 0, 0), ("worst", 1, 90), ("all", 91, 200)])
def test_the_choice_of_sounds(tmp_path, choice, least, most):
    run = made(144)
    write_page(tmp_path, run.report, run.rows, sources(run), choice)
    audio = [name for name in files(tmp_path) if name.endswith(".flac")]
    assert least <= len(audio) <= most


def test_sounds_that_are_no_longer_there_are_said(tmp_path):
    run = made(4)
    write_page(tmp_path, run.report, run.rows, sources(run, frozenset({run.rows[1].audio})), "all")
    told, data = data_of(tmp_path)["sounds"]["state"], data_of(tmp_path)
    assert told[data["rows"]["sound"][1]] == 2


def test_nothing_of_an_older_page_stays(tmp_path):
    run = made(4)
    write_page(tmp_path, run.report, run.rows, sources(run), "all")
    (tmp_path / "page/audio/old.flac").write_text("old")
    (tmp_path / ".page.0123").mkdir()  # of a process that was killed
    before = (tmp_path / "index.html").read_text()
    write_page(tmp_path, run.report, run.rows, sources(run), "all")
    assert not [name for name in files(tmp_path) if "old" in name]
    assert {path.name for path in tmp_path.iterdir()} == {"index.html", "page"}
    assert (tmp_path / "index.html").read_text() == before


def test_links_are_replaced_and_what_they_lead_to_stays(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "kept.txt").write_text("kept")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "page").symlink_to(theirs)
    (folder / "index.html").symlink_to(theirs / "kept.txt")
    run = made(2)
    write_page(folder, run.report, run.rows, sources(run), "all")
    assert files(theirs) == {"kept.txt"}
    assert (theirs / "kept.txt").read_text() == "kept"
    assert not (folder / "page").is_symlink()
    assert not (folder / "index.html").is_symlink()


def test_what_was_there_stays_where_the_new_one_fails(tmp_path):
    def fails(folder):
        with made_anew(folder) as part:
            (part / "half").write_text("half")
            raise StorageError("full")

    (tmp_path / "page").mkdir()
    (tmp_path / "page/old").write_text("old")
    with pytest.raises(StorageError):
        fails(tmp_path / "page")
    assert files(tmp_path) == {"page/old"}


@pytest.mark.hostile
def test_a_strangers_report_writes_nothing_outside_the_pages_folder(tmp_path):
    folder = tmp_path / "in" / "run"
    run = made(12)
    strange = "../../../out"
    asked = []

    def sound(address: str) -> Audio | None:
        asked.append(address)
        return tone("0" * 64)

    rows = [replace(row, audio=strange, prompt=replace(row.prompt, sound=f"{strange}/{'a' * 64}")) for row in run.rows]
    report = replace(run.report, run_id=strange, sweep=strange, varying=[strange], recordings={strange: [strange]},
                     config={"store": strange, "voices": {"path": strange}, "page": {"audio": strange}})  # fmt: skip
    write_page(folder, report, rows, Sources(sound), "all")
    assert asked == []
    names = files(tmp_path)
    assert all(name == "in/run/index.html" or name.startswith("in/run/page/") for name in names)


@pytest.mark.hostile
@pytest.mark.parametrize("text", ["</script>", "<!--", "<script>", "]]>", "&lt;", "\u2028", "\ud800", "\x00", "'\"`"])
def test_data_ends_no_script_and_comes_back_as_it_was(text):
    told = str(embedded({text: [text]}))
    assert not set("<>&\u2028\u2029") & set(told)
    assert json.loads(told) == {text: [text]}
    told.encode()


def gated(folder, run: Run, **changes):
    told = {"schema_version": 1, "baseline_run": "b", "candidate_run": run.report.run_id, "gated": "2026-01-02",
            "state": "regression", "sentence": "gate: regression: worse <b>in</b> wer", "verdicts": []}  # fmt: skip
    (folder / GATE_FILE).write_text(json.dumps({**told, **changes}))


@pytest.mark.parametrize(
    ("changes", "is_shown"), [({}, True), ({"candidate_run": "another"}, False), ({"state": "<script>"}, False)]
)
def test_the_verdict_of_a_gate_is_shown_if_it_is_this_runs(tmp_path, changes, is_shown):
    run = made(2)
    gated(tmp_path, run, **changes)
    write_page(tmp_path, run.report, run.rows, sources(run), "none")
    assert ("worse &lt;b&gt;in&lt;/b&gt; wer" in (tmp_path / "index.html").read_text()) is is_shown
