"""Probe sets: those that are shipped, what is chosen of them, and what is refused by name."""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from evalkit.errors import DataError
from evalkit.probes import Probe, ProbeSet, read_probes
from evalkit.resources import resource
from evalkit.text import normalizer

STRATA = ("short", "long", "numbers", "names", "questions", "hard_consonants", "repeated_words", "abbreviations")
CORE = {  # how many of each stratum
    "core_en": (8, 7, 8, 8, 7, 7, 7, 8),
    "core_de": (3, 2, 3, 2, 3, 2, 3, 2),
    "core_es": (3, 2, 3, 2, 3, 2, 3, 2),
    "core_fr": (3, 2, 3, 2, 3, 2, 3, 2),
    "core_zh": (3, 2, 3, 2, 3, 2, 3, 2),
}
SPACED = [name for name in CORE if name != "core_zh"]
SHIPPED = sorted(path.stem for path in resource("probes").glob("*.yaml"))
SIGNS = {"core_en": "$%", "core_es": "¿", "core_zh": "，。？"}  # beside the plain ones


def shipped(name: str) -> ProbeSet:
    return read_probes(resource(f"probes/{name}.yaml"))


def demo_sentences() -> list[str]:
    manifests = resource("probes/voices/demo").glob("*/voice.yaml")
    return [clip["text"] for manifest in manifests for clip in yaml.safe_load(manifest.read_text())["clips"]]


def same(text: str) -> str:
    """Returns what is left of a text that is only written otherwise."""
    return " ".join(re.findall(r"\w+", text.lower()))


def test_the_demos_set():
    found = shipped("demo")
    assert (found.name, found.version, len(found.probes), found.strata) == ("demo", 1, 7, ())
    assert [probe.id for probe in found.only(["name", "canoe"]).probes] == ["name", "canoe"]
    with pytest.raises(DataError, match="no probe 'nmae'; it has: canoe"):
        found.only(["nmae"])


def test_each_shipped_set_can_be_chosen():
    assert sorted(["demo", *CORE]) == SHIPPED
    options = {path.stem: yaml.safe_load(path.read_text()) for path in resource("configs/probes").glob("*.yaml")}
    assert options == {name: {"path": f"probes/{name}.yaml", "ids": None, "strata": None} for name in SHIPPED}


@pytest.mark.parametrize("name", CORE)
def test_the_strata_of_a_shipped_set(name):
    found = shipped(name)
    assert (found.name, found.version, found.strata) == (name, 1, STRATA)
    counts = Counter(probe.stratum for probe in found.probes)
    assert tuple(counts[stratum] for stratum in STRATA) == CORE[name]
    assert {probe.language for probe in found.probes} == {name.removeprefix("core_")}


def test_ids_and_texts_of_a_language_are_distinct_over_its_sets():
    every = [probe for name in SHIPPED for probe in shipped(name).probes]
    for what in ([(probe.language, probe.id) for probe in every], [same(probe.text) for probe in every]):
        assert [one for one, count in Counter(what).items() if count > 1] == []


def test_no_text_is_one_that_engines_are_prompted_with():
    prompted = {same(text) for text in demo_sentences()}
    assert len(prompted) == 44
    assert [probe.id for name in SHIPPED for probe in shipped(name).probes if same(probe.text) in prompted] == []


@pytest.mark.parametrize("name", CORE)
def test_texts_have_only_what_can_be_read_aloud(name):
    wrong = re.compile(rf"[^\w .,?'{re.escape(SIGNS.get(name, ''))}:-]|_|  |\n")
    for probe in shipped(name).probes:
        assert wrong.search(probe.text) is None, probe.text
        assert probe.text[-1] in ".?。？"
        assert (probe.text[-1] in "?？") == (probe.stratum == "questions")
        assert re.fullmatch("[a-z]{3,13}", probe.id)


@pytest.mark.parametrize("name", CORE)
def test_what_the_strata_say_of_their_texts_is_so(name):
    of = {stratum: [probe.text for probe in shipped(name).only(strata=[stratum]).probes] for stratum in STRATA}
    assert all(re.search(r"\d", text) for text in of["numbers"])
    assert all(re.search(r"[A-Z]{2}|(Dr|Mr)\. ", text) for text in of["abbreviations"])
    if name in SPACED:
        assert all(35 <= len(text.split()) <= 55 for text in of["long"])
        assert all(2 <= len(text.split()) <= 5 for text in of["short"])
        assert all(max(Counter(same(text).split()).values()) > 1 for text in of["repeated_words"])


