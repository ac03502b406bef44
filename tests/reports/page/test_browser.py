"""The page in a real browser: from disk, by mouse and keyboard, wide and narrow, light and dark, on paper."""

import re
import shutil
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from evalkit.reports.page.writer import write_page
from tests.reports.page.made import made, sources

SERIOUS = ("serious", "critical")


def faults(page):
    """Returns what keeps people from using the page, by axe-core's rules."""
    options = {"preload": False}  # it would fetch the styles, which the page's policy forbids
    found = Axe().run(page, options=options).response["violations"]
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found if one["impact"] in SERIOUS]


def shown_rows(page):
    return [int(row.get_attribute("data-row")) for row in page.locator("#utterances tbody tr[data-row]").all()]


def until_played(page, at, seconds):
    """Waits until a player's time has come so far."""
    for _ in range(100):
        if page.evaluate(f"document.querySelectorAll('#utterances .player')[{at}].audio.currentTime") > seconds:
            return
        page.wait_for_timeout(50)
    raise AssertionError("its time does not advance")


def column(page, name):
    headings = [heading.inner_text().split(" ")[0] for heading in page.locator("#trials thead th").all()]
    at = headings.index(name)
    return [
        float(row.locator("th, td").nth(at).inner_text().split()[0]) for row in page.locator("#trials tbody tr").all()
    ]


def test_it_opens_from_a_path_with_spaces_and_from_a_copied_folder(folder, opened, tmp_path):
    copied = tmp_path / "a copied folder" / "with # and ä"
    shutil.copytree(folder, copied)
    page = opened(copied).page
    expect(page.locator("h1")).to_have_text("Which prompt is best?")
    expect(page.locator("#trials tbody tr")).to_have_count(4)
    expect(page.locator("#utterances tbody tr[data-row]")).to_have_count(50)


def test_the_top_says_the_answer_and_what_ran(folder, opened, run):
    top = opened(folder).page.locator("#top")
    expect(top.locator(".finding")).to_have_text(run.report.finding)
    failed = sum(row.state == "failed" for row in run.rows)
    flagged = sum(bool(row.flags) for row in run.rows)
    expect(top).to_contain_text(f"72 in 4 trials, {failed} failed, 0 not run, {flagged} flagged")
    expect(top).to_contain_text("commit 0123456789ab")
    expect(top.locator("details")).to_contain_text("its ceiling 0.4 is low")


def test_trials_are_marked_in_words(folder, opened):
    trials = opened(folder).page.locator("#trials")
    expect(trials.locator("tr", has_text="seconds=6, top=1")).to_contain_text("★ best")
    expect(trials.locator("tr", has_text="seconds=6, top=1")).to_contain_text("⚠ contested")
    expect(trials.locator("tr", has_text="seconds=3, top=0")).to_contain_text("◆ baseline")
    expect(trials).to_contain_text("from the floor 0.150 (other speakers) to the ceiling 0.850")
    assert trials.locator("svg .band").count() == 4


