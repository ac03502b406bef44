"""The engine `command`: programs that speak, and programs that do anything else."""

import shutil
import sys
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.engines import command as module
from evalkit.engines.base import Request
from evalkit.engines.command import Command
from evalkit.engines.process import program
from evalkit.errors import ConfigError, SynthesisError
from evalkit.prompt import Prompt
from evalkit.whistle import heard_hum, heard_text, whistle

ESPEAK = "espeak-ng -v {language} -s {speed} -w {out_wav} -f {text_file}"
needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs Debian's package espeak-ng")
WHISTLER = """
import sys, soundfile
from evalkit.audio import Audio
from evalkit.whistle import heard_hum, whistle
prompt, text, out, off = sys.argv[1:]
samples, rate = soundfile.read(prompt, dtype="float32")
sound = whistle(text, heard_hum(Audio(samples, rate)) + float(off))
soundfile.write(out, sound.samples, sound.sample_rate)
"""


def request(text: str = "the quick fox", seed: int = 0) -> Request:
    return Request(text, Prompt(whistle("one two three", 150.0), "one two three", "given", ("clip.wav",)), seed, "en")


def python(tmp_path: Path, source: str, arguments: str = "{out_wav} {text}", **more: object) -> Command:
    """Returns the engine of a program in Python."""
    script = tmp_path / "program.py"
    script.write_text(source)
    return Command(command=f"{sys.executable} {script} {arguments}", **more)  # type: ignore[arg-type]


def test_a_program_clones_and_its_knobs_are_filled_in(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(module.__file__).parents[2]))
    engine = python(tmp_path, WHISTLER, "{prompt_wav} {text} {out_wav} {off}", knobs={"off": 40})
    (answer,) = engine.synthesize([request()])
    assert heard_text(answer.audio).strip() == "the quick fox"
    assert heard_hum(answer.audio) == pytest.approx(190, abs=1)
    assert answer.seconds > 0
    assert engine.knobs()["knobs.off"] == 40


@pytest.mark.parametrize(
    "text", ["--help", "$(touch pwned) `touch pwned`; touch pwned", "{seed} {{x}}", "a 'b \"c", "*"]
)
def test_a_text_is_one_word_whatever_is_in_it(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    told = "import sys; sys.exit(ascii(sys.argv[1:]))"
    engine = python(tmp_path, told, "--seed={seed} -- {text} {text_file} {out_wav} {prompt_text}")
    with pytest.raises(SynthesisError) as error:
        engine.speak(request(text, seed=7))
    assert f"['--seed=7', '--', {text!a}, '/" in str(error.value)
    assert not (tmp_path / "pwned").exists()


ENDS = {
    "nothing": ("pass", "EmptyAnswerError", "ended well and wrote no {out_wav}"),
    "empty": ("open(sys.argv[1], 'w')", "EmptyAnswerError", "wrote nothing into {out_wav}"),
    "words": ("open(sys.argv[1], 'w').write('sorry')", "NoAudioError", "is not audio that can be read"),
    "link": ("os.symlink('/etc/passwd', sys.argv[1])", "NoAudioError", "something other than a file"),
    "pipe": ("os.mkfifo(sys.argv[1])", "NoAudioError", "something other than a file"),
    "error": (
        "sys.exit('first\\n\\x1b[31mno model\\x07\\n\\n')",
        "ProgramFailedError",
        r"exit code 1: \x1b[31mno model",
    ),
    "signal": ("os.kill(os.getpid(), 11)", "ProgramFailedError", "ended by signal 11: it said nothing"),
    "chatter": ("sys.stderr.write('x' * 10**6); sys.exit(3)", "ProgramFailedError", "exit code 3: xxx"),
}


@pytest.mark.hostile
@pytest.mark.parametrize("end", ENDS)
def test_how_a_program_ends_is_told(tmp_path, end):
    source, kind, message = ENDS[end]
    with pytest.raises(SynthesisError) as error:
        python(tmp_path, f"import os, sys; {source}").speak(request())
    assert (type(error.value).__name__, message in str(error.value)) == (kind, True), str(error.value)
    assert len(str(error.value)) < 500


def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    pids = tmp_path / "pids"
    source = f"""
import os, subprocess, time
same = subprocess.Popen(["sleep", "600"])
other = subprocess.Popen(["sleep", "600"], start_new_session=True)
open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{same.pid}} {{other.pid}}")
time.sleep(600)
"""
    engine = python(tmp_path, source, timeout_seconds=3)
    started = time.perf_counter()
    with pytest.raises(program.ProgramSlowError, match="did not end within 3 s"):
        engine.speak(request())
    assert time.perf_counter() - started < 8
    for pid in map(int, pids.read_text().split()):
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


GREEDY = {
    "its sound": "f = open(sys.argv[1], 'wb')\nwhile True: f.write(bytes(1 << 20))",
    "its errors": "while True: sys.stderr.write('x' * (1 << 20))",
    "many files": "for at in range(20): open(f'{os.path.dirname(sys.argv[1])}/{at}', 'wb').write(bytes(1 << 22))\n"
    "import time; time.sleep(60)",
}


@pytest.mark.hostile
@pytest.mark.parametrize("what", GREEDY)
def test_a_program_that_writes_without_end_is_stopped(tmp_path, monkeypatch, what):
    monkeypatch.setattr(module, "MOST_BYTES", 1 << 24)
    signals = "import os, signal, sys\nsignal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"  # Python alone ignores it
    before = psutil.disk_usage("/tmp").used
    with pytest.raises(program.ProgramWroteTooMuchError, match="wrote more than 16777216 bytes"):
        python(tmp_path, signals + GREEDY[what], timeout_seconds=30).speak(request())
    assert psutil.disk_usage("/tmp").used - before < 1 << 30


def test_what_a_program_left_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "places"))
    (tmp_path / "places").mkdir()
    with pytest.raises(SynthesisError):
        python(tmp_path, "import sys; open(sys.argv[1] + '.more', 'w').write('x')").speak(request())
    assert list((tmp_path / "places").iterdir()) == []


