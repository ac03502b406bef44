"""Chroma: what is its own.

Tests that ask for `chroma_weights` run on the snapshot that `EVALKIT_CHROMA_DIR` names, where it does. The others need
to know what the model will do: they run on our stand-in of its remote code.
"""

import inspect

import numpy as np
import pytest

from evalkit.config.making import engine_of, require_packages
from evalkit.engines import chroma_fixes
from evalkit.engines.long_texts import frames_for, text_parts
from evalkit.errors import ConfigError, SynthesisError, WeightsError
from tests import tiny, tiny_chroma
from tests.conftest import PACKAGES_WARN
from tests.tiny import request, spoken

pytestmark = PACKAGES_WARN


@pytest.fixture(scope="module")
def standin(tmp_path_factory):
    return tiny_chroma.write(tmp_path_factory.mktemp("tiny") / "chroma")


@pytest.fixture(scope="module")
def misreading(tmp_path_factory):
    return tiny_chroma.write(tmp_path_factory.mktemp("tiny") / "misreading", misreads=True)


def test_it_tells_the_text_that_it_meant_to_say(standin, misreading):
    text = "Read this aloud."
    for folder, expected in ((standin, text), (misreading, text[::-1])):
        (synthesis,) = tiny.made("chroma", folder).synthesize([request(text)])
        assert synthesis.intended_text == expected


def test_of_a_text_in_parts_all_parts_are_told(standin):
    text = "One sentence is here. And another one follows. Then comes a third, to be sure."
    (synthesis,) = tiny.made("chroma", standin, chunk_chars=40, max_frames=200).synthesize([request(text)])
    assert synthesis.intended_text == text


def test_a_cap_on_frames_cuts_speech_and_what_was_meant(standin):
    engine = tiny.made("chroma", standin, max_frames=8)
    (synthesis,) = engine.synthesize([request("A text that takes longer than that.")])
    assert synthesis.audio.seconds == pytest.approx(8 / 12.5)
    assert synthesis.intended_text == "A te"  # two frames a token, and the stand-in's tokens are letters


def test_no_speech_is_longer_than_its_cap_and_what_was_meant_is_told_again(chroma_weights):
    text = "A text that takes longer than that."
    engine = tiny.made("chroma", chroma_weights, max_frames=8)
    once, again = engine.synthesize([request(text), request(text)])
    assert 0 < once.audio.seconds <= 8 / 12.5
    assert isinstance(once.intended_text, str)
    assert again.intended_text == once.intended_text


def test_the_backbone_hears_through_the_decoders_table():
    from tests.chroma_standin.configuration_chroma import ChromaConfig
    from tests.chroma_standin.modeling_chroma import ChromaForConditionalGeneration

    model = ChromaForConditionalGeneration(ChromaConfig())
    decoders = model.decoder.audio_embedding.embed_audio_tokens
    chroma_fixes.tie_audio_embedding(model)
    assert model.backbone.audio_embedding.embed_audio_tokens is model.decoder.audio_embedding.embed_audio_tokens
    assert model.decoder.audio_embedding.embed_audio_tokens is decoders


def test_another_model_is_refused_by_name():
    with pytest.raises(SynthesisError, match="not the Chroma that evalkit knows"):
        chroma_fixes.tie_audio_embedding(object())
    with pytest.raises(SynthesisError, match="its processor has no load_audio"):
        chroma_fixes.prompt_as_given(object())


def test_loading_keeps_the_checkpoints_weights(standin):
    """The stand-in writes `weight.data.normal_()` when it is loaded, as older public copies of Chroma's code do.

    The published code checks by itself what was loaded; to it `without_reinitialising` makes no difference.
    """
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    saved = load_file(standin / "model.safetensors")

    def changed():
        model = AutoModelForCausalLM.from_pretrained(standin, trust_remote_code=True, local_files_only=True)
        held = model.state_dict()
        return sorted(name for name, value in saved.items() if not np.array_equal(held[name].numpy(), value.numpy()))

    with chroma_fixes.without_reinitialising():
        assert changed() == []
    assert "decoder.head.weight" in changed()


def test_weights_that_loading_spoilt_are_noticed(tmp_path):
    folder = tiny_chroma.write(tmp_path / "spoils", spoils_weights=True)
    with pytest.raises(WeightsError, match=r"1 of \d+ tensors are not in the model .* \(decoder\.head\.weight\)"):
        tiny.made("chroma", folder).load()


def test_generation_is_mended_only_where_it_must_be_and_only_meanwhile(monkeypatch):
    from transformers.generation.utils import GenerationMixin

    original = GenerationMixin._prepare_generation_config
    assert "use_model_defaults" not in inspect.signature(original).parameters
    with chroma_fixes.without_model_defaults():
        assert GenerationMixin._prepare_generation_config is not original
    assert GenerationMixin._prepare_generation_config is original

    def older(self, generation_config, use_model_defaults=None, **rest):
        raise NotImplementedError

    monkeypatch.setattr(GenerationMixin, "_prepare_generation_config", older)
    with chroma_fixes.without_model_defaults():
        assert GenerationMixin._prepare_generation_config is older


