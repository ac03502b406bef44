"""`voices check`: each fault made on purpose is found, and what ships has none."""

import json
import shutil

import numpy as np
import pytest
import soundfile
import yaml

from evalkit.__main__ import main
from evalkit.audio import read_audio
from tests.conftest import HUMS, make_voice
from tests.trees import DEMO

VOICES = ("female_gb", "female_us", "male_gb", "male_us")


@pytest.fixture
def mine(tmp_path):
    shutil.copytree(DEMO, tmp_path / "mine")
    return tmp_path / "mine"


def check(capsys, *typed):
    """Returns the exit code and what was found, as (state, voice, clip, what)."""
    code = main(["voices", "check", *map(str, typed), "--json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    return code, [(one["state"], one["voice"], one["clip"], one["what"]) for one in found]


def changed(path, change):
    """Writes a recording anew, its samples changed."""
    audio = read_audio(path)
    samples = np.asarray(change(audio.samples.astype(np.float64)))
    soundfile.write(path, samples, audio.sample_rate, subtype="PCM_24")


def noisy(samples, decibels):
    noise = np.random.default_rng(0).standard_normal(len(samples))
    return samples + noise * np.sqrt(np.mean(samples**2)) * 10 ** (-decibels / 20)


def at_level(samples, dbfs):
    return samples * 10 ** (dbfs / 20) / np.sqrt(np.mean(samples**2))


SOUNDS = {
    # what is done to a clip, what is found
    "-60 dBFS": (lambda samples: at_level(samples, -60.0), "wrong", "is too quiet (-5"),
    "-40 dBFS": (lambda samples: at_level(samples, -43.0), "remark", "is too quiet (-"),
    "noise at 5 dB": (lambda samples: noisy(samples, 5.0), "wrong", "is noisy: its speech is 1"),
    "noise at 14 dB": (lambda samples: noisy(samples, 14.0), "remark", "is noisy: its speech is "),
    "clipped": (lambda samples: np.clip(samples * 12, -0.9, 0.9), "wrong", "is clipped: "),
    "telephone": (lambda samples: telephone(samples), "remark", "has nothing above 3."),
    "short": (lambda samples: samples[:30_000], "remark", "is short: 1.2 s"),
    "long": (lambda samples: np.tile(samples, 9), "remark", "is long: "),
    "two channels": (lambda samples: np.stack([samples, samples], axis=1), "remark", "has 2 channels, which are mixed"),
}


def telephone(samples):
    spectrum = np.fft.rfft(samples)
    spectrum[int(len(spectrum) * 3400 / 12_000) :] = 0
    return np.fft.irfft(spectrum, len(samples))


@pytest.mark.parametrize("case", SOUNDS)
def test_a_fault_of_a_recording_is_found(case, mine, capsys):
    change, state, what = SOUNDS[case]
    changed(mine / "male_us/prompt_03.flac", change)
    code, found = check(capsys, mine, "--no-judge")
    assert code == (1 if state == "wrong" else 0)
    assert [one[:3] for one in found if one[3].startswith(what)] == [(state, "male_us", "prompt_03.flac")], found
    assert {one[2] for one in found} == {"prompt_03.flac"}


def manifest(folder, **changes):
    path = folder / "voice.yaml"
    content = yaml.safe_load(path.read_text()) | changes
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))


def test_what_a_voice_lacks_is_found(mine, capsys):
    clips = yaml.safe_load((mine / "male_us/voice.yaml").read_text())["clips"]
    few = [{**clip, "use": "prompt"} for clip in clips[:1]]
    del few[0]["text"]
    manifest(mine / "male_us", clips=few, language=None, licence="unknown")
    code, found = check(capsys, mine, "--no-judge")
    assert code == 1
    assert [(state, voice) for state, voice, _, _ in found] == [
        ("wrong", "male_us"),
        *[("remark", "male_us")] * 4,
    ]
    assert [what.split(":")[0] for _, _, _, what in found] == [
        "has no held-out clip",
        "has 4.3 s to prompt with",
        "has no words for 1 of 1 clips (prompt_01.flac)",
        "says nothing of its language",
        "says nothing of its licence",
    ]


def test_what_a_run_refuses_is_wrong_and_all_of_it_is_said(mine, capsys):
    shutil.copy(mine / "male_us/prompt_01.flac", mine / "male_us/held_out_10.flac")
    (mine / "female_us/prompt_02.flac").write_bytes(b"fLaC nothing")
    (mine / "female_gb/voice.yaml").write_text("clips: [")
    shutil.copytree(mine / "male_gb", mine / "copy")
    manifest(mine / "copy", name="copy")
    code, found = check(capsys, mine, "--no-judge")
    assert code == 1
    assert all(state == "wrong" for state, *_ in found)
    told = {voice: what for _, voice, _, what in found}
    assert "is the same recording as prompt clip prompt_01.flac" in told["male_us"]
    assert "is not audio that can be read" in told["female_us"]
    assert "voice.yaml is not YAML" in told["female_gb"]
    assert "voices 'copy' and 'male_gb' have the same recording" in told["all voices"]
    assert len(found) == 4


