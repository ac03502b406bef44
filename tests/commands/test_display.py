import io
import itertools
import re
import subprocess
import sys

import pytest
from rich.console import Console

from evalkit.commands.display import Live, Plain
from evalkit.pipeline.events import Advanced, RowsMade, Said, StageBegun, StageEnded


def two_rounds(display):
    """What a run of two batches tells."""
    display.hear(Said("hello"))
    for done in (3, 6):
        for stage in ("synthesis", "transcripts"):
            display.hear(StageBegun(stage, total=3, cached=1))
            display.hear(Advanced())
            display.hear(Advanced(failed=True))
            display.hear(StageEnded())
        display.hear(RowsMade((), done=done, total=6))
    display.finish()


def test_plain_lines():
    stream = io.StringIO()
    two_rounds(Plain(stream))
    lines = [line.rsplit(",", 1)[0] for line in stream.getvalue().splitlines()]
    assert lines == ["hello", "synthesis: 6/6, 2 cached, 2 failed", "transcripts: 6/6, 2 cached, 2 failed"]


def test_a_stage_that_takes_long_says_how_far_it_is(monkeypatch):
    stream, clock = io.StringIO(), itertools.count(0, 11)
    monkeypatch.setattr("evalkit.commands.display.time.monotonic", lambda: next(clock))
    two_rounds(Plain(stream))
    assert "synthesis: 2/3, 1 cached, 0 failed" in stream.getvalue().splitlines()


def test_a_live_display_leaves_one_line_a_stage():
    stream = io.StringIO()
    two_rounds(Live(Console(file=stream, force_terminal=True, width=120)))
    last_frame = stream.getvalue()[-800:]
    assert last_frame.count("6/6") >= 2
    assert "2 cached  2 failed" in last_frame


def screen(written, width):
    """Returns what stands on a terminal so wide, and what scrolled off it, after all this was written to it."""
    lines, row, column = [""], 0, 0
    for piece in re.findall(r"\x1b\[[\d;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]", written):
        if piece == "\r":
            column = 0
        elif piece == "\n" or (column == width and not piece.startswith("\x1b")):  # what is too long goes on below
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        if piece.startswith("\x1b"):
            count = int(re.sub(r"\D", "", piece) or 1)
            row -= count if piece.endswith("A") else 0
            lines[row] = "" if piece.endswith("K") else lines[row]
        elif piece not in "\r\n":
            lines[row] = lines[row][:column].ljust(column) + piece + lines[row][column + 1 :]
            column += 1
    return lines


def test_a_screen_shows_what_was_written_last():
    assert screen("ab\ncd\x1b[1A\r\x1b[2Kx\ny", 80) == ["x", "yd"]
    assert screen("abcde", 3) == ["abc", "de"]


STAGES = ("prompts", "synthesis", "transcripts", "embeddings (campplus)", "quality (dnsmos)", "acoustics")


@pytest.mark.parametrize(("total", "failed"), [(100, 4), (10_000, 40), (100_000, 1_200)])
def test_on_a_terminal_of_80_columns_no_line_is_torn_and_no_number_cut(total, failed):
    stream = io.StringIO()
    display = Live(Console(file=stream, force_terminal=True, width=80, height=24))
    display.hear(Said("demo: a line longer than the terminal is wide, which it breaks where it likes " + "x" * 30))
    for part in (1, 2):
        for stage in STAGES:
            display.hear(StageBegun(stage, total=total // 2, cached=total // 10))
            display.hear(Advanced())
            for _ in range(failed // 2):
                display.hear(Advanced(failed=True))
            display.hear(StageEnded())
            display.hear(Said(f"{stage}: a word in between"))
        display.hear(RowsMade((), done=part * total // 2, total=total))
    display.finish()
    shown = [line.rstrip() for line in screen(stream.getvalue(), 80)]
    said = [line for line in shown if "word in between" in line]
    assert said == [f"{stage}: a word in between" for stage in STAGES] * 2
    cached = total // 10 * 2
    for stage in STAGES:
        (bar,) = (line for line in shown if line.startswith(stage) and "between" not in line)
        assert re.search(rf"━ +{cached + 2 + failed}/{total} +{cached} cached  {failed} failed +\S+$", bar), bar
    (rows,) = (line for line in shown if line.startswith("rows"))
    assert f" {total}/{total} " in rows
    assert len([line for line in shown if "━" in line]) == len(STAGES) + 1


NOISE = """
import os, sys
from pathlib import Path
from evalkit.commands.display import quiet
with quiet(Path(sys.argv[1])) as screen:
    print("from python")
    os.write(1, b"from C on 1\\n")
    os.write(2, b"from C on 2\\n")
    print("for people", file=screen)
print("after")
"""


def test_noise_goes_to_the_log(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", NOISE, tmp_path / "run.log"], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("after\n", "for people\n")
    assert sorted((tmp_path / "run.log").read_text().splitlines()) == ["from C on 1", "from C on 2", "from python"]
