"""YAML that people write, clumsily or with malice: refused with its line, before it takes memory."""

import json
import re

import pytest
from pydantic import TypeAdapter, ValidationError

from evalkit.errors import DataError
from evalkit.manifest import describe, inside, read_manifest


def read(tmp_path, text: str | bytes, kind=dict):
    path = tmp_path / "a.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_manifest(path, kind)


def bomb(levels: int) -> str:
    """Ten to the power of `levels` values in a hundred bytes a level."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, levels)]
    return "\n".join(lines)


WRONG = {
    "f13-doubled-key": ("clips: []\nname: x\nclips: [1]", r"line 3: the key 'clips' stands there twice; keep one"),
    "f13-doubled-inside": ("a:\n  - {b: 1, c: 2, b: 3}", r"line 2: the key 'b' stands there twice"),
    "f13-doubled-in-quotes": ("a: 1\n'a': 2", r"line 2: the key 'a'"),
    "f21-bomb": (bomb(9), r"line 4: aliases stand for more than 10000 values"),
    "f21-many-aliases": ("a: &a [1, 2, 3]\nb: [" + "*a, " * 3000 + "]", r"line 2: aliases stand for more than"),
    "f21-merged-bomb": (
        "a0: &a0 {k: &k [" + "x, " * 2000 + "]}\n" + "\n".join(f"b{n}: {{<<: *a0}}" for n in range(6)),
        r"line 6: aliases stand for more than",
    ),
    "f21-endless": ("a: &a [*a]", r"line 1: \*a stands for nothing that is whole"),
    "f30-nul": ("a: 1\nb: \0", r"is not YAML: line 2: the character U\+0000 is not allowed"),
    "f30-deep": ("a: " + "[" * 3000 + "]" * 3000, r"line 1.*(nested more than 40 deep|maximum nesting)"),
    "f30-deep-blocks": ("\n".join(" " * n + "a:" for n in range(60)), r"line 41: .*nested more than 40 deep"),
    "f30-digits": ("a: 1\nb: " + "9" * 5000, r"line 2: a number of 5000 digits; put it in quotes if it is text"),
    "f30-hexadecimal": ("a: 0x" + "f" * 5000, r"line 1: a number of 5002 digits"),
    "f30-float": ("a: 1." + "9" * 5000, r"line 1: a number of 5002 digits"),
    "f30-half-a-pair": ('a: 1\nb: "\\ud800"', r"line 2"),
    "f30-no-utf8": (b"a: caf\xe9", r"is not UTF-8 text \(line 1, byte 0xe9\); save it as UTF-8"),
    "f30-object": ("a: !!python/object/apply:os.system [true]", r"line 1: the tag .*os.system' is not read"),
    "f30-tag": ("a: !!int 'abc'", r"line 1: the tag"),
    "f30-list-as-key": ("? [a]\n: b", r"is not YAML: line 1"),
    "f30-two-documents": ("a: 1\n---\na: 2", r"is not YAML: line 2.*another document"),
    "f30-tab": ("a:\n\tb: 1", r"is not YAML: line 2"),
    "f30-unclosed": ("a: [1,\nb", r"is not YAML: line \d"),
}


@pytest.mark.hostile
@pytest.mark.parametrize("case", WRONG)
def test_refuses(tmp_path, case):
    text, message = WRONG[case]
    with pytest.raises(DataError, match=message) as refused:
        read(tmp_path, text)
    assert str(tmp_path / "a.yaml") in str(refused.value)
    assert len(str(refused.value).replace(str(tmp_path), "")) < 300
    assert "\n" not in str(refused.value)


RIGHT = {
    "f13-keys-of-two-mappings": ("a: {x: 1}\nb: {x: 2}", {"a": {"x": 1}, "b": {"x": 2}}),
    "f21-an-alias": ("a: &a [1, 2]\nb: *a", {"a": [1, 2], "b": [1, 2]}),
    "f21-merged": ("a: &a {x: 1, y: 1}\nb:\n  <<: *a\n  y: 2", {"a": {"x": 1, "y": 1}, "b": {"x": 1, "y": 2}}),
    "f30-a-date-is-text": ("a: 2024-13-45\nb: 2024-01-02", {"a": "2024-13-45", "b": "2024-01-02"}),
    "f30-digits-in-quotes": (f"a: '{'9' * 5000}'", {"a": "9" * 5000}),
    "f30-byte-order-mark": ("\ufeffa: 1", {"a": 1}),
    "f34-name-null": ("a: 'null'\nb: \"1e3\"", {"a": "null", "b": "1e3"}),
}


@pytest.mark.hostile
@pytest.mark.parametrize("case", RIGHT)
def test_reads(tmp_path, case):
    text, expected = RIGHT[case]
    assert read(tmp_path, text) == expected


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("a\0b", r"'a\\x00b' has the control character U\+0000", id="f30-nul-in-a-path"),
        pytest.param("x" * 300 + ".wav", "has a part of 304 bytes, file systems take 255", id="f30-long-file-name"),
        pytest.param("../a.wav", "leaves the folder", id="f19-leaves"),
        pytest.param("/etc/passwd", "leaves the folder", id="f19-absolute"),
    ],
)
def test_a_file_is_inside(tmp_path, name, message):
    with pytest.raises(DataError, match=message):
        inside(tmp_path, name, tmp_path / "voice.yaml")


@pytest.mark.hostile
@pytest.mark.parametrize(
    "value",
    [
        pytest.param([["x" * 1000] * 1000] * 1000, id="f21-large"),
        pytest.param({str(key): {"_target_": "x" * 500} for key in range(500)}, id="f45-whole-configuration"),
        pytest.param(10**5000, id="f30-digits"),
        pytest.param("\x1b[31m" * 1000, id="f20-escapes"),
    ],
)
def test_a_finding_quotes_a_value_briefly(value):
    with pytest.raises(ValidationError) as found:
        TypeAdapter(bool).validate_python(value)
    said = describe(found.value, "here")
    assert said.startswith("here: ")
    assert len(said) < 400
    assert "\x1b" not in said


def test_many_findings_are_counted():
    with pytest.raises(ValidationError) as found:
        TypeAdapter(list[int]).validate_python(["x"] * 12)
    assert describe(found.value).endswith("; and 7 more")
    assert describe(found.value).count("(got 'x')") == 5


def test_json_is_yaml_too(tmp_path):
    content = {"files": {f"file{number}": {"sha256": "0" * 64, "bytes": number} for number in range(50)}}
    assert read(tmp_path, json.dumps(content, indent=2)) == content


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=re.escape(f"no YAML file at {tmp_path}/b.yaml: No such file")):
        read_manifest(tmp_path / "b.yaml", dict)
