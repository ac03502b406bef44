"""Whatever a name, a text or a message holds: nothing of it steers the terminal."""

import io
import os
import pty
import subprocess
import sys

import pytest
from rich.console import Console

from evalkit.__main__ import main
from evalkit.commands.display import Live, Plain
from evalkit.commands.screen import show, tell
from evalkit.pipeline.events import Advanced, Said, StageBegun, StageEnded
from tests.conftest import environment

pytestmark = pytest.mark.hostile

NASTY = "a\x1b[2Jb\x9bc\rd\x07e\u202ef\udcffg"
SHOWN = "a\\x1b[2Jb\\x9bc\\rd\\x07e\\u202ef\\udcffg"


def test_f20_what_is_printed(capfd):
    show(f"one {NASTY}\ntwo")
    tell(f"three {NASTY}")
    assert capfd.readouterr() == (f"one {SHOWN}\ntwo\n", f"three {SHOWN}\n")


def stages(display):
    display.hear(Said(f"hello {NASTY}"))
    display.hear(StageBegun(f"embeddings ([bold]{NASTY})", total=2, cached=0))
    display.hear(Advanced())
    display.hear(Advanced())
    display.hear(StageEnded())
    display.finish()


def test_f20_plain_lines():
    stream = io.StringIO()
    stages(Plain(stream))
    first, second = stream.getvalue().splitlines()
    assert first == f"hello {SHOWN}"
    assert second.startswith(f"embeddings ([bold]{SHOWN}): 2/2")


def test_f20_live_bars():
    stream = io.StringIO()
    stages(Live(Console(file=stream, force_terminal=True, width=200)))
    assert f"hello {SHOWN}" in stream.getvalue()
    assert f"embeddings ([bold]{SHOWN})" in stream.getvalue()
    for sign in ("\x1b[2Jb", "\x9b", "\x07", "\u202e", "\udcff"):
        assert sign not in stream.getvalue()


@pytest.mark.parametrize(
    "override",
    [
        pytest.param("question='\x1b[2Jwhy\u202e?'", id="f20-question"),
        pytest.param("engine=\x1b[2J", id="f20-engine"),
        pytest.param("+sweep=\x1b[2J", id="f20-sweep"),
        pytest.param("name='\x1b[2J'", id="f20-name"),
        pytest.param("voices.names=['\x1b[2J']", id="f20-voice"),
        pytest.param("probes.ids=['\x1b[2J']", id="f20-probe"),
        pytest.param("probes.strata=['\x1b[2J']", id="f20-stratum"),
        pytest.param("voices.path='/tmp/\x1b[2J'", id="f20-path"),
        pytest.param("prompt.order='\x1b[2J'", id="f20-value"),
        pytest.param("+\x1b[2J=1", id="f20-key"),
        pytest.param("judge.speakers=['\x1b[2J']", id="f20-judge"),
    ],
)
def test_what_is_typed_does_not_come_back_raw(typed, capfd, override):
    code = main(["run", *typed, override, "dry_run=true"])
    shown = capfd.readouterr()
    assert code in (0, 2)
    assert "\x1b" not in shown.out + shown.err
    assert "\u202e" not in shown.out + shown.err
    assert "Traceback" not in shown.err


def test_f20_a_message_of_an_engine_is_escaped_on_a_terminal_and_kept_in_the_rows(typed, tmp_path):
    (tmp_path / "nasty_engine.py").write_text(
        "from pydantic.dataclasses import dataclass\nfrom evalkit.engines.base import Engine\n"
        "@dataclass(frozen=True)\nclass Nasty(Engine):\n    name = 'nasty'\n    sample_rate = 16000\n"
        f"    def speak(self, request): raise ValueError({NASTY!r})\n"
    )
    (tmp_path / "mine/engine").mkdir(parents=True)
    (tmp_path / "mine/engine/nasty.yaml").write_text("_target_: nasty_engine.Nasty\n")
    rest = [word for word in typed if word != "engine=tone"]
    code, seen = on_a_terminal(["run", "--config-dir", f"{tmp_path}/mine", *rest, "engine=nasty"], tmp_path)
    assert code == 1
    assert f"ValueError: {SHOWN}" in seen.replace("\r\n", "")
    assert "Traceback" not in seen  # that is in run.log
    for sign in ("\x1b[2Jb", "\x07", "\u202e"):
        assert sign not in seen
    (rows,) = tmp_path.glob("reports/adhoc/*/utterances.jsonl")
    assert r"a\u001b[2Jb" in rows.read_text()  # as JSON spells it


def on_a_terminal(arguments, folder):
    """Returns exit code and what a terminal of 200 columns is sent."""
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "evalkit", *arguments],
        cwd=folder,
        env={**environment(), "COLUMNS": "200", "PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"},
        stdin=inside,
        stdout=inside,
        stderr=inside,
    )
    os.close(inside)
    seen = b""
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # Linux's way to say that nobody is left
            break
        if not data:
            break
        seen += data
    os.close(terminal)
    return process.wait(), seen.decode(errors="replace")
