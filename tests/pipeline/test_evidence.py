"""What a run says of voices, from the outside; the fake encoder's cosine of two hums is exp(-((a - b) / 40 Hz)^2)."""

import re

import numpy as np
import pytest
import soundfile
import yaml

from evalkit.__main__ import main
from evalkit.whistle import RATE, whistle
from tests.conftest import SENTENCES, report_of, rows_of


def write_voice(folder, hums, held_out=()):
    """Writes a voice of one clip a hum; those at the positions `held_out` are only scored against."""
    folder.mkdir(parents=True)
    clips = []
    for at, hum in enumerate(hums):
        text = SENTENCES[at % len(SENTENCES)]
        soundfile.write(folder / f"clip{at}.wav", whistle(text, hum).samples, RATE, subtype="FLOAT")
        clips.append({"file": f"clip{at}.wav", "text": text, "use": "held_out" if at in held_out else "prompt"})
    (folder / "voice.yaml").write_text(yaml.safe_dump({"clips": clips}))


def noted(typed, tmp_path, capfd, *more):
    """Runs; returns its notes, all of which were said, its report and its rows."""
    assert main(["run", *typed, *more]) == 0
    said = capfd.readouterr().err
    folder = max((tmp_path / "reports/adhoc").iterdir())
    report = report_of(folder)
    assert all(note in said for note in report["notes"])
    return report["notes"], report, rows_of(folder)


def test_sound_voices_have_no_note(typed, tmp_path, capfd):
    notes, report, rows = noted(typed, tmp_path, capfd)
    assert notes == []
    assert report["calibration"]["ann"]["sim_reference"] == "held_out"
    assert all("sim_norm" in row["scores"] for row in rows)


def test_a_mixed_voice_is_named_and_has_no_place_on_the_scale(typed, voices, tmp_path, capfd):
    """The held-out clip, at 480 Hz, has 1 with one of three prompt clips and exp(-4) with two, at 400 Hz."""
    write_voice(voices / "mix", (400.0, 480.0, 400.0, 480.0), held_out=[3])
    notes, report, rows = noted(typed, tmp_path, capfd)
    low = np.exp(-4)
    ends = report["calibration"]["mix"]["speakers"]["hum"]
    assert ends["ceiling"] == pytest.approx((1 + 2 * low) / 3, abs=1e-3)
    # of its floor, most pairs are 0; the spread of the ceiling's cosines is that of 1, low, low
    assert ends["spread"] == pytest.approx((np.var([1, low, low], ddof=1) / 2) ** 0.5, abs=0.02)
    assert any("voice mix: by hum its ceiling 0.346 is not clearly above its floor" in note for note in notes)
    (told,) = (note for note in notes if "fall apart" in note)
    assert re.match(
        r"voice mix: by hum its clips fall apart .* \(cosine 0\.0[12]\d between them, 1\.000 within\)", told
    )
    assert "clip3.wav, clip1.wav against clip0.wav, clip2.wav" in told
    assert "voices.exclude=[mix]" in told
    assert {row["voice"] for row in rows if "sim_norm" not in row["scores"]} == {"mix"}
    assert all("sim" in row["scores"] and row["missing"] == {} for row in rows)


def test_a_clip_that_is_another_voices_is_named(typed, voices, tmp_path, capfd):
    write_voice(voices / "mix", (400.0, 400.0, 220.4, 400.0), held_out=[3])
    notes, _, _ = noted(typed, tmp_path, capfd)
    assert any(
        "voice mix: by hum 1 of its 4 clips are another voice's speaker: clip2.wav is ben's" in one for one in notes
    )


def test_one_speaker_under_two_names(typed, voices, tmp_path, capfd):
    write_voice(voices / "bea", (220.4, 220.4, 220.4), held_out=[2])
    notes, _, _ = noted(typed, tmp_path, capfd)
    (told,) = (note for note in notes if "they are one speaker" in note)
    assert told.startswith("voices bea and ben: by hum they are one speaker (cosine 1.000 of their clips")


def test_a_voice_without_held_out_clips_has_the_ceiling_of_its_prompt_clips(typed, voices, tmp_path, capfd):
    write_voice(voices / "dora", (400.0, 410.0, 420.0))
    _, report, _ = noted(typed, tmp_path, capfd)
    ends = report["calibration"]["dora"]
    assert ends["speakers"]["hum"]["ceiling"] == pytest.approx((2 * np.exp(-1 / 16) + np.exp(-1 / 4)) / 3, abs=2e-3)
    assert ends["sim_reference"] == "prompt"
