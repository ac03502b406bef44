import io
import itertools
import subprocess
import sys

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
