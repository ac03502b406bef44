"""Text in columns as wide as the terminal: words are folded between words, a number never.

A table that is too wide has its long text below each row; one that still is becomes a list of its cells by name.
"""

import shutil
import textwrap
from collections.abc import Sequence

from rich.cells import cell_len

PIPED = 80  # columns, where nobody says how many there are
GAP = "  "

Cells = Sequence[str]


def terminal_width() -> int:
    """Returns the columns of the terminal (`COLUMNS` says otherwise); 80 where there is none."""
    return shutil.get_terminal_size((PIPED, 24)).columns


def aligned(headings: Cells, rows: Sequence[Cells], left: int = 1) -> list[str]:
    """Returns a table as lines, as wide as it must be; the first `left` columns are of words, the others of numbers."""
    widths = [max(cell_len(row[at]) for row in [headings, *rows]) for at in range(len(headings))]
    lines = []
    for row in [headings, *rows]:
        pads = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [cell + pad if at < left else pad + cell for at, (cell, pad) in enumerate(zip(row, pads, strict=True))]
        lines.append(GAP.join(cells).rstrip())
    return lines


def listed(headings: Cells, row: Cells, width: int, indent: str = "") -> list[str]:
    """Returns a row as its cells by name, as many to a line as fit; none is folded."""
    lines: list[str] = []
    for heading, cell in zip(headings, row, strict=True):
        named = f"{heading} {cell}"
        if lines and fits([lines[-1] + GAP + named], width):
            lines[-1] += GAP + named
        else:
            lines.append(indent + named)
    return lines


def fitted(headings: Cells, rows: Sequence[Cells], width: int, left: int = 1) -> list[str]:
    """Returns a table as lines, or the cells of each row by name where it is too wide."""
    table = aligned(headings, rows, left)
    if fits(table, width):
        return table
    return [line for row in rows for line in listed(headings, row, width)]


def with_text(headings: Cells, rows: Sequence[Cells], width: int, left: int = 1) -> list[str]:
    """Returns a table whose last column is text; where it is too wide the text stands below each row, folded."""
    table = aligned(headings, rows, len(headings))
    short = aligned(headings[:-1], [row[:-1] for row in rows], left)
    if fits(table, width):
        return [f"{line}{GAP}{row[-1]}".rstrip() for line, row in zip(_padded(short), [headings, *rows], strict=True)]
    narrow = fits(short, width)
    lines = [short[0]] if narrow else []
    for line, row in zip(short[1:], rows, strict=True):
        lines += [line] if narrow else listed(headings[:-1], row[:-1], width)
        lines += folded(row[-1], width, "    ") if row[-1] else []
    return lines


def _padded(lines: Sequence[str]) -> list[str]:
    width = max(map(cell_len, lines))
    return [line + " " * (width - cell_len(line)) for line in lines]


def folded(text: str, width: int, indent: str = "", hanging: str | None = None) -> list[str]:
    """Returns text in lines, folded between words; a word that is too long stays whole.

    Args:
        text: In one line.
        width: Columns.
        indent: Before the first line.
        hanging: Before the others; None: the same.
    """
    return textwrap.wrap(
        text,
        max(width, len(indent) + 1),
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def fits(lines: Sequence[str], width: int) -> bool:
    """Whether no line is wider than `width` columns."""
    return all(cell_len(line) <= width for line in lines)
