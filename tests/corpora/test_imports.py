"""Each kind of source on a small real example: imported as a user types it, read back, and run with the fakes."""

import hashlib

import pytest
import soundfile
import yaml

from evalkit.__main__ import main
from evalkit.corpora.kinds import kind_of
from evalkit.voices import read_voices
from tests import trees

SHORT = ("--min-seconds", "1.5")  # the whistled clips have 1.6 to 2.5 seconds

KINDS = {
    # the tree, its kind, the voices: (prompts, held out) of each, licence, what the source line of the first says
    "folder": (trees.files, "folder", {"ann": (8, 2), "ben": (8, 2)}, "unknown", "unknown"),
    "flat files": (trees.flat_files, "folder", {"ann": (8, 2), "ben": (8, 2)}, "unknown", "unknown"),
    "librispeech": (
        trees.librispeech,
        "librispeech",
        {"174": (6, 2), "251": (8, 0), "84": (6, 2)},
        "CC-BY-4.0",
        "LibriSpeech, https://www.openslr.org/12: dev-clean, speaker 174, male, Peter Eastman",
    ),
    "libritts": (
        trees.libritts,
        "libritts",
        {"174": (6, 2), "251": (6, 2), "84": (6, 2)},
        "CC-BY-4.0",
        "LibriTTS, https://www.openslr.org/60: dev-clean, speaker 174",
    ),
    "vctk": (
        trees.vctk,
        "vctk",
        {"p225": (8, 2), "p226": (8, 2)},
        "CC-BY-4.0",
        "CSTR VCTK Corpus 0.92, https://doi.org/10.7488/ds/2645: speaker p225, female, English",
    ),
    "csv": (trees.table, "table", {"ann": (8, 2), "ben": (8, 2)}, "CC0-1.0", "made for a test"),
    "jsonl": (
        lambda root: trees.table(root, "jsonl"),
        "table",
        {"ann": (8, 2), "ben": (8, 2)},
        "CC0-1.0",
        "made for a test",
    ),
    "dataset": (trees.dataset, "dataset", {"ann": (8, 2), "ben": (8, 2)}, "unknown", "unknown"),
    "seed-tts-eval": (
        trees.seed_tts,
        "seed-tts-eval",
        {"common_voice_en_ann": (1, 2), "common_voice_en_ben": (1, 1)},
        "unknown",
        "seed-tts-eval, https://github.com/BytedanceSpeech/seed-tts-eval",
    ),
}


def state(folder):
    """Everything about the files of a folder that an import must leave as it is."""
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("case", KINDS)
def test_a_source_becomes_voices_that_a_run_takes(case, tmp_path, capfd, run):
    tree, kind, expected, licence, source = KINDS[case]
    place = tree(tmp_path / "source")
    before = state(tmp_path / "source")
    assert kind_of(place, None).name == kind
    assert main(["voices", "import", str(place), str(tmp_path / "mine"), *SHORT]) == 0
    shown = capfd.readouterr()
    assert max(map(len, shown.out.splitlines())) <= 140
    assert state(tmp_path / "source") == before
    voices = read_voices(tmp_path / "mine", None)
    found = {voice.name: (len(voice.prompt_clips), len(voice.held_out_clips)) for voice in voices}
    assert found == expected
    assert {voice.licence for voice in voices} == {licence}
    manifest = yaml.safe_load((tmp_path / "mine" / voices[0].name / "voice.yaml").read_text())
    assert manifest["source"] == source
    done = run(f"voices.path={tmp_path}/mine")
    assert done.code == 0, done.err
    assert len(done.rows) == 3 * len(expected)
    assert {row["error"] for row in done.rows} == {None}


def test_the_bytes_of_what_evalkit_reads_are_kept(tmp_path):
    main(["voices", "import", str(trees.table(tmp_path / "source")), str(tmp_path / "mine"), *SHORT])
    originals = {path.read_bytes() for path in (tmp_path / "source").rglob("*.flac")}
    copies = list((tmp_path / "mine").rglob("*.flac"))
    assert len(copies) == 20
    assert all(path.read_bytes() in originals for path in copies)


def test_the_samples_of_what_it_does_not_are_kept(tmp_path):
    source = tmp_path / "source/ann"
    source.mkdir(parents=True)
    for clip in trees.clips_of("female_us"):
        clip.write(source / f"{clip.stem}.au")
    assert main(["voices", "import", str(tmp_path / "source"), str(tmp_path / "mine"), *SHORT]) == 0
    for path in (tmp_path / "mine/ann").glob("*.flac"):
        ours, rate = soundfile.read(path, dtype="int16")
        theirs, own = soundfile.read(source / f"{path.stem}.au", dtype="int16")
        assert (rate, ours.tolist()) == (own, theirs.tolist())


