"""`probes import` from the outside: what becomes of lines, tables and lists, and what is refused."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from evalkit.__main__ import main
from evalkit.corpora.texts import refuse, texts_of, with_ids
from evalkit.errors import DataError
from evalkit.names import name_fault
from evalkit.probes import read_probes
from tests.conftest import without

LINES = "# mine\nThe narrow canoe drifted past.\n\nWhy did she leave the kettle on?\n"


@pytest.fixture
def imported(tmp_path, capsys):
    """Imports a file of that name and content; returns the exit code, both outputs and the set, if there is one."""

    def command(name, content, *more):
        (tmp_path / name).write_text(content)
        out = tmp_path / "mine.yaml"
        code = main(["probes", "import", str(tmp_path / name), str(out), *more])
        shown = capsys.readouterr()
        return code, shown.out, " ".join(shown.err.split()), read_probes(out) if out.is_file() else None

    return command


def test_lines_become_probes_and_what_to_type_is_said(imported, tmp_path):
    code, out, err, made = imported("texts.txt", LINES)
    assert code == 0
    assert [(re.sub("-....$", "", probe.id), probe.text) for probe in made.probes] == [
        ("the_narrow_canoe", "The narrow canoe drifted past."),
        ("why_did_she", "Why did she leave the kettle on?"),
    ]
    assert (made.name, made.version, made.probes[0].language) == ("mine", 1, "en")
    assert out == f"python -m evalkit run +sweep=NAME probes.path={tmp_path}/mine.yaml\n"
    assert "en is taken" in err


def test_a_run_speaks_them(imported, tmp_path, typed):
    imported("texts.txt", LINES)
    assert main(["run", *without(typed, "probes.path"), f"probes.path={tmp_path}/mine.yaml"]) == 0


CSV = "id,text,stratum,language\ncanoe,The canoe drifted.,short,en\ntuer,Die Tür klemmt.,short,de\n"


def test_a_table_says_ids_strata_and_language(imported, tmp_path):
    assert imported("texts.csv", CSV)[0] == 2
    code, out, _, made = imported("texts.csv", CSV, "--language", "de", "--name", "core")
    assert code == 0
    assert [(probe.id, probe.text, probe.stratum, probe.language) for probe in made.probes] == [
        ("tuer", "Die Tür klemmt.", "short", "de")
    ]
    assert made.name == "core"
    assert "normalizer" not in out


def test_json_lines(imported):
    code, _, _, made = imported("t.jsonl", '{"text": "One two."}\n{"id": "x", "text": "Three\\n four."}\n')
    assert code == 0
    assert [probe.text for probe in made.probes] == ["One two.", "Three four."]
    assert made.probes[1].id == "x"


def test_a_list_of_seed_tts_eval_gives_its_texts_once(imported):
    code, _, _, made = imported(
        "meta.lst", "a|p|p.wav|Get the trust fund.\nb|q|q.wav|Get the trust fund.\nc|p|p.wav|Go.\n"
    )
    assert code == 0
    assert [probe.text for probe in made.probes] == ["Get the trust fund.", "Go."]


def test_ids_depend_on_the_text_alone(imported, tmp_path):
    first = imported("a.txt", LINES)[3]
    (tmp_path / "mine.yaml").unlink()
    second = imported("b.txt", "Something before.\n" + LINES)[3]
    assert [probe.id for probe in first.probes] == [probe.id for probe in second.probes][1:]


def test_changed_texts_are_a_new_version_and_only_by_force(imported):
    imported("a.txt", LINES)
    code, _, err, made = imported("a.txt", LINES)
    assert (code, made.version) == (0, 1)
    assert "has these texts already, as version 1" in err
    code, _, err, made = imported("a.txt", LINES + "And more.\n")
    assert (code, made.version) == (1, 1)
    assert "has other texts; to replace them with a new version, type the same with --force" in err
    code, _, _, made = imported("a.txt", LINES + "And more.\n", "--force")
    assert (code, made.version, len(made.probes)) == (0, 2, 3)


def test_what_transcribers_write_otherwise_is_remarked(imported):
    text = "It costs 14 pounds.\nAll is well.\nAt 5 p.m. sharp.\nSalt & pepper.\n"
    code, _, err, _ = imported("a.txt", text)
    assert code == 0
    assert re.findall(r"line (\d): .*? has ('.*?'): transcribers", err) == [("1", "'1'"), ("3", "'5'"), ("4", "'&'")]


REFUSED = {
    "same-text": ("a.txt", "One two.\nThree.\none, two\n", r"line 3: 'one, two' stands in line 1 too"),
    "no-words": ("a.txt", "One.\n...\n", r"line 2: '...' has no words"),
    "empty-cell": ("a.csv", 'text\nOne.\n""\n" "\n', r"line 3: the text is empty; line 4: the text is empty"),
    "nothing": ("a.txt", "\n# only a remark\n", "a.txt has no texts"),
    "no-column": ("a.csv", "spoken\nOne.\n", "line 2: no text; it has: spoken"),
    "same-id": ("a.csv", "id,text\nx,One.\nx,Two.\n", "line 3: the id 'x' stands in line 2 too"),
    "bad-id": ("a.csv", "id,text\n../x,One.\n", "line 2: the id '../x' has a '/'"),
    "bad-stratum": ("a.csv", "text,stratum\nOne.,a/b\n", "line 2: the stratum 'a/b' has a '/'"),
    "escape": ("a.txt", "be \x1b[2Jgone\n", r"line 1: the text has the control character U\+001B"),
    "languages": ("a.csv", "text,language\nOne.,en\nZwei.,de\n", "has texts in en, de; a set has one language"),
    "no-language": ("a.csv", "text,language\nOne.,English!\n", "line 2: the language 'English!' is no code"),
    "number": ("a.jsonl", '{"text": 1.5}', "line 1: text is 1.5; expected text"),
    "name": ("a.txt", "One.\n", "--name '../x' has a '/'"),
}


@pytest.mark.hostile
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_a_probe_is_refused_by_line(case, imported):
    name, content, message = REFUSED[case]
    code, _, err, made = imported(name, content, *(["--name", "../x"] if case == "name" else []))
    assert (code, made) == (2, None)
    assert re.search(message, err), err


@pytest.mark.hostile
def test_many_faults_are_told_and_counted(imported):
    _, _, err, _ = imported("a.csv", "text\n" + '""\n' * 9)
    assert err.count("the text is empty") == 5
    assert err.endswith("and 4 more")


@pytest.mark.hostile
@given(
    text=some.text(some.characters(codec="utf-8"), max_size=200),
    suffix=some.sampled_from(["txt", "csv", "jsonl", "lst"]),
)
def test_any_file_gives_probes_or_advice(text, suffix, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"any-texts.{suffix}"
    path.write_bytes(text.encode())
    with contextlib.suppress(DataError):
        texts = texts_of(path)
        refuse(texts, path)
        ids = with_ids(texts, path)
        assert all(name_fault(id) is None for id in ids)
        assert len(set(ids)) == len(texts)