def test_trials_are_sorted_by_their_headings(folder, opened):
    page = opened(folder).page
    heading = page.get_by_role("columnheader", name="SIM", exact=False).first
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"  # the better end first
    assert column(page, "SIM") == sorted(column(page, "SIM"), reverse=True)
    heading.get_by_role("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert column(page, "SIM") == sorted(column(page, "SIM"))
    expect(heading.get_by_role("button")).to_be_focused()


def test_the_choice_of_columns_stays(folder, opened):
    page = opened(folder).page
    expect(page.locator("#trials thead")).not_to_contain_text("mos")
    page.locator("#trials summary").click()
    page.locator("#trials").get_by_label("mos").check()
    page.locator("#trials").get_by_label("RTF").uncheck()
    page.reload()
    expect(page.locator("#trials thead")).to_contain_text("mos")
    expect(page.locator("#trials thead")).not_to_contain_text("RTF")


def test_utterances_are_filtered_and_sorted(folder, opened, run):
    page = opened(folder).page
    choices = page.get_by_role("search", name="Utterances")
    choices.get_by_label("Voice").select_option(label="ben")
    choices.get_by_label("Flag").select_option(label="bleed")
    wanted = [at for at, row in enumerate(run.rows) if row.voice == "ben" and row.flags]
    assert shown_rows(page) == wanted
    expect(page.locator("#utterances .status")).to_have_text(f"{len(wanted)} of 72 utterances")
    page.locator("#utterances").get_by_role("button", name="SIM").click()
    assert shown_rows(page) == sorted(wanted, key=lambda at: -run.rows[at].scores["sim"])
    choices.get_by_label("Flag").select_option(label="all")
    choices.get_by_label("Voice").select_option(label="all")
    choices.get_by_label("State").select_option(label="failed")
    assert set(shown_rows(page)) == {at for at, row in enumerate(run.rows) if row.state == "failed"}
    choices.get_by_label("State").select_option(label="all")
    page.get_by_label("Words, names, errors").fill("BANANA")
    assert sorted(shown_rows(page)) == [at for at, row in enumerate(run.rows) if "banana" in (row.hypothesis or "")]


def test_utterances_are_turned_page_by_page(folder, opened):
    page = opened(folder).page
    pages = page.get_by_role("navigation", name="Pages of utterances")
    expect(pages).to_contain_text("page 1 of 2")
    pages.get_by_role("button", name="Next").click()
    assert shown_rows(page) == list(range(50, 72))
    expect(pages.get_by_role("button", name="Next")).to_be_disabled()


def test_an_utterance_tells_all_that_is_known_of_it(folder, opened, run):
    page = opened(folder).page
    at = next(at for at, row in enumerate(run.rows) if row.intended_text and row.hypothesis != row.text)
    line = page.locator(f"#utterances tr[data-row='{at}']")
    expect(line).to_contain_text(run.rows[at].text)
    expect(line).to_contain_text(f"heard: {run.rows[at].hypothesis}")
    line.get_by_role("button", name=re.compile("^More of")).click()
    more = page.locator("#utterances tr.more")
    expect(more).to_contain_text("north of the old lighthouse")
    expect(more).to_contain_text(run.rows[at].intended_text)
    expect(more.get_by_role("button", name=re.compile("^Play the prompt of"))).to_be_visible()
    expect(more.get_by_role("button", name=re.compile("^Play held-out clip held.wav"))).to_be_visible()


def test_a_player_plays_and_only_one_at_a_time(folder, opened):
    page = opened(folder).page
    one, other = (page.locator("#utterances .player").nth(at) for at in (0, 1))
    one.get_by_role("button").click()
    until_played(page, 0, 0.2)
    expect(one.get_by_role("button")).to_have_attribute("aria-label", re.compile("^Pause ann, fox"))
    other.get_by_role("button").click()
    until_played(page, 1, 0.1)
    assert page.evaluate("document.querySelectorAll('#utterances .player')[0].audio.paused")
    other.get_by_role("button").click()
    assert page.evaluate("document.querySelectorAll('#utterances .player')[1].audio.paused")


def test_loudness_is_matched_to_the_quietest(folder, opened):
    page = opened(folder).page
    page.locator("#utterances .player").nth(0).get_by_role("button").click()
    volumes = page.evaluate(
        """() => {
          const player = document.querySelector("#utterances .player");
          const sounds = evalkit.contents.sounds.map((sound) => sound.decibels).filter((value) => value !== null);
          const own = evalkit.contents.sounds[evalkit.contents.rows.sound[0]].decibels;
          evalkit.matchLoudness();
          const matched = player.audio.volume;
          evalkit.unmatchLoudness();
          return [matched, 10 ** ((Math.min(...sounds) - own) / 20), player.audio.volume];
        }"""
    )
    assert volumes[0] == pytest.approx(volumes[1], abs=1e-6)
    assert volumes[0] < 1
    assert volumes[2] == 1


def test_the_worst_are_shown_with_what_was_heard_instead(folder, opened):
    page = opened(folder).page
    worst = page.locator("#worst")
    worst.get_by_label("Worst by").select_option("bleed")
    card = worst.locator("article").first
    expect(card.locator("ins.bled").first).to_have_text(re.compile("bled from the prompt: ⟦old⟧"))
    worst.get_by_label("Worst by").select_option("wer")
    expect(worst.locator("article")).to_have_count(5)
    image = worst.locator("article img").first
    assert image.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }") == 640
    worst.get_by_label("Worst by").select_option("failed")
    expect(worst.locator("article").first).to_contain_text("SynthesisError: nothing came of 7")


