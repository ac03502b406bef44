"""Engine `spoil`: each harm by its numbers, the contract of what it wraps, and how it is typed."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from pydantic import ValidationError
from pydantic.dataclasses import dataclass

from evalkit.audio import Audio, read_audio
from evalkit.config.app import compose, plan_of
from evalkit.config.making import class_of, engine_of, has_shipped_preset, installing
from evalkit.digest import digest
from evalkit.engines.base import STRICT, Engine, Request, Synthesis
from evalkit.engines.kokoro import Kokoro
from evalkit.engines.spoil import Spoil
from evalkit.engines.tone import Tone
from evalkit.errors import ConfigError, SynthesisError
from evalkit.prompt import Prompt
from evalkit.whistle import heard_hum, heard_text, whistle
from tests.conftest import PACKAGES_WARN

pytestmark = PACKAGES_WARN
RATE = 24_000
HARMS = ("half_band", "drop_words", "other_voice", "clip", "cut")
OF_TONE = ("engine=spoil", "engine@engine.of=tone")
CHANCE = np.random.default_rng(7)
NOISE = CHANCE.normal(0, 0.1, RATE).astype(np.float32)
TEXT = "the quick brown fox jumps over a lazy dog and a cold sun rose late"


@dataclass(frozen=True, config=STRICT)
class Plays(Engine):
    """Plays its prompt, tells all that an engine may tell, and answers several requests at once.

    Attributes:
        tells: Whether it says what it meant to say.
        gives: What it does where the text has a fox: `sound`, `stereo`, `silence` or `error`.
        device: Ignored.
    """

    name: ClassVar[str] = "plays"
    revision: ClassVar[int] = 4
    sample_rate: ClassVar[int] = RATE
    packages: ClassVar[tuple[str, ...]] = ("numpy", "no-such-package>=3")
    extra: ClassVar[str] = "demo"
    runtime: ClassVar[frozenset[str]] = frozenset({"device", "gives"})

    tells: bool = False
    gives: str = "sound"
    device: str = "cpu"

    def speak(self, request: Request) -> Audio:
        samples = request.prompt.audio.samples
        if "fox" in request.text and self.gives == "error":
            raise RuntimeError("a fox")
        if "fox" in request.text and self.gives != "sound":
            samples = np.stack([samples, samples]) if self.gives == "stereo" else samples * 0
        return Audio(samples, RATE)

    def synthesize(self, requests: Iterable[Request]) -> Iterator[Synthesis]:
        for request in list(requests):
            intended = f"meant: {request.text}" if self.tells else None
            yield Synthesis(self.speak(request), 12.5, intended, 0.25, 1000, 2000)

    def require(self) -> None:
        raise ConfigError("no weights")


def prompt_of(samples, rate=RATE):
    return Prompt(Audio(samples, rate), "words", "user", ("a.wav",))


PROMPT = prompt_of(NOISE)


def request(text=TEXT, prompt=PROMPT, seed=0, language="en"):
    return Request(text, prompt, seed, language)


def requests(number, prompt):
    return [request(f"text {index}", prompt, index % 3) for index in range(number)]


def harmed(harm, asked, of=None):
    return [one.audio for one in Spoil(of or Plays(), harm).synthesize(asked)]


def where_harmed(harm, number=1000):
    short = prompt_of(NOISE[:480])
    return [audio.sha256 != short.audio.sha256 for audio in harmed(harm, requests(number, short))]


def first_harmed(harm, prompt):
    """Returns the sound of the first utterance that the harm befalls."""
    return next(audio for audio in harmed(harm, requests(100, prompt)) if audio.sha256 != prompt.audio.sha256)


def band_db(samples, rate, low, high):
    """Returns the energy (dB) between two frequencies (Hz)."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate)
    return 10 * np.log10(power[(frequencies >= low) & (frequencies < high)].sum())


def test_half_the_band_is_gone_and_the_rest_as_it_was():
    (audio,) = harmed("half_band", [request()])
    assert (len(audio.samples), audio.sample_rate) == (len(NOISE), RATE)
    lower = [band_db(samples, RATE, 0, 5400) for samples in (audio.samples, NOISE)]
    upper = [band_db(samples, RATE, 6000, 12_001) for samples in (audio.samples, NOISE)]
    assert lower[0] == pytest.approx(lower[1], abs=0.1)
    assert upper[0] < upper[1] - 40


