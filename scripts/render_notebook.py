"""Runs notebooks/analysis.ipynb and writes its rendered copy: docs/notebook.md, with its pictures in docs/pictures.

Tables stand in it as text and pictures as SVG, so that the same reports give the same bytes.
"""

import logging
import re
import sys
from collections.abc import Mapping
from html import unescape
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from nbformat import NotebookNode
from traitlets.config import Config

ROOT = Path(__file__).parent.parent
NOTEBOOK, PAGE = ROOT / "notebooks/analysis.ipynb", ROOT / "docs/notebook.md"
PICTURES = "pictures/notebook"
SHOWN = ["image/svg+xml", "text/markdown", "text/plain"]  # of what an output is, the first that there is
NOTE = """\
<!-- Written by scripts/render_notebook.py from notebooks/analysis.ipynb; change that, then type make notebook. -->
"""


def executed(path: Path, seconds: int = 300) -> NotebookNode:
    """Returns a notebook with the outputs of its cells, run from top to bottom in its own folder."""
    notebook = nbformat.read(path, as_version=4)
    return NotebookClient(notebook, timeout=seconds, resources={"metadata": {"path": str(path.parent)}}).execute()


def rendered(notebook: NotebookNode) -> tuple[str, dict[str, bytes]]:
    """Returns a notebook as Markdown, and its pictures by their file's name."""
    config = Config({"NbConvertBase": {"display_data_priority": SHOWN}})
    place = {"output_files_dir": PICTURES, "unique_key": "plot"}
    text, resources = MarkdownExporter(config=config).from_notebook_node(notebook, place)
    pictures = {name: data for name, data in resources["outputs"].items() if f"({name})" in text}
    text = re.sub(r"!\[svg\]\(([^)]*)\)", lambda found: _named(found[1], pictures), text)
    text = re.sub(r"\n(?:[ \t]*\n){2,}", "\n\n", re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE))
    return f"{NOTE}\n{text.strip()}\n", pictures


def _named(name: str, pictures: Mapping[str, bytes]) -> str:
    """Returns a picture as Markdown, with what it shows for who does not see it."""
    told = re.search(r"<desc>(.*?)</desc>", pictures[name].decode(), re.DOTALL)
    about = " ".join(unescape(told[1]).split()) if told else ""
    escaped = re.sub(r"([][])", r"\\\1", about)
    return f"![{escaped}]({name})"


def main() -> int:
    """Writes the page and its pictures, in place of those that are there."""
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    text, pictures = rendered(executed(NOTEBOOK))
    for old in (PAGE.parent / PICTURES).glob("*.svg"):
        old.unlink()
    for name, data in pictures.items():
        (PAGE.parent / name).parent.mkdir(parents=True, exist_ok=True)
        (PAGE.parent / name).write_bytes(data)
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
