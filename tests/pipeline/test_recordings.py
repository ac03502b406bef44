"""Recordings that are long, loud, or shared with an engine that changes what it is given."""

import json

import numpy as np
import pytest
import soundfile
import yaml

from evalkit.__main__ import main
from evalkit.whistle import RATE, whistle
from tests.conftest import report_of, rows_of

pytestmark = pytest.mark.hostile


def folder(tmp_path):
    (found,) = (tmp_path / "reports/adhoc").iterdir()
    return found


def test_f09_an_overshoot_is_noted_and_a_broken_export_fails_its_voice(typed, voices, tmp_path, capfd):
    for name, gain in (("ann", 1.5), ("ben", 8.0)):  # the peak of a whistle is 0.7
        samples = whistle("one two three four five", 150.0).samples * gain
        soundfile.write(voices / name / "clip0.wav", samples, RATE, subtype="FLOAT")
    assert main(["run", *typed]) == 0
    notes = report_of(folder(tmp_path))["notes"]
    note = "voice ann: clip0.wav goes beyond full scale (peak 1.05): it is scaled down, not clipped"
    assert note in notes
    assert note in capfd.readouterr().err
    reasons = {row["voice"]: row["error"] and row["error"]["message"] for row in rows_of(folder(tmp_path))}
    assert reasons["ann"] is None
    assert "ben/clip0.wav is far beyond full scale: its peak is 5.59954" in reasons["ben"]
    assert any("voice ben: clip0.wav cannot be compared with" in one for one in notes)


def test_f43_judges_hear_the_beginning_of_a_long_recording_and_it_is_noted(typed, voices, tmp_path):
    text = "this was never heard " * 200  # 126 s
    soundfile.write(voices / "ann/clip4.wav", whistle(text, 150.0).samples, RATE)
    manifest = yaml.safe_load((voices / "ann/voice.yaml").read_text())
    manifest["clips"][4]["text"] = text
    (voices / "ann/voice.yaml").write_text(yaml.safe_dump(manifest))
    assert main(["run", *typed]) == 0
    report = report_of(folder(tmp_path))
    assert any("voice ann: clip4.wav is long: judges hear its first 120 s" in note for note in report["notes"])
    words = {voice: one["asr_words"] for voice, one in report["calibration"].items()}
    assert (words["ann"], words["ben"]) == (10, 14)  # the words of the long clip are not held against a part of it


def test_f03_an_engine_cannot_change_what_others_are_given(typed, tmp_path, monkeypatch):
    (tmp_path / "greedy_engine.py").write_text(
        "from pydantic.dataclasses import dataclass\nfrom evalkit.engines.base import Engine\n"
        "@dataclass(frozen=True)\nclass Greedy(Engine):\n    name = 'greedy'\n    sample_rate = 16000\n"
        "    def speak(self, request):\n        request.prompt.audio.samples *= 0.5\n"
        "        return request.prompt.audio\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine/engine").mkdir(parents=True)
    (tmp_path / "mine/engine/greedy.yaml").write_text("_target_: greedy_engine.Greedy\n")
    rest = [word for word in typed if word != "engine=tone"]
    assert main(["run", "--config-dir", f"{tmp_path}/mine", *rest, "engine=greedy"]) == 1
    messages = {row["error"]["message"] for row in rows_of(folder(tmp_path))}
    assert all("read-only" in message for message in messages)


def test_f08_a_leak_stops_a_run_before_any_work(typed, voices, tmp_path, capfd):
    text = "these are words enough for more than one second of whistles"
    for name, rate in (("clip0.wav", RATE), ("clip4.wav", 24_000)):
        audio = whistle(text, 150.0).resampled(rate)
        soundfile.write(voices / "ann" / name, audio.samples * np.float32(0.5), rate)
    assert main(["run", *typed]) == 2
    assert "held-out clip clip4.wav is the same recording as prompt clip clip0.wav" in capfd.readouterr().err
    assert not (tmp_path / "reports").exists()


def test_f12_a_synthesis_that_took_less_than_no_time_is_made_again(typed, tmp_path, capfd):
    """As an earlier evalkit kept it, with a right proof."""
    from evalkit.pipeline.artefacts import SYNTHESIS
    from evalkit.store.directory import Directory
    from evalkit.store.proof import checked, proven

    assert main(["run", *typed]) == 0
    store = Directory(tmp_path / "store")
    (first, *_) = store.listing(SYNTHESIS)
    ((key, data),) = store.read(SYNTHESIS, [first.key])
    record = {**json.loads(checked(SYNTHESIS, key, data)), "synth_seconds": -1.0}
    store.write(SYNTHESIS, [(key, proven(SYNTHESIS, key, json.dumps(record).encode()))])
    capfd.readouterr()
    assert main(["run", *typed]) == 0
    assert f"damaged in the store, set aside, to be made again: synthesis {key[:12]}" in capfd.readouterr().err
    newest = max((tmp_path / "reports/adhoc").iterdir())
    assert all(row["synth_seconds"] >= 0 and row["scores"]["rtf"] >= 0 for row in rows_of(newest))
