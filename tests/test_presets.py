"""Files of presets: what an edit changes, and that it changes nothing else, however the file is written."""

import pytest

from evalkit.errors import DataError
from evalkit.presets import Evidence, Preset, read_presets, with_shipped

NEW = Preset("shipped", {"top_k": 3, "mode": "null", "hidden": None, "sure": True, "tiny": 1e-07}, "a test: yes")
PLAIN = "recommended: one\npresets:\n  one:\n    top_k: 1\n"
TEXTS = {
    "plain": PLAIN,
    "no line end": PLAIN.removesuffix("\n"),
    "comments": f"# first\n\n{PLAIN}\n  # of nobody\n# last\n",
    "other order": "presets:\n    one:\n        top_k: 1\nrecommended: 'one'  # so\n",
    "windows": PLAIN.replace("\n", "\r\n"),
    "there already": (
        f"{PLAIN}  # before\n  shipped:\n    top_k: 9   # old\n    mode: |\n      text\n      more\n"
        "  # after\n  two:\n    top_k: 2\n"
    ),
    "there, as the last": f"{PLAIN}  shipped:\n    top_k: 9\n  # after\n",
    "braces within": "recommended: one\npresets:\n  one: {top_k: 1}\n  shipped: {top_k: 2}\n  two: {top_k: 3}\n",
    "aliases": "recommended: one\npresets:\n  one: &one\n    top_k: 1\n  two: *one\n",
    "a name of its own": PLAIN.replace("one", "'ÄÖ: x'"),
}


def presets_of(tmp_path, text):
    (tmp_path / "shipped").mkdir(exist_ok=True)
    (tmp_path / "shipped/tone.yaml").write_bytes(text.encode())
    return read_presets(tmp_path, "tone")


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_an_edit_adds_or_replaces_one_preset_and_keeps_all_else(text, tmp_path):
    before = presets_of(tmp_path, text)
    edited = with_shipped(before, NEW)
    after = presets_of(tmp_path, edited)
    assert after.shipped == NEW
    assert after.known == {**before.known, "shipped": NEW}
    assert [line for line in text.splitlines() if "#" in line and "old" not in line and "so" not in line] == [
        line for line in edited.splitlines() if "#" in line and "so" not in line
    ]
    assert ("\r\n" in edited) == ("\r\n" in text)
    assert "\n" not in edited.replace("\r\n", "") or "\r\n" not in text
    assert with_shipped(after, NEW) == edited


@pytest.mark.hostile
@pytest.mark.parametrize(
    "text", ["{recommended: one, presets: {one: {top_k: 1}}}", "recommended: one\npresets: {one: {top_k: 1}}"]
)
def test_a_file_that_cannot_be_edited_is_refused(text, tmp_path):
    with pytest.raises(DataError, match="cannot be edited"):
        with_shipped(presets_of(tmp_path, text), NEW)


@pytest.mark.hostile
@pytest.mark.parametrize("value", ["${x}", "???", "a${oc.env:HOME}"])
def test_a_value_that_hydra_would_resolve_is_refused(value, tmp_path):
    with pytest.raises(DataError, match="Hydra would take it"):
        with_shipped(presets_of(tmp_path, PLAIN), Preset("shipped", {"top_k": value}))


@pytest.mark.hostile
@pytest.mark.parametrize(
    "text", ["yes", "1e3", "0x1F", "1:30", "- a", "#", " ", "", "a: b", "Ä\u2028\x85\x1b", "null", "2026-11-25"]
)
def test_any_text_is_the_same_when_it_is_read_again(text, tmp_path):
    evidence = Evidence(
        *[text] * 12, metric="sim", n_pairs=16, difference=0.1, low=None, high=0.25, scope="population",
        guards={"wer": (0.0, None, None)}, replaced={"top_k": text}, prompt={"p": 8.0}, forced=text or None,
    )  # fmt: skip
    preset = Preset("shipped", {"top_k": text}, text, evidence)
    edited = with_shipped(presets_of(tmp_path, PLAIN), preset)
    found = presets_of(tmp_path, edited).shipped
    assert found.values == {"top_k": text}
    assert found.evidence.content() == evidence.content()