WRITTEN = {  # how transcribers may write what was rightly said
    "admission": (
        "Admission is forty-two dollars and fifty cents for adults and fifteen dollars for children.",
        "Admission is $42.50 for adults, and 15 dollars for children.",
    ),
    "founded": (
        "The town was founded on the fourteenth of June eighteen ninety-seven "
        "and got its railway in nineteen twenty-three.",
        "The town was founded on the 14th of June, 1897, and got its railway in 1923.",
    ),
    "tide": ("High tide is at 7 45 in the morning, and again at 8 10 in the evening.",),
    "rainfall": (
        "Only three point seven five inches of rain fell in April compared with six point two inches in March.",
    ),
    "telephone": ("Please call 555 0148 before noon or leave a message.",),
    "marathon": (
        "She finished twenty-third of twelve hundred and fifty runners in a little less than four hours.",
        "She finished 23rd of 1250 runners in a little less than 4 hours.",
    ),
    "sales": (
        "Sales rose by eighteen percent in the spring and fell by seven percent in the autumn.",
        "Sales rose by 18 per cent in the spring, and fell by 7 percent in the autumn.",
    ),
    "flight": ("Flight three eighteen now leaves from gate twenty-six instead of gate nine.",),
    "professor": (
        "Doctor Patel and Professor Kim will speak after lunch.",
        "Dr Patel and Prof Kim will speak after lunch",
    ),
    "office": ("Mister Suzuki and Mrs Delgado share an office above the bakery.",),
    "interview": ("the bbc repeated the interview on tuesday night",),
}


@pytest.mark.parametrize(("id", "written"), [(id, one) for id, ways in WRITTEN.items() for one in ways])
def test_what_is_rightly_said_is_no_error_however_it_is_written(id, written):
    (probe,) = shipped("core_en").only([id]).probes
    normalise = normalizer("whisper_english")
    assert normalise(probe.text) == normalise(written)


SMALL = ProbeSet(
    "small",
    1,
    tuple(Probe(id, id, "en", stratum) for id, stratum in {"a": "x", "b": "y", "c": "x", "d": None, "e": "z"}.items()),
)


@pytest.mark.parametrize(
    ("ids", "strata", "chosen"),
    [
        (None, None, "abcde"),
        (None, ["x"], "ac"),
        (None, ["y", "x"], "abc"),
        (["c", "b", "a", "d"], ["x", "x"], "ca"),
        (["d", "a", "d"], None, "da"),
    ],
)
def test_probes_are_chosen_by_id_and_by_stratum(ids, strata, chosen):
    found = SMALL.only(ids, strata)
    assert "".join(probe.id for probe in found.probes) == chosen
    assert (found.name, found.version) == ("small", 1)


def test_what_cannot_be_chosen_is_refused_with_what_there_is():
    with pytest.raises(DataError, match=r"probe set 'small' has no stratum 'w'; it has: x, y, z$"):
        SMALL.only(strata=["x", "w"])
    with pytest.raises(DataError, match=r"probe set 'demo' has no stratum 'short'; it has: none$"):
        shipped("demo").only(strata=["short"])
    with pytest.raises(
        DataError, match=r"no probe among .* strata x; they are: b \(y\), d \(none\); leave out probes.i"
    ):
        SMALL.only(["b", "d"], ["x"])


def entries(*pairs, **more):
    probes = [{"id": id, "text": text, **more} for id, text in pairs]
    return {"name": "x", "version": 1, "language": "en", "probes": probes}


def read(tmp_path: Path, content: object) -> ProbeSet:
    (tmp_path / "probes.yaml").write_text(yaml.safe_dump(content))
    return read_probes(tmp_path / "probes.yaml")


WRONG = {
    "twice": (entries(("a", "x"), ("a", "y")), "'a' is used twice"),
    "empty text": (entries(("a", "x"), ("b", "  ")), "'b' has an empty text"),
    "none": (entries(), "has no probes"),
    "no version": ({"name": "x", "language": "en", "probes": []}, "version"),
}


@pytest.mark.parametrize("case", WRONG)
def test_refuses(tmp_path, case):
    content, message = WRONG[case]
    with pytest.raises(DataError, match=message):
        read(tmp_path, content)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("stratum", "message"),
    [
        pytest.param(["short"], r"probes.0.stratum: .*valid string \(got \['short'\]\)", id="f30-list"),
        pytest.param({"a": 1}, r"probes.0.stratum: .*valid string", id="f30-dictionary"),
        pytest.param(7, r"probes.0.stratum: .*valid string \(got 7\)", id="f30-number"),
        pytest.param("", "the stratum '' of probe 'a' is no name; give it another one, or none", id="f34-empty"),
        pytest.param(" ", "the stratum ' ' of probe 'a' is no name", id="f34-blank"),
        pytest.param("short ", "the stratum 'short ' of probe 'a' begins or ends with white space", id="f34-ends"),
        pytest.param("\x1b[2J", r"the stratum .* of probe 'a' has the control character U\+001B", id="f20-escape"),
        pytest.param("x\ny", r"of probe 'a' has the control character U\+000A", id="f20-new-line"),
        pytest.param("x\u202ey", r"of probe 'a' has the control character U\+202E", id="f20-direction"),
        pytest.param("../x", "of probe 'a' has a '/', as paths have", id="f19-path"),
        pytest.param("x" * 101, "of probe 'a' is too long: 101 characters", id="f30-long"),
    ],
)
def test_what_is_no_stratum_is_refused(tmp_path, stratum, message):
    with pytest.raises(DataError, match=message) as refused:
        read(tmp_path, entries(("a", "x"), stratum=stratum))
    assert str(tmp_path / "probes.yaml") in str(refused.value)


def test_a_set_may_do_without_strata(tmp_path):
    assert read(tmp_path, entries(("a", "x"), stratum=None)) == read(tmp_path, entries(("a", "x")))