@pytest.mark.parametrize("length", [1, 2, 3, 7, 999])
@pytest.mark.parametrize("harm", HARMS)
def test_short_sounds_are_harmed_too(harm, length):
    prompt = prompt_of(NOISE[:length])
    expected = {"other_voice": {length, round(length / 1.25)}, "cut": {length, max(1, round(0.6 * length))}}
    lengths = {len(audio.samples) for audio in harmed(harm, requests(60, prompt))}
    assert lengths == expected.get(harm, {length})


def test_what_is_clipped_is_flat_at_its_peak():
    tone = (0.5 * np.sin(2 * np.pi * 100.3 * np.arange(RATE) / RATE)).astype(np.float32)
    (audio,) = harmed("clip", [request(prompt=prompt_of(tone))])
    assert audio.peak == pytest.approx(0.5, abs=1e-6)
    at_peak = np.mean(np.abs(audio.samples) > 0.5 - 1e-6)
    assert at_peak == pytest.approx(1 - 2 / np.pi * np.arcsin(10 ** (-2 / 20)), abs=0.005)  # a sine's share above -2 dB
    assert np.mean(np.abs(tone) > 0.5 - 1e-6) < 0.02


def test_another_voice_has_a_higher_hum_and_says_the_same_sooner():
    prompt = prompt_of(whistle("abc " * 20, 200.0).resampled(RATE).samples)
    audio = first_harmed("other_voice", prompt)
    assert heard_hum(audio) == pytest.approx(1.25 * 200, abs=1)
    assert len(audio.samples) == pytest.approx(0.8 * len(prompt.audio.samples), abs=1)
    centre = {one: spectral_centre(one) for one in (audio, prompt.audio)}
    assert centre[audio] == pytest.approx(1.25 * centre[prompt.audio], rel=0.02)


def spectral_centre(audio):
    power = np.abs(np.fft.rfft(audio.samples)) ** 2
    return np.sum(np.fft.rfftfreq(len(audio.samples), 1 / audio.sample_rate) * power) / power.sum()


def test_what_is_cut_ends_at_three_fifths():
    audio = first_harmed("cut", PROMPT)
    assert np.array_equal(audio.samples, NOISE[: round(0.6 * len(NOISE))])


@pytest.mark.parametrize(("harm", "share"), [("other_voice", 0.2), ("cut", 0.1), ("half_band", 1), ("clip", 1)])
def test_the_share_of_utterances_that_are_harmed(harm, share):
    found = where_harmed(harm)
    assert np.mean(found) == pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / 1000))
    assert np.mean(found[::3]) == pytest.approx(share, abs=0.07)  # of each seed


def test_a_tenth_of_the_words_is_not_spoken():
    asked = [request(f"{TEXT} {index}", seed=index) for index in range(1000)]
    texts = spoken("drop_words", asked)
    kept = [len(text.split()) for text in texts]
    total = sum(len(one.text.split()) for one in asked)
    assert 1 - sum(kept) / total == pytest.approx(0.1, abs=0.01)
    assert min(kept) > 0
    for one, text in zip(asked, texts, strict=True):
        left = iter(one.text.split())
        assert all(word in left for word in text.split())  # in order, and nothing else
    dropped = np.mean([["fox" not in text, "late" not in text] for text in texts], axis=0)
    assert dropped == pytest.approx([0.1, 0.1], abs=0.03)  # wherever a word stands


def spoken(harm, asked):
    return [answer.intended_text.removeprefix("meant: ") for answer in Spoil(Plays(tells=True), harm).synthesize(asked)]


@pytest.mark.parametrize("text", ["fox", "  fox\n", "— fox —", "¡", ""])
def test_a_last_word_is_always_spoken(text):
    assert set(spoken("drop_words", [request(text, seed=seed) for seed in range(100)])) == {text}


def test_where_words_cannot_be_told_characters_are_not_spoken():
    text = "今天天气很好，我们去公园。" * 5
    texts = spoken("drop_words", [request(text, seed=seed, language="zh") for seed in range(100)])
    assert np.mean([len(one) for one in texts]) == pytest.approx(len(text) * (1 - 0.1 * 11 / 13), rel=0.02)
    assert all(one.count("，") == 5 and " " not in one for one in texts)


