"""Engines in worker processes: crashes, hangs, memory, other Pythons."""

import os
import signal
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml

from evalkit.audio import Audio
from evalkit.config.making import engine_of, require_packages
from evalkit.engines.base import Request
from evalkit.engines.process.wire import Message, answer_of, encoded, packed, receive, send, synthesis_of, unpacked
from evalkit.errors import ConfigError, MissingAssetsError
from evalkit.pipeline.attempts import Clock, Failure, answers
from evalkit.prompt import Prompt
from evalkit.resources import resource
from tests.conftest import environment, folder_of, rows_of, wait_until

HERE = sys.executable
PROMPT = Prompt(Audio(np.linspace(-0.5, 0.5, 16_000, dtype=np.float32), 16_000), "words", "user", ("a.wav",), 0.25)


def node(**fields):
    return {"_target_": "tests.strange.Strange", "python": HERE, **fields}


@pytest.fixture
def engine(monkeypatch):
    monkeypatch.chdir(resource("."))
    made = engine_of(node(timeout_seconds=20))
    yield made
    made.close()


def request(text="fine", seed=0):
    return Request(text, PROMPT, seed, "en")


def outcomes(engine, *texts):
    found = answers(engine.synthesize, [request(text) for text in texts], Clock())
    return [one if isinstance(one, Failure) else "sound" for one in found]


def test_messages_arrive_as_they_were_sent(tmp_path):
    path = tmp_path / "pipe"
    with path.open("wb") as file:
        send(file, encoded(packed(request("naïve “quotes”\nand lines", 7))))
        send(file, encoded(Message({"nothing": None})))
    with path.open("rb") as file:
        got = unpacked(receive(file))
        assert receive(file) == Message({"nothing": None})
        assert receive(file) is None
    assert (got.text, got.seed, got.language) == ("naïve “quotes”\nand lines", 7, "en")
    assert got.prompt.sha256 == PROMPT.sha256
    assert (got.prompt.text_source, got.prompt.clips, got.prompt.text_wer) == ("user", ("a.wav",), 0.25)


def test_half_a_message_is_none(tmp_path):
    path = tmp_path / "pipe"
    with path.open("wb") as file:
        send(file, encoded(packed(request())))
    whole = path.read_bytes()
    for size in (0, 10, len(whole) - 1):
        path.write_bytes(whole[:size])
        with path.open("rb") as file:
            assert receive(file) is None


def test_the_sound_is_the_same_as_in_this_process(engine):
    (there,) = engine.synthesize([request()])
    (here,) = engine.of.synthesize([request()])
    assert there.audio.sha256 == here.audio.sha256
    assert synthesis_of(answer_of(here)).audio.sha256 == here.audio.sha256
    assert engine.fingerprint() == engine.of.fingerprint()


def test_what_befalls_one_utterance_spares_the_others(engine):
    got = outcomes(engine, "fine", "exit", "fine", "kill", "raise", "memory", "fine")
    assert [one if one == "sound" else one.type for one in got] == [
        "sound", "WorkerLost", "sound", "WorkerLost", "ValueError", "MemoryError", "sound",
    ]  # fmt: skip
    assert got[1].message == "the worker died (exit code 3): a last word"
    assert got[3].message.startswith(
        "the worker was killed (signal 9), most likely since the machine had no memory left"
    )
    assert got[4].message == "not that"
    assert "try engine.dtype=bfloat16" in got[5].message


def test_a_hang_is_given_up(monkeypatch):
    monkeypatch.chdir(resource("."))
    engine = engine_of(node(timeout_seconds=1))
    got = outcomes(engine, "fine", "hang", "fine")  # it would hang for 600 s, and then play its prompt
    engine.close()
    assert got[0] == got[2] == "sound"
    assert got[1].message == "no answer within 1 s: the worker was stopped, a fresh one goes on"


@pytest.mark.parametrize(("fails", "type"), [("exit", "WorkerLost"), ("raise", "ValueError")])
def test_loading_that_fails_is_told(monkeypatch, fails, type):
    monkeypatch.chdir(resource("."))
    engine = engine_of(node(fails=fails))
    assert [one.type for one in outcomes(engine, "fine", "fine")] == [type, type]
    engine.close()


def test_settings_share_a_worker_and_its_weights(monkeypatch, tmp_path):
    monkeypatch.chdir(resource("."))
    engines = [engine_of(node(gain=gain, log=str(tmp_path / "log"))) for gain in (0.1, 0.2, 0.3)]
    peaks = [next(engine.synthesize([request()])).audio.peak for engine in engines]
    engines[0].close()
    assert peaks == pytest.approx([0.05, 0.1, 0.15])
    assert len((tmp_path / "log").read_text().splitlines()) == 1
    assert len({engine.family for engine in engines}) == 1


