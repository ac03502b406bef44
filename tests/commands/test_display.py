import io
import re
import subprocess
import sys
import time

import pytest
from rich.console import Console

from evalkit.commands.display import Live, Plain
from evalkit.commands.tally import Tally
from evalkit.pipeline.events import (
    Advanced,
    LoadingBegun,
    LoadingEnded,
    RowsMade,
    Said,
    StageBegun,
    StageEnded,
)
from tests.conftest import wait_until


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


def test_where_there_is_no_terminal_a_line_now_and_then_says_what_is_on():
    stream = io.StringIO()
    display = Plain(stream, every=0.01)
    display.hear(StageBegun("synthesis", total=3, cached=1))
    display.hear(LoadingBegun("f5_tts"))
    wait_until(lambda: re.search(r"^loading f5_tts: 0:00 so far$", stream.getvalue(), re.MULTILINE))
    display.hear(LoadingEnded())
    wait_until(lambda: re.search(r"^synthesis: 1/3, 1 cached, 0 failed, 0:00 so far$", stream.getvalue(), re.MULTILINE))
    display.hear(Advanced())
    wait_until(lambda: re.search(r"^synthesis: 2/3, .* so far, \d:\d\d left$", stream.getvalue(), re.MULTILINE))
    display.hear(RowsMade((), done=64, total=96))
    wait_until(lambda: re.search(r" left; rows: 64/96$", stream.getvalue(), re.MULTILINE))
    display.finish()
    after = stream.getvalue()
    assert after.splitlines()[-1].startswith("synthesis: 2/3, 1 cached, 0 failed, ")
    time.sleep(0.05)
    assert stream.getvalue() == after


@pytest.mark.parametrize(
    ("done", "cached", "seconds", "loading", "told"),
    [
        (0, 0, 12.0, 0.0, "0:12 so far"),
        (30, 0, 60.0, 0.0, "1:00 so far, 2:20 left"),  # 30 in 60 s, 70 more
        (60, 30, 60.0, 0.0, "1:00 so far, 1:20 left"),  # those from the store took no time: 30 in 60 s, 40 more
        (30, 0, 90.0, 30.0, "1:30 so far, 2:20 left"),  # loading is done once: 30 in 60 s
        (50, 50, 0.2, 0.0, "0:00 so far"),  # how fast it will be nobody knows yet
        (100, 0, 4000.0, 0.0, "1:06:40 so far, 0:00 left"),
    ],
)
def test_the_time_left_is_that_of_what_was_made(done, cached, seconds, loading, told):
    assert Tally(100, cached, done, 0, 0.0, loading, begun=10.0).times(10.0 + seconds) == told


def test_a_stage_that_is_over_says_what_it_took():
    assert Tally(100, 0, 100, 0, 75.4).times(1e9) == "took 1:15"


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


def shown_on(width, events):
    stream = io.StringIO()
    display = Live(Console(file=stream, force_terminal=True, width=width, height=24))
    for event in events:
        display.hear(event)
    display.finish()
    return [line.rstrip() for line in screen(stream.getvalue(), width)]


def stages(total, cached, failed):
    for part in (1, 2):
        for stage in STAGES:
            yield StageBegun(stage, total=total // 2, cached=cached // 2)
            yield Advanced()
            yield from [Advanced(failed=True)] * (failed // 2)
            yield StageEnded()
            yield Said(f"{stage}: a word in between")
        yield RowsMade((), done=part * total // 2, total=total)


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize(("total", "failed"), [(100, 4), (10_000, 40), (100_000, 1_200)])
def test_no_line_is_torn_and_no_number_cut(total, failed, width):
    """Where there is no room for all, the last part is left out whole, and the bars before it."""
    cached = total // 10 * 2
    shown = shown_on(width, stages(total, cached, failed))
    assert [line for line in shown if "word in between" in line] == [
        f"{stage}: a word in between" for stage in STAGES
    ] * 2
    for stage in STAGES:
        (bar,) = (line for line in shown if line.startswith(stage) and "between" not in line)
        told = bar.removeprefix(stage).strip(" ━╸╺")
        wanted = f"{cached + 2 + failed}/{total}  {failed} failed  took 0:00  {cached} cached"
        assert told in (wanted, wanted.rpartition("  ")[0]), bar
        assert told == wanted or width < 140
    (rows,) = (line for line in shown if line.startswith("rows"))
    assert re.search(rf" {total}/{total}  took \d:\d\d$", rows)
    assert any("━" in line for line in shown) is (width > 60)


@pytest.mark.parametrize("width", [60, 80])
def test_what_is_being_loaded_is_shown_with_the_time_so_far_and_gone_afterwards(width):
    begun = [StageBegun("transcripts", total=3, cached=0), LoadingBegun("faster_whisper")]
    during = shown_on(width, begun)
    assert any(re.match(r"loading +.*faster_whisper  0:00 so far$", line) for line in during)
    after = shown_on(width, [*begun, LoadingEnded(), Advanced(), StageEnded()])
    assert not any(line.startswith("load") for line in after)
    assert any(line.startswith("transcripts") and "1/3" in line for line in after)


def test_loading_that_took_long_is_told_of_afterwards():
    stream = io.StringIO()
    display = Plain(stream)
    display.hear(LoadingBegun("chroma"))
    display.loading = ("chroma", time.monotonic() - 75)
    display.hear(LoadingEnded())
    display.finish()
    assert stream.getvalue() == "loaded chroma: took 1:15\n"


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
        told = rf"━ +{cached + 2 + failed}/{total}  {failed} failed  took 0:\d\d(  {cached} cached)?$"
        assert re.search(told, bar), bar
    (rows,) = (line for line in shown if line.startswith("rows"))
    assert f" {total}/{total} " in rows
    assert len([line for line in shown if "━" in line]) == len(STAGES) + 1


NOISE = """
import os, sys
from pathlib import Path
from evalkit.commands.quiet import quiet
with quiet(Path(sys.argv[1])) as screen:
    print("from python")
    os.write(1, b"from C on 1\\n")
    os.write(2, b"from C on 2\\n")
    print("for people", file=screen)
print("after")
"""


LOGGED = """
import logging, sys
from pathlib import Path
from rich.console import Console
from evalkit.commands.display import Live
from evalkit.commands.quiet import quiet
from evalkit.pipeline.events import StageBegun, StageEnded
with quiet(Path(sys.argv[1])) as screen:
    display = Live(Console(file=screen, force_terminal=True, width=80))
    display.hear(StageBegun("synthesis", 1, 0))
    logging.getLogger("evalkit").error("this became a failure")
    print("a library's words")
    display.hear(StageEnded())
    display.finish()
"""


def test_what_is_logged_under_a_live_display_goes_to_the_log_too(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LOGGED, tmp_path / "run.log"], capture_output=True, text=True, check=True
    )
    assert "synthesis" in done.stderr
    assert "failure" not in done.stderr
    assert "library" not in done.stderr
    log = (tmp_path / "run.log").read_text()
    assert "this became a failure" in log
    assert "a library's words" in log


def test_noise_goes_to_the_log(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", NOISE, tmp_path / "run.log"], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("after\n", "for people\n")
    assert sorted((tmp_path / "run.log").read_text().splitlines()) == ["from C on 1", "from C on 2", "from python"]
