"""Writes a run's page: `index.html` and the folder `page/` beside it, which holds all that it needs.

The folder is made anew beside the old one and then takes its place, so that nothing of an older page stays in it.
Whatever comes from reports is data: escaped where it stands in the page, and never part of a path.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

from evalkit.names import visible
from evalkit.record import Report
from evalkit.reports.page.contents import contents
from evalkit.reports.page.sounds import FOLDER, AudioChoice, Numbered, Sources, wanted, write_sounds
from evalkit.row import Row
from evalkit.store.atomic import write_text, writing

PAGE_FILE = "index.html"
PAGE_FOLDER = "page"
# In the order in which they are loaded; each adds to what those before it have made.
SCRIPTS = ("contents", "dom", "players", "trials", "utterances", "worst", "ballot", "blind", "listen")
_HERE = "evalkit.reports.page"
_AS_CODE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def write_page(folder: Path, report: Report, rows: Sequence[Row], sources: Sources, audio: AudioChoice) -> Path:
    """Writes the page of a run into its folder, in place of the one that is there; returns the path of `index.html`.

    Args:
        folder: Of the run.
        report: Its report.
        rows: Its rows.
        sources: Where its sounds come from.
        audio: Which sounds the page is to have.

    Raises:
        StorageError: The disk refused.
    """
    numbered = Numbered()
    shown = contents(report, rows, sources.held_out, numbered)
    with _made_anew(folder / PAGE_FOLDER) as page:
        chosen = wanted(audio, numbered, [], sources.held_out)
        written = write_sounds(page / FOLDER, chosen, sources.sound)
        shown |= {"sounds": numbered.columns(chosen, written), "worst": []}
        names = _write_assets(page)
    write_text(folder / PAGE_FILE, _html(report, shown, names))
    return folder / PAGE_FILE


@contextmanager
def _made_anew(folder: Path) -> Iterator[Path]:
    """Yields an empty folder that takes the place of `folder` when the block is left without an error.

    A link in that place is replaced, what it leads to stays as it is.
    """
    with writing(folder):
        for left in folder.parent.glob(f".{folder.name}.*"):  # by processes that were killed
            _remove(left)
        part = folder.parent / f".{folder.name}.{uuid4().hex}"
        part.mkdir()
    try:
        yield part
        with writing(folder):
            old = folder.parent / f".{folder.name}.{uuid4().hex}"
            with suppress(FileNotFoundError):
                folder.rename(old)
            part.rename(folder)
            _remove(old)
    finally:
        _remove(part)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def _write_assets(page: Path) -> list[str]:
    """Copies styles and scripts; returns the scripts' names in the order in which they are loaded."""
    assets = {entry.name: entry.read_text(encoding="utf-8") for entry in (files(_HERE) / "assets").iterdir()}
    for name, text in assets.items():
        write_text(page / name, text)
    return [f"{name}.js" for name in SCRIPTS if f"{name}.js" in assets]


def _html(report: Report, shown: Mapping[str, Any], scripts: Sequence[str]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["visible"] = visible
    template = environment.get_template("page.html.j2")
    return template.render(report=report, run=shown["run"], scripts=scripts, contents=embedded(shown))


def embedded(value: Any) -> Any:
    """Returns plain data as JSON that no HTML can end early, marked as safe to stand in a script element."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(_AS_CODE.sub(lambda sign: f"\\u{ord(sign.group()):04x}", text))
