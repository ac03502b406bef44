"""Ten thousand rows: how large the page is, and how quick in the browser. `-s` prints the figures."""

import pytest

from evalkit.reports.page.writer import write_page
from tests.reports.page.made import made, sources

ROWS = 10_000
MOST_BYTES, MOST_TO_OPEN, MOST_TO_ANSWER = 3_000_000, 1.0, 0.2  # seconds
LOADED = 3.0  # what a machine that does other things at the same time may take longer
TIMED = """(act) => {
  const started = performance.now();
  act();
  document.body.getBoundingClientRect();
  return (performance.now() - started) / 1000;
}"""
ACTS = {
    "sort": 'document.querySelector("#utterances [data-key=sim]").click()',
    "sort the other way": 'document.querySelector("#utterances [data-key=sim]").click()',
    "sort by words": 'document.querySelector("#utterances [data-key=voice]").click()',
    "filter": """(() => {
      const voice = document.getElementById("utterances-voice");
      voice.value = "3";
      voice.dispatchEvent(new Event("change"));
    })()""",
    "search": """(() => {
      const search = document.getElementById("utterances-search");
      search.value = "banana";
      search.dispatchEvent(new Event("input"));
    })()""",
}


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    run = made(ROWS, tuple(f"voice {at}" for at in range(40)), sizes=(5, 5), more=19)
    write_page(folder, run.report, run.rows, sources(run), "none")
    return folder


def test_ten_thousand_rows_are_small(large):
    page = (large / "index.html").stat().st_size
    beside = sum(path.stat().st_size for path in (large / "page").rglob("*.*") if path.suffix in (".js", ".css"))
    print(f"\n{ROWS:,} rows: {page / 1e6:.2f} MB, and {beside / 1e6:.2f} MB of scripts and styles")
    assert page + beside <= MOST_BYTES


def test_ten_thousand_rows_are_quick(large, opened):
    page = opened(large).page
    page.reload()  # the browser is warm
    took = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd") / 1000
    answers = {name: page.evaluate(f"({TIMED})(() => {act})") for name, act in ACTS.items()}
    print(f"\nopened in {took:.3f} s; {', '.join(f'{name} {each:.3f} s' for name, each in answers.items())}")
    assert page.locator("#utterances tbody tr[data-row]").count() > 0
    assert took <= MOST_TO_OPEN * LOADED
    assert max(answers.values()) <= MOST_TO_ANSWER * LOADED
