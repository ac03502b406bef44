"""The notebook: it runs from top to bottom, is stored without outputs, and its rendered copy is of it."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from render_notebook import NOTEBOOK, PAGE, PICTURES, executed, rendered

from tests.documented import ROOT, blocks

# Of the kernel's own transport, which is no matter of ours.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq.*", "ignore:.*event loop.*:RuntimeWarning")


def sources(kind: str) -> list[str]:
    return [cell["source"] for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell["cell_type"] == kind]


def texts(notebook: nbformat.NotebookNode) -> str:
    return json.dumps([cell.get("outputs", []) for cell in notebook.cells])


@pytest.fixture
def ran(run) -> Path:
    """A fresh run of the fakes, with a page and its sounds."""
    done = run("prompt.seconds=1,2", "engine.detune=0,60", "page.make=true")
    assert done.code == 0, done.err
    return done.folder


def test_it_runs_with_a_committed_and_a_fresh_report(ran, monkeypatch):
    monkeypatch.setenv("EVALKIT_FRESH", str(ran))
    monkeypatch.setenv("PYTHONWARNINGS", "error::FutureWarning,error::UserWarning:pandas")
    done = executed(NOTEBOOK)
    told = texts(done)
    assert '"output_type": "error"' not in told
    assert "4 trials, 36 rows" in told
    assert told.count("<svg") >= 7
    assert "<audio" in told, "the worst utterances of a run with a page can be heard"
    assert '"name": "stderr"' not in told, "no warning"


def test_it_is_stored_without_outputs():
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_cells_are_short_and_each_part_says_what_to_read_from_it():
    assert max(len(source.splitlines()) for source in sources("code")) <= 10
    assert all(len(source.split()) >= 10 for source in sources("markdown"))
    assert "def " not in "\n".join(sources("code")), "evalkit's functions, not functions of its own"


def test_the_rendered_copy_has_its_cells_and_its_pictures():
    page = str(PAGE.relative_to(ROOT))
    assert [block.rstrip() for block in blocks(page, "python")] == sources("code")
    told = re.findall(rf"!\[(.*)\]\(({PICTURES}/[^)]+\.svg)\)", PAGE.read_text())
    assert {name for _, name in told} == {f"{PICTURES}/{path.name}" for path in (PAGE.parent / PICTURES).iterdir()}
    assert len(told) >= 7
    assert all(about for about, _ in told)
    assert sum(path.stat().st_size for path in [PAGE, *(PAGE.parent / PICTURES).iterdir()]) < 1_000_000
    assert all(line in PAGE.read_text() for source in sources("markdown") for line in source.splitlines())


def test_rendering_gives_the_same_bytes_for_the_same_notebook():
    cells = [nbformat.v4.new_markdown_cell("# One"), nbformat.v4.new_code_cell("1 + 1")]
    cells[1].outputs = [
        nbformat.v4.new_output("display_data", {"image/svg+xml": "<svg><desc>two [bars]</desc></svg>"}),
        nbformat.v4.new_output("execute_result", {"text/plain": "2", "text/html": "<b>2</b>"}),
    ]
    first, again = (rendered(nbformat.v4.new_notebook(cells=cells)) for _ in range(2))
    assert first == again
    text, pictures = first
    assert "![two \\[bars\\]](pictures/notebook/plot_1_0.svg)" in text
    assert "    2" in text
    assert "<b>" not in text
    assert list(pictures) == ["pictures/notebook/plot_1_0.svg"]