def test_everything_is_reached_by_keyboard(folder, opened):
    page = opened(folder).page
    reached = set()
    for _ in range(400):
        page.keyboard.press("Tab")
        told = page.evaluate(
            """() => {
              const one = document.activeElement;
              const told = one.getAttribute("aria-label") || one.id || one.textContent;
              return one === document.body ? null : told.trim();
            }"""
        )
        if told is None:
            break
        reached.add(told)
    for wanted in ("Trials", "Utterances", "utterances-search", "worst-why", "utterances-voice"):
        assert wanted in reached
    assert any(told.startswith("Play ann, fox") for told in reached)
    assert any(told.startswith("SIM") for told in reached)
    assert any(told.startswith("More of") for told in reached)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_nothing_overflows_and_axe_finds_no_serious_fault(folder, opened, width, scheme):
    page = opened(folder, width, color_scheme=scheme).page
    page.locator("#top summary, #trials summary, #utterances summary").evaluate_all(
        "all => all.forEach(one => one.click())"
    )
    page.get_by_role("button", name=re.compile("^More of")).first.click()
    page.locator("#worst").get_by_label("Worst by").select_option("bleed")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert faults(page) == []


def test_it_can_be_printed(folder, opened):
    page = opened(folder, color_scheme="dark").page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(page.locator("#utterances .filters")).to_be_hidden()
    expect(page.locator("#trials tbody tr").first).to_be_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.hostile
def test_hostile_names_and_transcripts_are_text(opened, tmp_path):
    script = "</script><script>window.ran = true</script>"
    image = "<img src=x onerror='window.ran = true'>"
    turned, quotes = "abc\u202edef\u2066", "\"'`{{7*7}}{% raw %}\x00&amp;"
    run = made(24, (image, turned), {script: script, quotes: quotes})
    rows = [
        replace(row, flags=["constructor", "__proto__"], scores={**row.scores, "__proto__": 1.0}) for row in run.rows
    ]
    folder = tmp_path / "hostile"
    write_page(folder, run.report, rows, sources(run), "all")
    watched = opened(folder)
    page = watched.page
    expect(page.locator("#utterances tbody tr[data-row]")).to_have_count(24)
    told = page.locator("#utterances").inner_text()
    for text in (script, image, "abc\\u202edef\\u2066", "\"'`{{7*7}}{% raw %}\\u0000&amp;"):
        assert text in told
    page.locator("#worst").get_by_label("Worst by").select_option("constructor")
    expect(page.locator("#worst article").first).to_contain_text("⚑ constructor")
    assert page.evaluate("window.ran") is None
    assert page.locator("#utterances img").count() == 0
    assert faults(page) == []


def test_players_say_which_sounds_are_not_there(opened, tmp_path, run):
    folder = tmp_path / "quiet"
    lost = sources(run, frozenset({run.rows[0].audio}))
    write_page(folder, run.report, run.rows, lost, "none")
    page = opened(folder).page
    expect(page.locator("#utterances .player").first).to_have_text("sound left out of this page")
    assert not (folder / "page/audio").exists()
    write_page(folder, run.report, run.rows, lost, "all")
    page.reload()
    expect(page.locator("#utterances .player").first).to_have_text("sound no longer in the store")
    write_page(folder, run.report, run.rows, lost, "worst")
    page.reload()
    assert page.locator("#utterances .player.silent", has_text="left out").count() > 0
    expect(page.locator("#worst article").nth(0).locator("[role=group]").first).to_be_visible()