def test_a_worker_ends_with_the_run_that_started_it(tmp_path):
    code = f"""
import os, signal
from evalkit.config.making import engine_of
from tests.engines.process.test_isolated import node, request
engine = engine_of(node(log={str(tmp_path / "log")!r}))
next(engine.synthesize([request()]))
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([HERE, "-c", code], cwd=resource("."), env=environment(), check=False)
    (worker,) = (int(line) for line in (tmp_path / "log").read_text().splitlines())
    try:
        wait_until(lambda: not is_running(worker))
    except AssertionError:
        os.kill(worker, signal.SIGKILL)
        raise


def is_running(process):
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE  # dead, and nobody has asked for it yet
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Another Python, which has what a worker needs and nothing else."""
    folder = tmp_path_factory.mktemp("other") / "venv"
    venv.create(folder, symlinks=True, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    needed = ("numpy", "pydantic", "regex", "annotated_types", "typing_extensions", "typing_inspection", "packaging",
              "platformdirs", "yaml", "_yaml", "pyyaml")  # fmt: skip
    for found in Path(np.__file__).parents[1].iterdir():
        if found.name.lower().startswith(needed):
            (site / found.name).symlink_to(found)
    return folder / "bin/python"


def required(described):
    require_packages([engine_of(described)])


def test_another_python_needs_little(python, monkeypatch):
    monkeypatch.chdir(resource("."))
    engine = engine_of(node(python=str(python)))
    (there,) = engine.synthesize([request()])
    assert there.audio.sha256 == next(engine.of.synthesize([request()])).audio.sha256
    assert engine.knobs()["python"] == str(python)
    engine.close()


def test_a_package_that_the_other_python_lacks_is_named(python, tmp_path):
    for name in ("config.json", "a.safetensors", "tokenizer.json"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigError, match=r"csm needs the package transformers, .* torch; type: /.*python -m pip"):
        required({"_target_": "evalkit.engines.csm.CSM", "weights": str(tmp_path), "python": str(python)})


def test_weights_that_are_missing_are_told_from_over_there():
    engine = engine_of({"_target_": "evalkit.engines.csm.CSM", "python": HERE})
    with pytest.raises(MissingAssetsError, match="type: python -m evalkit fetch csm_1b"):
        engine.require()
    engine.close()


def test_a_bare_python_is_told_what_to_install(tmp_path):
    venv.create(tmp_path / "bare", symlinks=True, with_pip=False)
    with pytest.raises(ConfigError, match=r"ModuleNotFoundError: .*; type: .*python -m pip install numpy pydantic"):
        required(node(python=str(tmp_path / "bare/bin/python")))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"python": "/no/such/python"}, "engine.python=/no/such/python: there is no such program"),
        ({"python": "/bin/true"}, "engine.python=/bin/true: the worker died .exit code 0.: it said nothing"),
        ({"timeout_seconds": 0}, "engine.timeout_seconds=0: expected seconds, more than 0"),
        ({"timeout_seconds": "soon"}, "engine.timeout_seconds=soon: expected seconds"),
    ],
)
def test_wrong_settings_are_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        required(node(**fields))


def test_a_run_goes_on_through_all_of_it(evalkit, typed, tmp_path):
    """The command as a user types it, with the isolation of any engine."""
    texts = {"one": "fine", "two": "exit", "three": "hang"}
    probes = [{"id": id, "text": text} for id, text in texts.items()]
    (tmp_path / "odd.yaml").write_text(
        yaml.safe_dump({"name": "odd", "version": 1, "language": "en", "probes": probes})
    )
    (tmp_path / "my/engine").mkdir(parents=True)
    (tmp_path / "my/engine/strange.yaml").write_text("_target_: tests.strange.Strange\ngain: 0.5\ndevice: ${device}\n")
    done = evalkit(
        "run", "--config-dir", "my", *typed, "engine=strange", "probes.path=odd.yaml", "voices.names=[ann]",
        f"engine.python={HERE}", "engine.timeout_seconds=2", PYTHONPATH=str(resource(".").resolve()),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    errors = {row["probe"]: row["error"] and row["error"]["type"] for row in rows_of(tmp_path / folder_of(done))}
    assert errors == {"one": None, "two": "WorkerLost", "three": "WorkerLost"}
    assert "chatter" not in done.stdout
