"""What an engine gives, here, in a worker or wrapped: sound that can be scored, or a failed row that says why."""

import re
import sys

import numpy as np
import pytest

from evalkit.__main__ import main
from evalkit.resources import resource
from tests.conftest import report_of, rows_of

pytestmark = pytest.mark.hostile

# What the engine does with the fox, what the row must say, and the number of the case in the list of hostile tries.
CASES = {
    "f02-stereo": ("stereo", r"samples of shape \(\d+, 2\), expected one dimension \(mono\)"),
    "f02-stereo-rows": ("stereo_rows", r"samples of shape \(2, \d+\), expected one dimension \(mono\)"),
    "f02-complex": ("complex", "samples of type complex64, expected floats from -1 to 1"),
    "f05-int16": ("int16", "samples of type int16, expected floats from -1 to 1"),
    "f05-int32": ("int32", "samples of type int32, expected floats from -1 to 1"),
    "f05-uint8": ("uint8", "samples of type uint8, expected floats from -1 to 1"),
    "f05-bool": ("bool", "samples of type bool, expected floats from -1 to 1"),
    "f05-loud": ("loud", r"samples of up to \d{4,5}\.\d, expected floats from -1 to 1"),
    "f36-objects": ("objects", "samples of type object, expected floats"),
    "f36-words": ("words", "samples of type <U3, expected floats"),
    "f36-list": ("list", "samples as a list, expected a NumPy array"),
    "f36-no-array": ("no_array", "samples as a NoneType, expected a NumPy array"),
    "f36-rate-text": ("rate_text", "a sample rate of '16000', expected whole Hz, 8000 to 192000"),
    "f36-rate-float": ("rate_float", "a sample rate of 16000.0, expected whole Hz"),
    "f36-rate-true": ("rate_true", "a sample rate of True, expected whole Hz"),
    "f36-rate-negative": ("rate_negative", "a sample rate of -16000, expected whole Hz"),
    "f36-rate-huge": ("rate_huge", "a sample rate of 10{30}, expected whole Hz"),
    "f12-negative": ("seconds_negative", "seconds=-1.0, expected a finite number of seconds, 0 or more"),
    "f12-nan": ("seconds_nan", "seconds=nan, expected a finite number"),
    "f12-endless": ("seconds_endless", "seconds=inf, expected a finite number"),
    "f12-text": ("seconds_text", "seconds='soon', expected a finite number"),
    "f12-none": ("seconds_none", "seconds=None, expected a finite number"),
    "f12-first-audio": ("first_audio", "first_audio_seconds=-0.5, expected a finite number of seconds, 0 or more, or"),
    "f12-memory": ("memory", "memory_bytes=-1, expected whole bytes, 0 or more, or None"),
    "f12-device-memory": ("device_memory", "device_memory_bytes='much', expected whole bytes"),
    "f17-number": ("intended_number", "intended_text=5, expected text or None"),
    "f17-bytes": ("intended_bytes", "intended_text=b'the quick brown fox', expected text or None"),
    "f18-intended": ("intended_surrogate", r"intended_text='the quick \\ud800 fox', expected text .* half a character"),
    "f36-intended-endless": ("intended_endless", "intended_text of 4000000 characters, expected at most 100000"),
    "f45-audio-none": ("audio_none", r"audio=None, expected an Audio\(samples, sample_rate\)"),
    "f45-audio-array": ("audio_array", r"audio=array.*, expected an Audio"),
    "f45-none": ("none", "the engine gave None, expected a Synthesis"),
    "f45-number": ("number", "the engine gave 5, expected a Synthesis"),
    "f16-exit": ("exit", "SystemExit: 0"),
    "f16-exit-text": ("exit_text", "SystemExit: good bye"),
    "f16-interrupt": ("interrupt", "KeyboardInterrupt: no message"),
    "f16-generator-exit": ("generator_exit", "GeneratorExit: no message"),
    "f16-cancelled": ("cancelled", "CancelledError: no message"),
    "f18-message": ("surrogate", r"ValueError: half a character: \\ud800"),
    "f18-mute": ("mute", "Mute: no message"),
    "f18-endless-message": ("endless_message", r"ValueError: (never ){300,}.*\.\.\."),
    "f03-spoil": ("spoil", r"ValueError: assignment destination is read-only.*copy the samples first"),
}
FINE = {"f03-by-force": "spoil_by_force", "f36-float64": "float64", "f36-float16": "float16",
        "f12-numpy": "seconds_numpy"}  # fmt: skip