def test_a_program_is_known_by_its_files_and_its_words(tmp_path):
    engine = python(tmp_path, "pass", version_command="echo 1.5")
    told, version = engine.fingerprint()["program"], engine.adapter_version()
    assert told["version"] == "1.5"
    assert told["path"] == str(Path(sys.executable).resolve())
    assert set(told["sha256"]) == {sys.executable, str(tmp_path / "program.py")}
    assert python(tmp_path, "pass", version_command="echo 1.5").adapter_version() == version
    assert python(tmp_path, "pass", version_command="echo 1.6").adapter_version() != version
    assert python(tmp_path, "pass # ", version_command="echo 1.5").adapter_version() != version


def test_a_program_that_is_not_there_is_said_before_anything_runs(run):
    done = run("engine=command", "engine.command='no-such-program {text} {out_wav}'")
    assert (done.code, list(done.reports.glob("*/*"))) == (2, [])
    assert "there is no program 'no-such-program'" in done.err
    with pytest.raises(ConfigError, match="it cannot be asked"):
        Command(command="cat {text} {out_wav}", version_command="no-such-program").require()


WRONG = {
    ("engine.command='say {text}'",): "it needs {out_wav}",
    ("engine.command='say {words} {out_wav}'",): "nothing is known of {words}",
    ("engine.command='say {text} {out_wav}'", "engine.knobs.speed=1"): "the command has no {speed}",
    ("engine.command='{text} {out_wav}'",): "the program itself",
    ("engine.command='say } {text} {out_wav}'",): "a brace stands alone",
    ('engine.command="say \\"{text} {out_wav}"',): "cannot be split",
    ("engine.command='say {text} {out_wav}'", "engine.python=python3"): "computes in a program",
}


@pytest.mark.hostile
@pytest.mark.parametrize("typed", WRONG)
def test_commands_that_cannot_be_are_refused(run, typed):
    done = run("engine=command", *typed)
    assert (done.code, WRONG[typed] in done.err) == (2, True), done.err


@given(st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_what_is_filled_in_is_never_looked_at_again(text):
    assert module._filled("a={text};{{{seed}}}", {"text": text, "seed": "5"}) == f"a={text};{{5}}"


@needs_espeak
def test_espeak_speaks_texts_that_begin_like_options():
    engine = Command(command=ESPEAK, knobs={"speed": 160}, version_command="espeak-ng --version")
    slow = Command(command=ESPEAK, knobs={"speed": 120}, version_command="espeak-ng --version")
    audio = engine.speak(request("--version is what I say"))
    assert 1 < audio.seconds < 4
    assert slow.speak(request("--version is what I say")).seconds > 1.2 * audio.seconds
    assert "eSpeak NG" in engine.fingerprint()["program"]["version"]


@needs_espeak
def test_a_knob_of_a_program_is_an_axis(run):
    done = run("engine=command", "engine.name=espeak_ng", f"engine.command='{ESPEAK}'", "engine.knobs.speed=120,160")
    assert done.code == 0, done.err
    assert {trial["settings"]["engine.knobs.speed"] for trial in done.report["trials"]} == {120, 160}
    assert {row["engine"] for row in done.rows} == {"espeak_ng"}


@needs_espeak
def test_engines_run_in_one_sweep_where_each_lives(run, own, serve):
    server = serve()
    grid = [
        ["engine=tone"],
        ["engine=speech_server", f"engine.url={server.url}", "engine.prompt_rate=16000"],
        ["engine=command", f"engine.command='{ESPEAK}'", "engine.knobs.speed=160"],
        ["engine=spoil", "engine@engine.of=speech_server", f"engine.of.url={server.url}", "engine.harm=cut"],
    ]
    sweep = {"name": "lives", "question": "Where?", "grid": grid}
    done = run(*own(sweep={"lives": sweep}), "+sweep=lives", drop=("engine",))
    assert done.code == 0, done.err
    rows = {name: [row for row in done.rows if row["engine"] == name] for name in ("tone", "speech_server", "command")}
    assert [len(found) for found in rows.values()] == [9, 18, 9]
    assert all(row["scores"]["rtf"] > 0 for row in done.rows)