def test_the_missing_words_are_heard_to_be_missing_and_nobody_tells():
    asked = [request(prompt=prompt_of(whistle("abc", 200.0).resampled(RATE).samples), seed=seed) for seed in range(20)]
    answers = list(Spoil(Tone(), "drop_words").synthesize(asked))
    heard = [len(heard_text(answer.audio).split()) for answer in answers]
    assert len(TEXT.split()) * 0.8 < np.mean(heard) < len(TEXT.split())
    assert {answer.intended_text for answer in answers} == {None}


@pytest.mark.parametrize("harm", HARMS)
def test_what_the_engine_tells_of_its_answer_stays(harm):
    (answer,) = Spoil(Plays(), harm).synthesize([request()])
    told = (answer.seconds, answer.first_audio_seconds, answer.memory_bytes, answer.device_memory_bytes)
    assert told == (12.5, 0.25, 1000, 2000)
    assert answer.intended_text is None


@pytest.mark.parametrize("harm", HARMS)
def test_neither_order_nor_company_matters(harm):
    asked = [request(f"{TEXT} {index}", seed=seed) for index in range(20) for seed in (0, 1)]
    engine = Tone()
    forward = [audio.sha256 for audio in harmed(harm, asked, engine)]
    backward = [audio.sha256 for audio in harmed(harm, asked[::-1], engine)]
    assert forward == backward[::-1]
    assert forward == [Spoil(engine, harm).speak(one).sha256 for one in asked]


@pytest.mark.parametrize("harm", ["other_voice", "cut"])
def test_text_prompt_and_seed_choose_the_utterances(harm):
    prompts = [prompt_of(NOISE[:480]), prompt_of(NOISE[480:960])]
    for changed in ([request(f"text {index}", prompts[0]) for index in range(60)],
                    [request("text", prompts[0], seed) for seed in range(60)],
                    [request("text", replace(prompts[0], text=f"word {index}")) for index in range(60)]):  # fmt: skip
        found = {audio.sha256 for audio in harmed(harm, changed)}
        assert len(found) == 2, "some are harmed, some are not"


def test_without_harm_all_is_the_wrapped_engines():
    engine = Tone(detune=9)
    same = Spoil(engine)
    for ask in ("name", "sample_rate", "family", "assets", "packages", "extra", "runtime"):
        assert getattr(same, ask) == getattr(engine, ask)
    for ask in ("knobs", "fingerprint", "adapter_version", "computes_on", "unmet"):
        assert getattr(same, ask)() == getattr(engine, ask)()
    asked = requests(5, PROMPT)
    assert [one.sha256 for one in harmed("none", asked, engine)] == [engine.speak(one).sha256 for one in asked]
    assert same.speak_and_tell(asked[0])[1] is None


@pytest.mark.parametrize("harm", HARMS)
def test_a_harm_is_another_version_of_the_same_engine(harm):
    engine = Tone(detune=9)
    worse = Spoil(engine, harm)
    assert (worse.name, worse.knobs(), worse.sample_rate) == (engine.name, engine.knobs(), engine.sample_rate)
    assert worse.adapter_version() == f"2+{harm}"
    assert worse.fingerprint()["spoil"]["harm"] == harm
    assert worse.fingerprint()["spoil"]["revision"] == Spoil.revision
    prints = {digest(Spoil(of, one).fingerprint()) for one in ("none", *HARMS) for of in (engine, Tone())}
    assert len(prints) == 12
    assert class_of(worse) is Tone


def test_the_rest_of_the_contract_is_the_wrapped_engines(monkeypatch):
    engine, called = Plays(), []
    for method in ("load", "close"):
        monkeypatch.setattr(Plays, method, lambda self, method=method: called.append((self, method)))
    worse = Spoil(engine, "clip")
    worse.load()
    worse.close()
    assert called == [(engine, "load"), (engine, "close")]
    assert worse.family == engine.family == Plays
    assert worse.unmet() == engine.unmet() != []
    assert worse.computes_on() == {"device": "cpu", "gives": "sound"}
    assert worse.knobs() == {"tells": False}
    assert installing(worse) == installing(engine) == "pip install --editable '.[demo]'"
    with pytest.raises(ConfigError, match="no weights"):
        worse.require()
    assert hash(worse) == hash(Spoil(Plays(), "clip"))
    assert worse == Spoil(Plays(), "clip") != Spoil(Plays(), "cut")