@pytest.mark.weights
def test_two_speakers_in_one_voice_are_found(mine, capsys):
    for name in ("prompt_01", "prompt_02", "prompt_03", "prompt_04"):
        shutil.copy(mine / f"female_us/{name}.flac", mine / f"male_us/{name}.flac")
    shutil.rmtree(mine / "female_us")  # whom the clips are of is not known here
    code, found = check(capsys, mine)
    told = [what for state, _, _, what in found if state == "wrong"]
    assert code == 1
    assert any("voice male_us: by campplus its clips fall apart into two speakers" in one for one in told)


@pytest.mark.weights
def test_one_speaker_in_two_voices_is_found(mine, capsys):
    """Half of a voice's clips under another name: no recording is in both, the speaker is."""
    clips = yaml.safe_load((mine / "male_us/voice.yaml").read_text())["clips"]
    shutil.copytree(mine / "male_us", mine / "twin")
    manifest(mine / "male_us", clips=[*clips[:4], clips[9]])
    manifest(mine / "twin", clips=[*clips[4:9], clips[10]], name="twin")
    code, found = check(capsys, mine)
    assert code == 1
    assert [what.split(" (")[0] for _, _, _, what in found] == [
        "voices male_us and twin: by campplus they are one speaker"
    ]


@pytest.mark.weights
def test_a_stray_clip_is_found_and_printed_in_80_columns(mine, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shutil.copy(mine / "male_gb/prompt_05.flac", mine / "male_us/prompt_05.flac")
    clips = yaml.safe_load((mine / "male_gb/voice.yaml").read_text())["clips"]
    manifest(mine / "male_gb", clips=[clip for clip in clips if clip["file"] != "prompt_05.flac"])
    assert main(["voices", "check", str(mine)]) == 1
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    told = " ".join(out.split())
    assert "wrong voice male_us: by campplus 1 of its 11 clips are another voice's speaker: prompt_05.flac is" in told
    assert told.endswith("4 voices: 1 wrong, 0 remarks")


@pytest.mark.weights
def test_what_ships_is_well(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["voices", "check", "demo"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "12 voices: nothing wrong, 0 remarks"
    assert max(map(len, out.splitlines())) <= 80
    assert sum(" ok " in line for line in out.splitlines()) == 12


@pytest.mark.weights
def test_it_hears_what_a_run_notes(mine, tmp_path, capfd, run):
    """The sentences are those of a run's report: the rules stand in one place."""
    shutil.rmtree(mine / "female_us")
    shutil.rmtree(mine / "female_gb")
    for name in ("prompt_01", "prompt_02", "prompt_03", "prompt_04"):
        shutil.copy(DEMO / f"female_us/{name}.flac", mine / f"male_us/{name}.flac")
    _, found = check(capfd, mine)
    doubts = [what for _, voice, _, what in found if voice == "all voices"]
    done = run(f"voices.path={mine}", "judge=demo", "judge.quality=[]", "judge/asr=whistle")
    assert doubts
    assert [note for note in done.report["notes"] if "by campplus" in note] == doubts


def test_without_weights_the_rest_is_checked_and_what_brings_them_is_said(evalkit, tmp_path):
    done = evalkit("voices", "check", str(DEMO), EVALKIT_ASSETS=f"{tmp_path}/none")
    assert done.returncode == 0
    told = " ".join(done.stdout.split())
    assert "remark speakers were not compared: weights are missing" in told
    assert "python -m evalkit fetch campplus" in told
    assert "4 voices: nothing wrong, 1 remark" in told


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["none"], "no folder of voices at none"),
        ([str(DEMO), "--judge", "nobody"], "nobody"),
    ],
)
def test_what_cannot_be_meant_is_said(typed, message, capsys):
    assert main(["voices", "check", *typed]) == 2
    assert message in capsys.readouterr().err


def test_another_judge_hears_them_by_its_own_encoder(tmp_path, capsys):
    for name, hum in HUMS.items():
        make_voice(tmp_path / "mine" / name, hum)
    code, found = check(capsys, tmp_path / "mine", "--judge", "fake")
    assert not [one for one in found if "by hum" in one[3]]
    assert code == 1  # whistles have no pauses: they are no clean speech


def test_the_transcriber_listens_where_it_is_asked(tmp_path, capsys):
    for name, hum in HUMS.items():
        make_voice(tmp_path / "mine" / name, hum)
    clips = yaml.safe_load((tmp_path / "mine/ann/voice.yaml").read_text())["clips"]
    manifest(tmp_path / "mine/ann", clips=[{**clip, "text": "other words than these"} for clip in clips])
    told = [
        [what for *_, what in check(capsys, tmp_path / "mine", "--judge", "fake", *more)[1]]
        for more in ((), ("--listen",))
    ]
    new = [what for what in told[1] if what not in told[0]]
    assert [what.split(" (")[0] for what in new] == ["voice ann: the transcriber cannot read its recordings"]
