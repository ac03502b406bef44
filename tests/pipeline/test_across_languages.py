"""Runs in several languages, from the outside: two voices in English and two in Chinese speak texts in both."""

import re

import pytest
import soundfile
import yaml

from evalkit.languages import shipped
from evalkit.whistle import RATE, whistle

PLAIN = "+languages.zh.script=null"  # as it is written: no further package is needed
TEXTS = {"fox": "the quick brown fox", "sun": "a cold sun rose late"}
SIGNS = {"hill": "山上大木，水火日月。", "mix": "天地人 fox 大小上下"}
LONG = "天地人日月山水火木金土大小上下水月天火人山大日木"
CLIPS = (LONG, "火木金土大小上下", "日月山水火木金", "人上山下水天地")
EARLIER = ("ann", "ben")
HUMS = {"yun": 350.0, "zoe": 400.0}


@pytest.fixture
def both(voices, tmp_path):
    """Returns what is typed for a run over English and Chinese voices and texts."""
    (voices / "cat").rename(tmp_path / "cat")
    for name, hum in HUMS.items():
        folder = voices / name
        folder.mkdir()
        clips = []
        for at, text in enumerate(CLIPS):
            soundfile.write(folder / f"{at}.wav", whistle(text, hum).samples, RATE, subtype="FLOAT")
            clips.append({"file": f"{at}.wav", "text": f"{text}。", "use": "held_out" if at == 3 else "prompt"})
        (folder / "voice.yaml").write_text(yaml.safe_dump({"clips": clips, "language": "zh"}))
    entries = [{"id": id, "text": text} for id, text in TEXTS.items()]
    entries += [{"id": id, "text": text, "language": "zh"} for id, text in SIGNS.items()]
    path = tmp_path / "both.yaml"
    path.write_text(yaml.safe_dump({"name": "both", "version": 1, "language": "en", "probes": entries}))
    return [f"probes.path={path}", PLAIN]


def test_a_voice_in_another_language_is_a_row_like_any_other(run, both):
    done = run(*both)
    assert done.code == 0, done.err
    rows = {(row["voice"], row["probe"]): row for row in done.rows}
    assert len(rows) == 4 * 4
    assert all(row["state"] == "scored" and row["missing"] == {} for row in rows.values())
    told = {place: (row["language"], row.get("voice_language")) for place, row in rows.items()}
    assert told["ann", "fox"] == ("en", None)
    assert told["ann", "hill"] == ("zh", "en")
    assert told["zoe", "fox"] == ("en", "zh")
    assert told["zoe", "hill"] == ("zh", None)
    assert all("sim" in row["scores"] and row["scores"]["wer"] == 0.0 for row in rows.values())


def test_words_are_signs_in_chinese_and_rates_are_not_held_against_another_language(run, both):
    rows = {(row["voice"], row["probe"]): row for row in run(*both).rows}
    assert rows["zoe", "mix"]["edits"] == {"hits": 8, "substitutions": 0, "deletions": 0, "insertions": 0}  # fox is one
    assert rows["zoe", "mix"]["weights"]["wer"] == 8
    assert rows["zoe", "mix"]["weights"]["cer"] == 10
    assert rows["ann", "fox"]["edits"]["hits"] == 4
    has_rate = {place for place, row in rows.items() if "rate_error" in row["scores"]}
    assert has_rate == {(voice, probe) for voice, probe in rows if (voice in HUMS) == (probe in SIGNS)}


def test_the_control_for_bleed_is_of_prompts_in_the_voices_language(run, both):
    rows = run(*both, "judge.asr.mishear=q").rows  # the fox is xuick
    wrong = {row["voice"]: row["scores"] for row in rows if row["probe"] == "fox"}
    assert {voice: scores["wer"] for voice, scores in wrong.items()} == dict.fromkeys([*EARLIER, *HUMS], 0.25)
    assert all(scores["bleed"] == scores["bleed_control"] == 0.0 for scores in wrong.values())


def test_the_transcribers_floor_is_in_the_voices_language(run, both):
    calibration = run(*both, "judge.asr.mishear='天'").report["calibration"]
    signs = sum(len(text) for text in CLIPS)
    assert calibration["ann"]["asr_wer"] == 0.0
    assert calibration["zoe"]["asr_wer"] == pytest.approx(3 / signs, abs=1e-6)
    assert calibration["zoe"]["asr_words"] == signs


def test_prompts_in_chinese_are_cut_between_signs(run, both):
    rows = run(*both, "prompt.seconds=0.6").rows
    prompt = next(row["prompt"] for row in rows if row["voice"] == "zoe")
    assert prompt["wer"] == 0.0
    assert prompt["text"] == LONG[:20]
    assert prompt["seconds"] == 0.6


def test_words_that_are_wrong_on_purpose_are_chinese(run, both):
    done = run(*both, "prompt.corrupt=0.5")
    told = {row["voice"]: row["prompt"]["text"] for row in done.rows}
    assert any(word in told["zoe"] for word in shipped()["zh"].entry.wrong_words)
    assert told["ann"].isascii()


def test_the_report_says_what_each_language_was_measured_by(run, both):
    judges = run(*both).report["provenance"]["judges"]
    assert judges["normalizer"] == "whisper"
    assert set(judges["languages"]) == {"zh"}
    assert judges["languages"]["zh"]["characters_per_second"] == 4.5


def test_english_alone_is_judged_as_before_there_were_languages(run):
    judges = run().report["provenance"]["judges"]
    assert judges["normalizer"] == "whisper_english"
    assert "languages" not in judges
    assert all(row.get("voice_language") is None for row in run().rows)


def test_whisper_and_whisper_english_are_the_same_work_in_english(run):
    first = run().report
    again = run("judge.normalizer=whisper_english").report
    assert again["plan"] == first["plan"]
    assert again["provenance"]["judges"] == first["provenance"]["judges"]


def in_language(voices, probes, code):
    for path in [*voices.glob("*/voice.yaml"), probes]:
        path.write_text(path.read_text().replace("language: en", f"language: {code}"))


def test_a_language_that_the_table_lacks_is_told(run, voices, probes):
    in_language(voices, probes, "sv")
    notes = run().report["notes"]
    assert any("language sv: the table of languages lacks it" in note for note in notes)
    assert not any("sv" in note for note in run("+languages.sv.characters_per_second=14").report["notes"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("prompt.text=closed_loop", r"prompt\.text=closed_loop .* 'sv'.*\+languages\.sv\.phrases"),
        ("prompt.corrupt=0.1", r"prompt\.corrupt .* 'sv'.*\+languages\.sv\.wrong_words"),
        ("+languages.sv.speed=3", r"languages\.speed|languages.*speed"),
        ("+languages.sv.two_words=1", r"languages.*two_words.*greater than or equal to 2"),
        ("+languages.s_v_=3", "languages"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(run, voices, probes, more, message):
    in_language(voices, probes, "sv")
    done = run(more)
    assert done.code == 2
    assert re.search(message, " ".join(done.err.split())), done.err
    assert not done.reports.exists()


def test_a_closed_loop_speaks_a_users_own_phrases(run, voices, probes):
    in_language(voices, probes, "sv")
    done = run("prompt.text=closed_loop", "+languages.sv.phrases=[god morgon,hej]", "voices.names=[ann]")
    assert done.code == 0, done.err


def test_a_transcriber_that_does_not_know_a_language_is_refused_by_name(run, voices, probes):
    in_language(voices, probes, "de")
    done = run("judge/asr=hubert_large")
    assert done.code == 2
    assert "judge.asr: hf_ctc with these weights does not know the language 'de' of the probes" in " ".join(
        done.err.split()
    )