@pytest.mark.parametrize(("gives", "message"), [
    ("stereo", r"samples of shape \(2, \d+\), expected one dimension"),
    ("silence", r"the engine gave silence"),
    ("error", "a fox"),
])  # fmt: skip
def test_what_is_no_sound_is_told_as_of_the_wrapped_engine(gives, message):
    with pytest.raises((SynthesisError, RuntimeError), match=message):
        list(Spoil(Plays(gives=gives), "clip").synthesize([request()]))


@pytest.mark.parametrize("of", [Spoil(Plays()), None, "tone", Plays])
def test_what_is_no_other_engine_cannot_be_wrapped(of):
    with pytest.raises(ValidationError, match="expected an engine, other than spoil itself"):
        Spoil(of, "clip")


TONE = {"_target_": "evalkit.engines.tone.Tone"}
SPOIL = {"_target_": "evalkit.engines.spoil.Spoil"}


def test_a_node_without_an_engine_to_wrap_says_so():
    with pytest.raises(ConfigError, match=r"engine\.of: is missing"):
        engine_of(SPOIL)


def test_the_harm_is_done_here_and_the_wrapped_engine_computes_in_its_python():
    passed_on = engine_of({**SPOIL, "of": TONE, "harm": "clip", "python": sys.executable, "timeout_seconds": 20})
    own = engine_of({**SPOIL, "of": {**TONE, "timeout_seconds": 20}, "harm": "clip", "timeout_seconds": 5})
    assert (passed_on.of.python, passed_on.of.timeout_seconds) == (sys.executable, 20)
    assert (own.of.python, own.of.timeout_seconds) == (None, 20)
    assert passed_on.computes_on()["isolated"]
    assert class_of(passed_on) is Tone
    (answer,) = passed_on.synthesize([request()])
    assert answer.audio.sha256 == Spoil(Tone(), "clip").speak(request()).sha256
    assert passed_on.fingerprint() == Spoil(Tone(), "clip").fingerprint()
    passed_on.close()


ENGINES = ["abstractvoice", "chroma", "csm", "f5_tts", "kokoro", "tone"]


def node(*typed):
    return compose(["judge=fake", "ears=fake", *typed]).config.engine


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_can_be_wrapped_and_is_the_same_in_there(name):
    alone, wrapped = node(f"engine={name}"), node("engine=spoil", f"engine@engine.of={name}")
    assert wrapped["of"] == alone
    assert has_shipped_preset(wrapped) == has_shipped_preset(alone) == ("preset" in alone)
    assert engine_of(wrapped).of == engine_of(alone)


@pytest.mark.parametrize(("name", "typed", "knob"), [
    ("kokoro", "preset=blend", "top_k"), ("f5_tts", "preset=low", "nfe_step"), ("chroma", "preset=high", "max_frames"),
    ("csm", "top_k=7", "top_k"),
])  # fmt: skip
def test_presets_and_knobs_of_a_wrapped_engine_are_typed_below_it(name, typed, knob):
    alone = node(f"engine={name}", f"engine.{typed}")
    wrapped = node("engine=spoil", f"engine@engine.of={name}", f"engine.of.{typed}")
    assert wrapped["of"] == alone
    assert alone[knob] != node(f"engine={name}")[knob]
    assert not has_shipped_preset(wrapped)


def test_a_sweep_of_ones_own_chooses_the_wrapped_engine(own):
    defaults = [{"override /engine": "spoil"}, {"override /engine@engine.of": "tone"}, "_self_"]
    sweep = {"defaults": defaults, "name": "harms", "grid": ["engine.harm=none,cut", "engine.of.detune=1,2"]}
    composed = compose([*own(sweep={"harms": sweep}), "+sweep=harms", "judge=fake", "ears=fake"])
    versions = [cell.trial.version for cell in composed.plan().cells]
    assert versions == ["2", "2", "2+cut", "2+cut"]


def test_unharmed_it_answers_from_the_clean_engines_store(run):
    clean = run("engine=tone")
    same = run(*OF_TONE)
    assert same.code == 0
    assert "Nothing was synthesised: all 9 utterances came from the store." in same.out
    assert [row["trial"] for row in same.rows] == [row["trial"] for row in clean.rows]