@pytest.fixture(params=["here", "worker", "wrapped"])
def spoken(request, typed, tmp_path, monkeypatch):
    """Runs the hostile engine over three texts, one with a fox; returns the exit code, the rows and the report."""
    (tmp_path / "mine/engine").mkdir(parents=True)
    monkeypatch.chdir(resource("."))
    rest = ["--config-dir", f"{tmp_path}/mine", *(word for word in typed if word != "engine=tone")]
    if request.param == "worker":
        rest += [f"engine.python={sys.executable}", "engine.timeout_seconds=20"]

    chosen = ["engine=hostile"]
    if request.param == "wrapped":
        chosen = ["engine=spoil", "engine@engine.of=hostile", "engine.harm=half_band"]

    def command(does, kind="Hostile", *more):
        node = f"_target_: tests.hostile.{kind}\ndoes: {does}\nloads: ''\ncloses: ''\ndevice: ${{device}}\n"
        (tmp_path / "mine/engine/hostile.yaml").write_text(node)
        inside = [word.replace("engine.", "engine.of.") if len(chosen) > 1 else word for word in more]
        code = main(["run", *rest, *chosen, "voices.names=[ann,ben]", *inside])
        folder = max((tmp_path / "reports/adhoc").iterdir())
        return code, rows_of(folder), report_of(folder)

    return command


def told(row):
    return f"{row['error']['type']}: {row['error']['message']}" if row["error"] else ""


@pytest.mark.parametrize("case", CASES)
def test_what_is_no_speech_is_a_failed_row_that_says_what_came(spoken, case):
    does, message = CASES[case]
    code, rows, report = spoken(does)
    assert code == 0
    assert report["status"] == "complete"
    assert len(rows) == 6
    for row in rows:
        if row["probe"] == "fox":
            assert re.search(message, told(row)), told(row)
            assert len(told(row)) < 3000
        else:
            assert row["error"] is None
            assert row["scores"]["sim"] == pytest.approx(1, abs=0.05)  # its own prompt, and nobody has spoilt it


@pytest.mark.parametrize("case", FINE)
def test_what_can_be_scored_is(spoken, case):
    code, rows, _ = spoken(FINE[case])
    assert code == 0
    assert [told(row) for row in rows] == [""] * 6
    assert all(row["scores"]["sim"] > 0.9 for row in rows if row["probe"] != "fox")


@pytest.mark.parametrize(("kind", "message"), [
    pytest.param("Speechless", "audio=None, expected an Audio", id="f45-speak-gives-none"),
    pytest.param("Silent", "synthesize gave None, expected an iterator of Synthesis", id="f45-synthesize-gives-none"),
])  # fmt: skip
def test_an_engine_that_gives_nothing_says_so(spoken, kind, message, capfd):
    code, rows, _ = spoken("fine", kind)
    assert code == (1 if kind == "Silent" else 0)
    assert all(message in told(row) for row in rows if row["probe"] == "fox")


@pytest.mark.parametrize(("does", "says"), [
    pytest.param("exit", "SystemExit: 0", id="f16-exit"),
    pytest.param("interrupt", "KeyboardInterrupt: no message", id="f16-interrupt"),
])  # fmt: skip
def test_an_engine_that_leaves_while_it_loads_is_not_run(spoken, does, says, capfd):
    code, rows, report = spoken("fine", "Hostile", f"engine.loads={does}")
    assert code == 1
    assert {told(row) for row in rows} == {says}
    assert report["status"] == "failed"
    assert f"hostile cannot be loaded, so it is not run: {says}" in capfd.readouterr().err


@pytest.mark.parametrize("does", [
    pytest.param("exit", id="f16-exit"), pytest.param("interrupt", id="f16-interrupt"),
    pytest.param("surrogate", id="f18-surrogate"),
])  # fmt: skip
def test_an_engine_that_fails_when_it_is_closed_costs_nothing(spoken, does):
    code, rows, report = spoken("fine", "Hostile", f"engine.closes={does}")
    assert code == 0
    assert report["status"] == "complete"
    assert [told(row) for row in rows] == [""] * 6


def test_f03_a_prompt_that_was_spoilt_is_never_stored_or_heard(spoken, tmp_path):
    """The embedding of the prompt, which `sim_o` is against, is the same after an engine tried to write over it."""
    before = {row["voice"]: row["scores"]["sim_o"] for row in spoken("fine")[1] if row["probe"] == "dog"}
    after = {row["voice"]: row["scores"]["sim_o"] for row in spoken("spoil_by_force")[1] if row["probe"] == "dog"}
    assert after == before
    assert np.all(np.array(list(before.values())) > 0.9)
