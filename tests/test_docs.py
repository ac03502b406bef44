"""The documentation: its examples run as they stand, its tables are those of the committed reports."""

import re
import shlex
from pathlib import Path

import pytest

from evalkit.__main__ import main
from evalkit.reports.files import read_report, read_rows
from evalkit.reports.frames import load_report
from evalkit.reports.markdown import run_markdown
from evalkit.reports.terminal import closing_lines, result_table
from evalkit.resources import resource
from tests.documented import PAGES, ROOT, blocks


def shown_runs() -> list[tuple[str, str, list[str]]]:
    """Returns what pages show of runs: the page, the run's folder, the lines printed."""
    told = [(page, block.splitlines()) for page in PAGES for block in blocks(page, "")]
    return [(page, lines[-1], lines) for page, lines in told if lines and lines[-1].startswith("reports/")]


def test_some_pages_show_runs():
    assert "README.md" in {page for page, _, _ in shown_runs()}


@pytest.mark.parametrize(("page", "folder", "lines"), [pytest.param(*one, id=one[1]) for one in shown_runs()])
def test_what_a_page_shows_of_a_run_is_what_its_committed_report_says(page, folder, lines, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")
    report, rows = read_report(Path(folder)), list(read_rows(Path(folder)))
    printed = closing_lines(report, rows, Path(folder), None)
    if page == "README.md":  # one screen: without the table of voices
        printed = [*result_table(report, rows).splitlines(), report.finding, folder]
    assert lines[-len(printed) :] == printed
    command = report.provenance.command
    assert command in resource(page).read_text(), f"{page} shows a run of: {command}"


def shown_commands() -> list[tuple[str, str, str]]:
    """Returns commands that pages show after a `$`, with what they print: they read committed reports, and no more."""
    told = [(page, one) for page in PAGES for block in blocks(page, "console") for one in block.split("$ ")[1:]]
    return [(page, *one.split("\n", 1)) for page, one in told]


def test_pages_show_commands():
    assert {command.split()[3] for _, command, _ in shown_commands()} >= {"power", "gate", "compare"}


@pytest.mark.parametrize(("page", "command", "printed"), [pytest.param(*one, id=one[1]) for one in shown_commands()])
def test_a_command_that_a_page_shows_prints_what_stands_below_it(page, command, printed, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")
    command, _, last = command.partition(" | tail -n ")
    python, *words = shlex.split(command)
    assert (python, words[:2]) == (".venv/bin/python", ["-m", "evalkit"])
    main(words[2:])
    assert "\n".join(capsys.readouterr().out.splitlines()[-int(last or 0) :]).rstrip() == printed.rstrip()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_that_a_page_points_to_is_there(page):
    text = (ROOT / page).read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_the_readme_is_one_screen_with_pictures():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 70
    assert re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text) == ["docs/pictures/page.png", "docs/pictures/listening.png"]


def test_examples_in_python_print_what_stands_below_them(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    text = (ROOT / "docs/python.md").read_text()
    shown = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, flags=re.DOTALL)
    assert len(shown) == len(blocks("docs/python.md", "python")) == 3
    names: dict[str, object] = {}
    for code, printed in shown:
        exec(code, names)
        assert capsys.readouterr().out == printed


def test_what_guidance_says_is_what_committed_reports_say():
    text = (ROOT / "docs/guidance.md").read_text()
    named = dict.fromkeys(re.findall(r"reports/\w+/[\w-]+", text))
    told = " ".join(run_markdown(load_report(ROOT / name).run).replace("\\", "") for name in named)
    said = re.findall(r"[+-]?\d\.\d{3} \[[^\]]*\]", text)
    assert len(said) >= 10
    assert [one for one in said if one not in told and one.replace(" [", " | [") not in told] == []
    assert all(quoted in told for quoted in re.findall(r'"(No difference[^"]*)"', " ".join(text.split())))


def test_the_worked_example_of_an_engine(run, tmp_path, monkeypatch):
    (code,), (node,) = (blocks("docs/adding-an-engine.md", language) for language in ("python", "yaml"))
    (tmp_path / "parrot.py").write_text(code)
    (tmp_path / "my_configs/engine").mkdir(parents=True)
    (tmp_path / "my_configs/engine/parrot.yaml").write_text(node)
    monkeypatch.syspath_prepend(tmp_path)
    typed = ("--config-dir", f"{tmp_path}/my_configs", "engine=parrot")
    done = run(*typed, "engine.gain=0.1,0.5")
    assert done.code == 0
    assert len(done.rows) == 18
    for row in done.rows:
        assert row["scores"]["sim_o"] == pytest.approx(1, abs=1e-3)
        assert row["scores"]["wer"] > 0.5
    refused = run(*typed, "engine.gain=2")
    assert refused.code == 2
    assert "engine.gain: " in refused.err