def test_each_harm_is_heard_by_the_judges(run):
    clean = by_utterance(run("engine=tone"))
    for harm in HARMS:
        done = run(*OF_TONE, f"engine.harm={harm}", "seeds=[0,1,2,3]")
        (trial,) = done.report["trials"]
        assert (done.code, trial["version"], trial["n_failed"]) == (0, f"2+{harm}", 0)
        assert {row["trial"] for row in done.rows} == {trial["id"]} != {row["trial"] for row in clean.values()}
        assert all(row["settings"] == next(iter(clean.values()))["settings"] for row in done.rows)
        worse = {key: row["scores"] for key, row in by_utterance(done).items()}
        wer = np.mean([scores["wer"] for scores in worse.values()])
        sim = np.mean([scores["sim"] for scores in worse.values()])
        clean_sim = np.mean([row["scores"]["sim"] for row in clean.values()])
        assert (wer > 0.03) == (harm not in ("clip", "half_band")), (harm, wer)  # its pitches stay below 5.3 kHz
        assert (sim < clean_sim - 0.01) == (harm == "other_voice"), (harm, sim)


def by_utterance(done):
    return {(row["voice"], row["probe"], row["seed"]): row for row in done.rows}


def test_harms_of_one_sweep_are_told_apart_by_their_version(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    done = run(*OF_TONE, "engine.harm=none,half_band,drop_words", "seeds=[0,1]", "primary=wer")
    assert done.code == 0
    assert [trial["version"] for trial in done.report["trials"]] == ["2", "2+half_band", "2+drop_words"]
    assert len({trial["id"] for trial in done.report["trials"]}) == 3
    assert done.report["varying"] == ["version"]
    table = [line.split()[0] for line in done.out.splitlines()[:4]]
    assert table == ["version", "2", "2+half_band", "2+drop_words"]
    assert "over version=2" in done.report["finding"]
    assert set(done.report["provenance"]["engines"]) > {"tone"}


def test_it_stands_beside_the_engine_that_it_wraps(run, own):
    """One name, one class: the clean engine and its worse version are two trials, and unharmed they are one."""
    worse = {"_target_": "evalkit.engines.spoil.Spoil", "harm": "clip", "of": {**TONE, "detune": 30.0}}
    typed = own(engine={"worse": worse})
    done = run(*typed, "engine=tone,worse")
    assert [trial["version"] for trial in done.report["trials"]] == ["2", "2+clip"]
    planned = run(*typed, "engine=tone,worse", "dry_run=true")
    assert "tone version 2, tone version 2+clip" in planned.out
    assert "1 trials" in run("engine=kokoro,spoil", "dry_run=true").out


def test_a_limit_of_time_is_the_wrapped_engines(run):
    typed = (*OF_TONE, "engine.harm=clip", "voices.names=[ann]", "probes.ids=[fox,sun]")
    done = run(*typed, "engine.of.delay=1.5", "engine.timeout_seconds=0.5")
    assert done.code == 1  # nothing could be scored
    assert {row["error"]["type"] for row in done.rows} == {"WorkerLost"}


@pytest.mark.weights
def test_kokoro_is_harmed():
    plan, _ = plan_of(["engine=spoil", "judge=demo", "voices=demo"])
    clean = plan.cells[0].engine
    inner = clean.of
    assert (type(inner), clean) == (Kokoro, Spoil(inner))
    prompt = prompt_of(read_audio(plan.voices[0].prompt_clips[0].path).resampled(RATE).samples)
    asked = request("The canoe slid over the quiet lake.", prompt)
    sound = clean.speak(asked)
    assert sound.sha256 == inner.speak(asked).sha256
    halved, clipped = Spoil(inner, "half_band").speak(asked), Spoil(inner, "clip").speak(asked)
    assert band_db(halved.samples, RATE, 6000, 12_001) < band_db(sound.samples, RATE, 6000, 12_001) - 30
    assert clipped.peak == pytest.approx(sound.peak, rel=1e-6)
    assert np.mean(np.abs(clipped.samples) > 0.999 * clipped.peak) > 5 * np.mean(
        np.abs(sound.samples) > 0.999 * sound.peak
    )
