"""The listening section in a real browser: sounds side by side, and a blind test up to what `votes` says of it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evalkit.__main__ import main
from evalkit.analysis.pairing import Run
from evalkit.audio import Audio
from evalkit.reports.page.sounds import Sources
from evalkit.reports.page.writer import write_page
from tests.analysis.runs import written
from tests.reports.page.made import made, sources
from tests.reports.page.test_browser import faults

RATE = 8_000
BETTER, WORSE = "t11", "t00"
QUESTIONS = 16


def beep(sha256: str) -> Audio:
    """Returns a third of a second of a tone: a test that listens to all of it takes no longer than it must."""
    return Audio(0.2 * np.sin(np.arange(RATE // 3) * int(sha256[:4], 16) / 50_000, dtype=np.float32), RATE)


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose page has short sounds."""
    run = made()
    folder = written(run, tmp_path_factory.mktemp("heard") / run.report.run_id)
    write_page(folder, run.report, run.rows, Sources(beep, sources(run).held_out), "all")
    return folder


def session(page) -> dict:
    """Returns what the browser has kept of the newest session."""
    return page.evaluate("evalkit.ballot.sessions().at(-1)")


def right_answer(question: dict) -> str:
    """Returns the key of what somebody answers who hears catch trials, and prefers one trial."""
    if question["what"] == "catch_same":
        return "2"
    at = [sound["voice"] if question["what"] == "catch_other" else sound["trial"] for sound in question["sounds"]]
    return "1" if at[0] == (question["voice"] if question["what"] == "catch_other" else BETTER) else "3"


def until(page, expression: str) -> None:
    """Waits for something to be true in the page, whose policy forbids playwright's own way of waiting."""
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never true: {expression}")


def begun(page, name: str) -> None:
    test = page.locator("#listening-test")
    test.get_by_label("Your name").fill(name)
    test.get_by_label("Questions").fill(str(QUESTIONS))
    test.get_by_role("button", name="Begin").click()
    page.get_by_role("heading", name=f"Question 1 of {QUESTIONS}").wait_for()


def answered_by_keys(page) -> None:
    """Answers the question that is on, with the keyboard alone."""
    asked = session(page)
    question = asked["questions"][len(asked["votes"])]
    page.keyboard.press("a")
    until(page, "document.querySelector('.blind [role=status]').textContent === 'Listen to B before you answer.'")
    page.keyboard.press("b")
    until(page, "!document.querySelector('.blind input[type=radio]').disabled")
    page.keyboard.press(right_answer(question))
    page.keyboard.press("n")
    until(page, f"evalkit.ballot.sessions().at(-1).votes.length > {len(asked['votes'])}")


def test_a_blind_session_from_its_start_to_what_votes_says(heard, opened, tmp_path, monkeypatch, capsys):
    page = opened(heard).page
    begun(page, "ann")
    shown = page.locator("#listening-test").inner_html()
    assert BETTER not in shown
    assert "seconds=" not in shown
    for _ in range(3):
        answered_by_keys(page)
    page.keyboard.press("u")  # takes the last one back
    page.get_by_role("heading", name=f"Question 3 of {QUESTIONS}").wait_for()
    page.reload()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name=f"Question 3 of {QUESTIONS}").wait_for()
    for _ in range(QUESTIONS - 2):
        answered_by_keys(page)
    page.get_by_role("heading", name="Thank you").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export votes").click()
    exported = tmp_path / download.value.suggested_filename
    download.value.save_as(exported)

    votes = json.loads(exported.read_text())["votes"]
    assert len(votes) == QUESTIONS
    assert {vote["what"] for vote in votes} >= {"real", "catch_same"}
    assert all(sound["plays"] >= 1 for vote in votes for sound in vote["sounds"])
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["votes", str(heard), str(exported), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (listener,) = told["listeners"]
    assert listener["passes"]
    real = sum(vote["what"] == "real" for vote in votes)
    (share,) = told["preferences"]
    assert (share["a"], share["b"], share["value"], share["n"]) == (WORSE, BETTER, 0.0, real)

    copy = shutil.copytree(heard, tmp_path / "copy")
    assert main(["report", str(copy)]) == 0
    ears = opened(copy).page.locator("#listening-ears")
    assert "1 listener" in ears.inner_text()
    assert f"{real}" in ears.inner_text()


def test_nothing_is_answered_unheard(heard, opened):
    page = opened(heard).page
    begun(page, "ben")
    for key in ("1", "n"):
        page.keyboard.press(key)
    assert session(page)["votes"] == []
    assert page.get_by_text("Listen to A and B before you answer.").is_visible()


def test_sounds_side_by_side_by_keys(heard, opened):
    page = opened(heard).page
    place = page.locator("#listening-compare")
    place.get_by_label("As loud as each other").focus()
    for key in "phab":
        page.keyboard.press(key)
        until(page, "document.querySelectorAll('#listening-compare [aria-label^=Pause]').length === 1")
    first = place.inner_text()
    page.keyboard.press("n")
    assert place.inner_text() != first


@pytest.mark.parametrize("width", [375, 1440])
def test_a_question_fits_and_axe_finds_no_serious_fault(heard, opened, width):
    page = opened(heard, width).page
    begun(page, "cat")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert faults(page) == []


def test_hostile_names_are_text(opened, tmp_path):
    run = made(voices=("<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>"))
    folder = written(Run(run.name, replace(run.report, question="<b>?</b>"), run.rows), tmp_path / run.report.run_id)
    write_page(folder, run.report, run.rows, Sources(beep, sources(run).held_out), "all")
    page = opened(folder).page
    assert page.locator("#listening img").count() == 0
    assert "<img src=x onerror=alert(1)>" in page.locator("#listening-compare").inner_text()
    begun(page, "<i>eve</i>")
    page.get_by_role("button", name="Stop for now").click()
    assert page.locator("#listening-test").get_by_text("<i>eve</i>").is_visible()


def test_without_sounds_it_says_so(opened, tmp_path):
    run = made()
    folder = written(run, tmp_path / run.report.run_id)
    write_page(folder, run.report, run.rows, Sources(beep), "none")
    page = opened(folder).page
    assert all(not one.is_enabled() for one in page.get_by_role("button", name="Begin").all())
    assert "This page has no sounds, so there is no blind test." in page.locator("#listening").inner_text()