def test_words_of_librispeech_are_no_longer_in_capitals(tmp_path):
    main(["voices", "import", str(trees.librispeech(tmp_path / "source")), str(tmp_path / "mine"), *SHORT])
    words = [clip.text for voice in read_voices(tmp_path / "mine", ["84"]) for clip in voice.clips]
    assert "Nobody in the village could remember a winter quite as cold as this one" in words


def test_a_chapter_is_never_on_both_sides(tmp_path):
    main(["voices", "import", str(trees.librispeech(tmp_path / "source")), str(tmp_path / "mine"), *SHORT])
    for voice in read_voices(tmp_path / "mine", None):
        sides = [
            {clip.path.name.split("-")[1] for clip in clips} for clips in (voice.prompt_clips, voice.held_out_clips)
        ]
        assert not sides[0] & sides[1]


def test_a_folder_above_the_subsets_will_do(tmp_path):
    trees.librispeech(tmp_path / "LibriSpeech")
    assert main(["voices", "import", str(tmp_path / "LibriSpeech"), str(tmp_path / "mine"), *SHORT]) == 0
    assert sorted(path.name for path in (tmp_path / "mine").iterdir() if path.is_dir()) == ["174", "251", "84"]


def test_sessions_of_a_data_set_stay_on_one_side(tmp_path):
    main(["voices", "import", str(trees.dataset(tmp_path / "source")), str(tmp_path / "mine"), *SHORT])
    for voice in read_voices(tmp_path / "mine", None):
        chapters = [
            {int(clip.path.stem.split("-")[1]) % 3 for clip in clips}
            for clips in (voice.prompt_clips, voice.held_out_clips)
        ]
        assert not chapters[0] & chapters[1]
        assert voice.language == "en"


def test_parquet_files_are_a_data_set_too(tmp_path):
    import datasets

    trees.dataset(tmp_path / "saved")
    (tmp_path / "source/data").mkdir(parents=True)
    saved = datasets.load_from_disk(tmp_path / "saved")
    saved.to_parquet(tmp_path / "source/data/train-00000-of-00001.parquet", batch_size=4)
    for source, target in (("saved", "one"), ("source", "two")):
        assert main(["voices", "import", str(tmp_path / source), str(tmp_path / target), *SHORT]) == 0
    one, two = (
        [[(clip.use, clip.text, clip.sha256) for clip in voice.clips] for voice in read_voices(tmp_path / name, None)]
        for name in ("one", "two")
    )
    assert one == two


def test_a_split_of_several_is_to_be_chosen(tmp_path, capfd):
    import datasets

    saved = datasets.load_from_disk(trees.dataset(tmp_path / "saved"))
    datasets.DatasetDict({"train": saved, "test": saved}).save_to_disk(tmp_path / "both")
    typed = ["voices", "import", str(tmp_path / "both"), str(tmp_path / "mine"), *SHORT]
    assert main(typed) == 2
    assert "has the splits test, train; choose one: --split NAME" in capfd.readouterr().err
    assert main([*typed, "--split", "test"]) == 0


def test_columns_can_be_named(tmp_path, capfd):
    path = trees.table(tmp_path / "source")
    path.write_text(path.read_text().replace("speaker,", "who,", 1).replace("text,", "spoken,", 1))
    typed = ["voices", "import", str(path), str(tmp_path / "mine"), *SHORT]
    assert main(typed) == 2
    assert "no column tells the speaker; it has: audio, spoken, who, " in capfd.readouterr().err
    assert main([*typed, "--column", "speaker=who", "--column", "text=spoken"]) == 0
    assert all(clip.text for voice in read_voices(tmp_path / "mine", None) for clip in voice.clips)


def test_without_recordings_of_texts_nothing_is_held_out_and_it_is_said(tmp_path, capfd):
    path = trees.seed_tts(tmp_path / "source")
    meta = path.with_name("meta.lst")
    meta.write_text("\n".join(line.rsplit("|", 1)[0] for line in path.read_text().splitlines()))
    assert main(["voices", "import", str(meta), str(tmp_path / "mine"), *SHORT]) == 0
    shown = capfd.readouterr()
    assert "has no recordings of its texts (a fifth field): SIM of these voices is against the prompt" in shown.err
    assert [len(voice.held_out_clips) for voice in read_voices(tmp_path / "mine", None)] == [0, 0]
