"""Blind tests in a real browser: what a listener must not see, and what is asked."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.analysis.votes import heard as said
from evalkit.reports.ballots import read_ballots, write_heard
from evalkit.reports.page.sounds import Sources
from evalkit.reports.page.writer import write_page
from tests.analysis.runs import written
from tests.listening import ballot, opinion, preference
from tests.reports.page.made import made, sources
from tests.reports.page.test_browser import faults
from tests.reports.page.test_listening import beep, begun, heard, session, until

__all__ = ["heard"]  # a fixture
BEGIN = """(kinds) => evalkit.ballot.begin({
    listener: "", trials: ["t00", "t01", "t11"], count: 40, kinds, matched: true
}).questions"""


def test_no_name_of_a_setting_is_on_the_screen_while_a_test_goes_on(heard, opened):
    page = opened(heard).page
    beside = page.locator("#listening-compare")
    assert beside.is_visible()
    begun(page, "ann")
    assert not beside.is_visible()
    shown = page.locator("#listening").inner_text()
    assert [name for name in ("seconds=", "top=", "t00", "t11") if name in shown] == []
    page.get_by_role("button", name="Stop for now").click()
    assert beside.is_visible()


def test_neither_does_the_markup_of_a_question_name_a_setting_or_a_file(heard, opened):
    page = opened(heard).page
    begun(page, "ann")
    markup = page.locator("#listening-test").inner_html()
    names = ["t00", "t11", "seconds=", *(row.audio[:16] for row in made().rows if row.audio)]
    assert [name for name in names if name in markup] == []


def test_it_is_said_beforehand_how_many_questions_there_will_be(heard, opened):
    page = opened(heard).page
    test = page.locator("#listening-test")
    for wanted in ("4", "12", "400"):
        test.get_by_label("Questions").fill(wanted)
        told = int(test.locator(".setup .status").inner_text().split()[0])
        assert told <= int(wanted)
    test.get_by_role("button", name="Begin").click()
    page.get_by_role("heading", name=f"Question 1 of {told}").wait_for()


def counts(values):
    return [values.count(one) for one in set(values)]


def test_questions_are_balanced_and_their_order_is_drawn(heard, opened):
    page = opened(heard).page
    asked = page.evaluate(BEGIN, ["preference"])
    real = [one for one in asked if one["what"] == "real"]
    assert {one["what"] for one in asked} == {"real", "catch_same", "catch_other"}
    assert (len(asked), len(asked) - len(real)) == (40, 5)
    for found in (
        [one["voice"] for one in real],
        [one["sounds"][0]["probe"] for one in real],
        [frozenset(sound["trial"] for sound in one["sounds"]) for one in real],
    ):
        assert len(counts(found)) == 3
        assert max(counts(found)) - min(counts(found)) <= 3
    assert len({one["sounds"][0]["trial"] for one in real}) == 3
    assert page.evaluate(BEGIN, ["preference"]) != asked


def test_the_catch_trials_of_opinions_are_other_speakers(heard, opened):
    asked = opened(heard).page.evaluate(BEGIN, ["opinion"])
    catches = [one for one in asked if one["what"] != "real"]
    assert catches
    assert all(one["sounds"][0]["trial"] is None and one["sounds"][0]["voice"] != one["voice"] for one in catches)


def test_opinions_are_given_by_digits_and_can_be_changed(heard, opened, tmp_path: Path):
    page = opened(heard).page
    test = page.locator("#listening-test")
    test.get_by_label("Your name").fill("ann")
    test.get_by_label("Questions").fill("4")
    page.locator("#blind-preference").uncheck()
    page.locator("#blind-opinion").check()
    test.get_by_role("button", name="Begin").click()
    for at in range(4):
        page.get_by_role("heading", name=f"Question {at + 1} of 4").wait_for()
        page.keyboard.press("a")
        until(page, "!document.querySelector('.blind input[type=radio]').disabled")
        for key in ("2", "3", "5", "n"):  # the person; how natural; that changed; next
            page.keyboard.press(key)
        until(page, f"evalkit.ballot.sessions().at(-1).votes.length === {at + 1}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export votes").click()
    path = tmp_path / "votes.json"
    download.value.save_as(path)
    (found,) = read_ballots([path], made())
    assert [(vote.kind, vote.answer) for vote in found.votes] == [("similarity", 2), ("naturalness", 5)] * 4


def test_what_nobody_has_is_forgotten_only_when_asked_twice(heard, opened):
    page = opened(heard).page
    begun(page, "ann")
    for key, wanted in (("a", "Listen to B before you answer."), ("b", "Answer, then Next.")):
        page.keyboard.press(key)
        until(page, f"document.querySelector('.blind [role=status]').textContent === {json.dumps(wanted)}")
    for key in "1n":
        page.keyboard.press(key)
    until(page, "evalkit.ballot.sessions().at(-1).votes.length === 1")
    page.get_by_role("button", name="Stop for now").click()
    page.get_by_role("button", name="Forget").click()
    assert len(session(page)["votes"]) == 1
    page.get_by_role("button", name="Forget 1 answer that nobody has?").click()
    assert page.evaluate("evalkit.ballot.sessions()") == []


def test_keys_mean_nothing_while_a_name_is_typed(heard, opened):
    page = opened(heard).page
    before = page.locator("#listening-compare h4").inner_text()
    page.locator("#blind-name").focus()
    page.keyboard.type("Nan")
    assert page.locator("#blind-name").input_value() == "Nan"
    assert page.locator("#listening-compare h4").inner_text() == before


def test_a_sound_that_is_lost_is_not_asked_about(opened, tmp_path):
    run = made()
    folder = written(run, tmp_path / run.report.run_id)
    lost = {row.audio for row in run.rows if row.trial == "t11"}
    write_page(
        folder,
        run.report,
        run.rows,
        Sources(lambda one: None if one in lost else beep(one), sources(run).held_out),
        "all",
    )
    page = opened(folder).page
    assert "A preference needs two settings with sounds" in page.locator(".setup .status").inner_text()
    assert page.get_by_role("button", name="Begin").is_disabled()


@pytest.mark.parametrize("width", [375, 1440])
def test_what_ears_said_stands_on_the_page_without_names(opened, tmp_path, width):
    run = made()
    cells = [(row.voice, row.probe) for row in run.rows if row.trial == "t00" and not row.seed]
    votes = [preference("t00", "t11", "b", *cell) for cell in cells] + [opinion("t11", 4, *cell) for cell in cells]
    ids = {"run_id": run.report.run_id, "plan": run.report.plan}
    folder = written(run, tmp_path / run.report.run_id)
    names = ("ann-who-listens", "ben-who-listens", "cat-who-listens")
    write_heard(folder, said([ballot(votes, name, **ids) for name in names], replace(run, name=str(folder))))
    write_page(folder, run.report, run.rows, Sources(beep), "none")
    page = opened(folder, width).page
    told = page.locator("#listening-ears").inner_text()
    for part in ("3 listeners.", "seconds=3, top=0", "0.00", "4.00", "SIM"):
        assert part in told
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert faults(page) == []
    assert "who-listens" not in (folder / "index.html").read_text()
