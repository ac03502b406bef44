import io
import subprocess
import sys

from rich.console import Console

from evalkit.progress import Live, Plain


def stages(display):
    display.say("hello")
    for stage in ("synthesis", "transcripts"):
        display.start(stage, 3, 1)
        display.advance()
        display.advance(failed=True)
        display.finish()
    display.finish()  # at the end of a run, whether or not a stage is on


def test_plain_lines():
    stream = io.StringIO()
    stages(Plain(stream))
    lines = [line.rsplit(",", 1)[0] for line in stream.getvalue().splitlines()]
    assert lines == ["hello", "synthesis: 3/3, 1 cached, 1 failed", "transcripts: 3/3, 1 cached, 1 failed"]


def test_a_live_display_leaves_one_line_a_stage():
    stream = io.StringIO()
    stages(Live(Console(file=stream, force_terminal=True, width=120)))
    last_frame = stream.getvalue().split("\x1b[?25h")  # the cursor comes back when a stage ends
    assert [sum(stage in part for part in last_frame) for stage in ("synthesis", "transcripts")] == [1, 1]
    assert "3/3" in last_frame[0]
    assert "1 cached  1 failed" in last_frame[0]


NOISE = """
import os, sys
from pathlib import Path
from evalkit.progress import quiet
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