def test_a_code_without_sound_is_explained(tmp_path):
    engine = tiny.made("chroma", tiny_chroma.write(tmp_path / "codes", missing_codes=True))
    with pytest.raises(SynthesisError, match=r"a code that its codec does not have .*; lower temperature or top_k"):
        spoken(engine, request())


def test_speech_that_ends_at_once_is_explained(tmp_path):
    engine = tiny.made("chroma", tiny_chroma.write(tmp_path / "ends", ends_at_once=True))
    with pytest.raises(SynthesisError, match="failed while speaking, as it does when its first frame ends the speech"):
        spoken(engine, request())


MISHAPS = {
    "s2-top-k": (
        {"strict_top_k": True},
        {"top_k": 2000},
        r"fewer codes than top_k asks for .*out of range.*lower top_k",
    ),
    "s2-long-prompt": ({"longest_prompt": 10}, {}, r"the model failed while speaking: IndexError: index out of range"),
}


@pytest.mark.hostile
@pytest.mark.parametrize("case", MISHAPS)
def test_a_mishap_is_not_explained_by_another(tmp_path, case):
    settings, knobs, message = MISHAPS[case]
    engine = tiny.made("chroma", tiny_chroma.write(tmp_path / "mishap", **settings), **knobs)
    with pytest.raises(SynthesisError, match=message) as told:
        spoken(engine, request())
    assert "codec" not in str(told.value)
    assert "ends the speech" not in str(told.value)


def test_other_precisions_compute_and_sound_a_little_different(chroma_weights):
    (rough,) = spoken(tiny.made("chroma", chroma_weights, dtype="bfloat16", greedy=True), request())
    (fine,) = spoken(tiny.made("chroma", chroma_weights, dtype="float32", greedy=True), request())
    assert rough.samples.dtype == fine.samples.dtype == np.float32
    assert rough.sha256 != fine.sha256


def test_a_version_of_transformers_that_breaks_it_is_refused(chroma_weights, tmp_path, monkeypatch):
    installed = tmp_path / "transformers-5.23.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: transformers\nVersion: 5.23.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        ConfigError, match=r"needs transformers.*, here is 5\.23\.0; type: pip install --editable '\.\[chroma\]'"
    ):
        require_packages([engine_of({"_target_": "evalkit.engines.chroma.Chroma", "weights": str(chroma_weights)})])


def test_frames_are_what_a_text_needs_times_the_slack():
    assert frames_for("x" * 130, 1) == 125  # 130 characters, 13 a second, 12.5 frames a second
    assert frames_for("x" * 130, 2) == 250
    assert frames_for("Hi.", 2) == 50  # two seconds at least


@pytest.mark.parametrize(
    ("text", "most", "parts"),
    [
        ("One. Two. Three.", 40, ["One. Two. Three."]),
        ("One sentence here. Another there.", 20, ["One sentence here.", "Another there."]),
        ("many words and no end in sight", 10, ["many words", "and no end", "in sight"]),
        ("  spaces\n and   lines ", 40, ["spaces and lines"]),
        ("donaudampfschifffahrt", 10, ["donaudampfschifffahrt"]),
    ],
)
def test_texts_are_parted_at_sentences_else_at_words(text, most, parts):
    assert text_parts(text, most) == parts


def test_chinese_is_parted_at_its_own_full_stops_and_lasts_as_long_as_its_own_readers_take():
    text = "门没有关。请在这里等。明天会下雨。"
    assert text_parts(text, 10, "zh") == ["门没有关。", "请在这里等。", "明天会下雨。"]
    assert text_parts(text, 11, "zh") == ["门没有关。请在这里等。", "明天会下雨。"]
    assert text_parts("门没有关，请在这里等", 6, "zh") == ["门没有关，请", "在这里等"]
    assert frames_for("门" * 45, 1, "zh") == 125  # 4.5 signs a second


def test_a_sweep_from_end_to_end(run, misreading):
    typed = (f"weights.chroma={misreading}", "probes.ids=[fox]", "voices.names=[ann]", "prompt.seconds=3,5")
    done = run("+sweep=chroma_prompt_len", *typed, drop=("engine",))
    assert done.code == 0
    assert [row["intended_text"] for row in done.rows] == ["the quick brown fox"[::-1]] * 2
    assert all(row["scores"]["intended_wer"] == 1 for row in done.rows)
    assert done.report["metrics"]["spoken_wer"]["unit"] == "ratio"
