"""The documentation as a site: built strictly, and read from the disk without asking anything of the network."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from make_metrics_page import PAGE, page

from evalkit.metrics import metrics_of
from evalkit.metrics.failures import FLAGS
from tests.documented import ROOT

ASKED = {"src", "href", "srcset", "data", "poster", "action"}
LINKS = {"a"}  # what a reader may follow, and no browser by itself


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built where there is no network to speak of, below a path with spaces."""
    folder = tmp_path_factory.mktemp("a site") / "built"
    nowhere = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https", "all")}
    typed = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(typed, cwd=ROOT, env={**os.environ, **nowhere, "NO_MKDOCS_2_WARNING": "true"},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


class Asking(HTMLParser):
    """Gathers what a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Takes up addresses."""
        if tag not in LINKS:
            self.found += [value or "" for name, value in attrs if name in ASKED]


def asked(html: str) -> list[str]:
    parser = Asking()
    parser.feed(html)
    return parser.found


def of_nav(entries: object) -> Iterator[str]:
    for entry in entries if isinstance(entries, list) else [entries]:
        if isinstance(entry, dict):
            for below in entry.values():
                yield from of_nav(below)
        else:
            yield str(entry)


def test_no_page_asks_anything_of_others(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= 15
    for path in pages:
        assert [one for one in asked(path.read_text()) if re.match(r"(https?:)?//", one)] == [], path.name
    for path in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(https?:)?//", path.read_text()), path.name


def test_each_page_has_its_place():
    told = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    assert sorted(of_nav(told["nav"])) == sorted(
        str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")
    )


def test_it_is_read_and_searched_from_the_disk(site, browser):
    page = browser.new_page()
    requests, faults = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    for name in ("index.html", "notebook.html", "metrics.html", "adr/0001-reference-text.html"):
        page.goto((site / name).as_uri())
        page.locator("input[name=query]").press_sequentially("simultaneous")  # keys: the theme heeds no other input
        page.wait_for_selector(".md-search-result__item", timeout=20_000)
        assert page.locator(".md-search-result__link").first.get_attribute("href").startswith(site.as_uri())
    page.close()
    assert faults == []
    assert [url for url in requests if not url.startswith((site.as_uri(), "about:"))] == []


def test_the_page_of_metrics_is_that_of_the_code():
    assert PAGE.read_text() == page(), "type: make metrics"


def test_every_metric_and_flag_says_when_not_to_trust_it():
    metrics = metrics_of(["one", "two"], [("dnsmos_ovrl", "dnsmos"), ("utmos", "utmos")])
    assert [one.name for one in metrics if "When not to trust it:" not in one.about] == []
    assert [one.name for one in FLAGS if "When not to trust it:" not in one.about] == []


def test_the_page_of_metrics_says_what_each_is():
    text = page()
    assert "### `wer`\n\n| unit | better | least, most |" in text
    assert "| ratio | less | 0, none | the transcriber | reference words | - |" in text
    assert "(S + D + I) / (H + S + D) over words" in text
    for flag in FLAGS:
        assert f"### `{flag.name}`, `{flag.metric.name}`" in text
