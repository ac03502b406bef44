"""How often the costly things are done, counted: what is done once a run or once a row is not done once a voice."""

import hashlib
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rapidfuzz.distance import Levenshtein

from evalkit.config.app import plan_of
from evalkit.engines.tone import Tone
from evalkit.pipeline.events import Deaf
from evalkit.pipeline.plan import Cell
from evalkit.pipeline.run import Orders, execute
from evalkit.pipeline.workspace import Workspace
from evalkit.store.directory import Directory
from tests.conftest import make_voice


def executed(typed, folder, *engines):
    """Runs what is typed, and the same with other engines; returns its rows and its voices."""
    plan, config = plan_of(typed)
    more = [Cell.of(engine, plan.cells[0].prompt) for engine in engines]
    plan = replace(plan, cells=(*plan.cells, *more))
    workspace = Workspace.of(plan, Directory(config.store), Deaf(), folder.name)
    folder.mkdir()
    return execute(plan, workspace, folder, Orders(config.transcripts, "a test", time.perf_counter())).rows, plan.voices


def test_every_recording_is_hashed_once_a_run(typed, tmp_path, monkeypatch):
    hashed = Counter()
    digest = hashlib.file_digest

    def counted(file, algorithm):
        hashed[Path(file.name)] += 1
        return digest(file, algorithm)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    for attempt in ("fresh", "repeat"):
        hashed.clear()
        rows, voices = executed(typed, tmp_path / attempt, Tone(drop_every=3), Tone(detune=60.0))
        assert len(rows) == 3 * 3 * 3
        recordings = [clip.path for voice in voices for clip in voice.clips]
        assert {path: count for path, count in hashed.items() if path.suffix == ".wav"} == dict.fromkeys(recordings, 1)


@pytest.mark.parametrize("count", [4, 20])
def test_every_row_is_aligned_once_however_many_voices_there_are(count, typed, tmp_path, monkeypatch):
    aligned = []

    def opcodes(reference, heard):
        aligned.append((reference, heard))
        return Levenshtein.opcodes(reference, heard)

    for number in range(count):
        make_voice(tmp_path / f"many/v{number:02}", 100.0 + 15 * number)
    monkeypatch.setattr("evalkit.metrics.alignment.Levenshtein", SimpleNamespace(opcodes=opcodes))
    many = [*typed, f"voices.path={tmp_path}/many", "judge.asr.mishear=o"]  # what is misheard may be a prompt's word
    rows, voices = executed(many, tmp_path / "run")
    assert [len(rows), rows[0].state] == [3 * count, "scored"]
    assert len(aligned) == len(rows) + sum(len(voice.clips) for voice in voices)  # each recording's words, once too
