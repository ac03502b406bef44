"""Data sets that are damaged, point elsewhere, or hold no audio: advice, and nothing outside of them is read."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalkit.__main__ import main
from evalkit.voices import read_voices
from tests import trees

SHORT = ("--min-seconds", "1.5")
pytestmark = pytest.mark.hostile


@pytest.fixture
def refused(tmp_path, capsys):
    """Imports a data set; returns the exit code and what was said."""

    def command(place, *more):
        code = main(["voices", "import", str(place), str(tmp_path / "mine"), *SHORT, *more])
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return code, " ".join((shown.out + shown.err).split())

    return command


def audio_type():
    return pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def written(folder, audio, kind, **columns):
    folder.mkdir()
    columns = {"speaker": pa.array(["ann"] * len(audio)), **{name: pa.array(own) for name, own in columns.items()}}
    pq.write_table(pa.table({"audio": pa.array(audio, kind), **columns}), folder / "part.parquet")
    return folder


def test_a_file_that_is_cut_off(tmp_path, refused):
    folder = trees.dataset(tmp_path / "source")
    (path,) = folder.glob("*.arrow")
    path.write_bytes(path.read_bytes()[:100_000])
    code, said = refused(folder)
    assert code == 2
    assert "is no data set that can be read" in said


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 nothing PAR1", b"\0" * 4096])
def test_a_file_that_is_none(tmp_path, refused, content):
    (tmp_path / "source").mkdir()
    (tmp_path / "source/part.parquet").write_bytes(content)
    code, said = refused(tmp_path / "source")
    assert code == 2
    assert "is no data set that can be read" in said


@pytest.mark.parametrize(
    "state",
    [
        {"_data_files": [{"filename": "../secret.arrow"}]},
        {"_data_files": [{"filename": "/etc/passwd"}]},
        {"_data_files": [{"filename": "none.arrow"}]},
        {"_data_files": "x"},
        {},
        [],
    ],
    ids=str,
)
def test_a_state_that_leads_elsewhere(tmp_path, refused, state):
    folder = trees.dataset(tmp_path / "source")
    (tmp_path / "secret.arrow").write_bytes(next(folder.glob("*.arrow")).read_bytes())
    (folder / "state.json").write_text(json.dumps(state))
    code, said = refused(folder)
    assert code == 2
    assert "state.json: no file" in said or "is no state of a data set" in said or "has no recordings" in said


def test_a_recording_that_is_only_named(tmp_path, refused):
    folder = written(tmp_path / "source", [{"bytes": None, "path": "/etc/passwd"}], audio_type())
    code, said = refused(folder)
    assert code == 1
    assert "part.parquet, row 1: the recording is not in the data set, which has only its path" in said


def test_a_column_of_paths_stays_in_the_folder(tmp_path, refused):
    clips = trees.clips_of("female_us")
    clips[0].write(tmp_path / "outside.wav")
    clips[1].write(tmp_path / "source.wav")
    folder = written(tmp_path / "source", ["../outside.wav", "inside.wav"], pa.string())
    clips[1].write(folder / "inside.wav")
    code, said = refused(folder)
    assert code == 0
    assert "outside.wav leads out of" in said
    (voice,) = read_voices(tmp_path / "mine", None)
    assert [clip.path.name for clip in voice.clips] == ["inside.wav"]


def test_a_column_without_audio(tmp_path, refused):
    code, said = refused(written(tmp_path / "source", [1, 2], pa.int64()))
    assert code == 2
    assert "column 'audio' holds int64, no audio files; say which: --column audio=NAME" in said


def test_recordings_of_one_name_are_different_clips(tmp_path, refused):
    rows = [{"bytes": clip.encoded("WAV"), "path": "audio.wav"} for clip in trees.clips_of("female_us")]
    assert refused(written(tmp_path / "source", rows, audio_type()))[0] == 0
    (voice,) = read_voices(tmp_path / "mine", None)
    assert len({clip.path.name for clip in voice.clips}) == len(voice.clips) == 10


def test_numbers_that_no_label_names(tmp_path, refused):
    features = {"info": {"features": {"speaker": {"_type": "ClassLabel", "names": ["ann"]}}}}
    rows = [{"bytes": b"x", "path": "a.wav"}]
    table = pa.table({"audio": pa.array(rows, audio_type()), "speaker": pa.array([7])})
    (tmp_path / "source").mkdir()
    metadata = {b"huggingface": json.dumps(features).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "source/a.parquet")
    code, said = refused(tmp_path / "source")
    assert code == 2
    assert "row 1: the label 7 has no name; there are 1" in said


def test_a_data_set_without_rows(tmp_path, refused):
    code, said = refused(written(tmp_path / "source", [], audio_type(), text=pa.array([], pa.string())))
    assert code == 2
    assert "has no recordings" in said or "no column" in said
