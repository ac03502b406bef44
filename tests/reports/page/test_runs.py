from dataclasses import replace

import pytest

from evalkit.reports.page.runs import write_index
from evalkit.reports.page.writer import write_page
from tests.analysis.runs import written
from tests.reports.page.made import made, sources


@pytest.fixture
def reports(tmp_path):
    """Two runs of a sweep, the first with a page, one of another sweep, and a damaged report."""
    found = tmp_path / "reports and more"
    for at, (sweep, name) in enumerate([("made", "one"), ("made", "two"), ("<b>other</b>", "three")]):
        run = made(24 + 12 * at)
        report = replace(run.report, run_id=name, sweep=sweep, created=f"2026-01-0{at + 1}T00:00:00Z")
        folder = written(replace(run, report=report), found / f"sweep {sweep.strip('</b>')}" / name)
        if not at:
            write_page(folder, report, run.rows, sources(run), "none")
    (found / "made/broken").mkdir(parents=True)
    (found / "made/broken/report.json").write_text("{")
    return found


def test_it_lists_runs_by_sweep_and_names_what_is_damaged(reports):
    path, damaged = write_index(reports, ["sim", "mos", "nonsense"])
    text = path.read_text()
    assert path == reports / "index.html"
    assert [one.split(" is ")[0] for one in damaged] == ["made/broken/report.json"]
    assert str(reports) not in text
    assert "sweep%20made/one/index.html" in text
    assert "sweep made/two, no page" in text
    assert "&lt;b&gt;other&lt;/b&gt;" in text
    assert "<b>other" not in text
    assert text.index("2026-01-02") < text.index("2026-01-01")  # the newest first
    assert "seconds=6, top=1: SIM" in text


def test_trends_are_of_sweeps_with_several_runs(reports):
    write_index(reports, ["sim", "mos"])
    names = {path.name for path in (reports / "_index").iterdir()}
    assert {"1-sim-trend.svg", "1-wer-trend.svg", "1-mos-trend.svg", "page.css"} <= names
    assert not [name for name in names if name.startswith("0-")]


def test_a_folder_without_runs_says_so(tmp_path):
    path, damaged = write_index(tmp_path, ["sim"])
    assert damaged == []
    assert "No run has a report here yet." in path.read_text()


def test_links_are_not_followed(reports, tmp_path):
    other = tmp_path / "elsewhere/deep"
    written(made(2), other / "run")
    (reports / "linked").symlink_to(other)
    path, _ = write_index(reports, [])
    assert "linked" not in path.read_text()


@pytest.mark.parametrize("width", [375, 1440])
def test_it_opens_from_disk(reports, opened, width):
    write_index(reports, ["sim"])
    page = opened(reports, width).page
    assert page.locator("section").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.get_by_role("link", name="2026-01-01T00:00:00Z").click()
    page.wait_for_selector("#trials tbody tr")
