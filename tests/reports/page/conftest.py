"""A real browser, Debian's Chromium, and pages that were made for it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from evalkit.analysis.pairing import Run
from evalkit.reports.page.writer import write_page
from tests.reports.page.made import made, sources


@dataclass
class Watched:
    """A page in the browser, and what it did that a page must not do."""

    page: Page
    folder: Path
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def strayed(self) -> list[str]:
        """Requests that left the folder."""
        return [url for url in self.asked if not url.startswith(f"{self.folder.as_uri()}/")]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Opens a page as a double click does; at the end nothing was complained of, and nothing left the folder."""
    contexts, all_watched = [], []

    def open_(folder: Path, width: int = 1440, **more: object) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": 900}, **more)
        contexts.append(context)
        watched = Watched(context.new_page(), folder)
        all_watched.append(watched)
        watched.page.on("console", lambda message: watched.said.append(message.text))
        watched.page.on("pageerror", lambda error: watched.said.append(str(error)))
        watched.page.on("request", lambda request: watched.asked.append(request.url))
        watched.page.goto((folder / "index.html").as_uri())
        return watched

    yield open_
    for watched in all_watched:
        assert watched.said == []
        assert watched.strayed == []
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def run() -> Run:
    return made()


@pytest.fixture(scope="session")
def folder(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with its page; tests read it only."""
    found = tmp_path_factory.mktemp("made") / run.report.run_id
    write_page(found, run.report, run.rows, sources(run), "all")
    return found
