"""Axes typed twice, paths with a tilde, names that Hydra takes for values."""

import re

import pytest

from evalkit.__main__ import main
from evalkit.config.app import run_app
from evalkit.config.grid import cells, opened, split_axes
from evalkit.errors import ConfigError, DataError
from tests.conftest import make_voice

pytestmark = pytest.mark.hostile


@pytest.mark.parametrize(
    ("grids", "typed", "message"),
    [
        pytest.param([], ["engine.k=1,2", "engine.k=3,4"],
                     "engine.k is an axis twice, engine.k=1,2 and engine.k=3,4: write one", id="f13-typed-twice"),
        pytest.param([], ["engine.k=1,2", "engine.k=range(3,5)"], "engine.k is an axis twice", id="f13-as-a-range"),
        pytest.param([["engine.k=1,2", "prompt.seconds=3", "engine.k=3"]], [],
                     "engine.k is an axis twice, engine.k=1,2 and engine.k=3", id="f13-in-a-grid"),
        pytest.param([["engine=a,b", "engine=c,d"]], [], "engine is an axis twice", id="f13-engines"),
        pytest.param([], ["engine.k=1,2", "engine.k=3"],
                     "engine.k is both an axis and a value, engine.k=1,2 and engine.k=3", id="f13-axis-and-value"),
    ],
)  # fmt: skip
def test_a_doubled_axis_is_refused(grids, typed, message):
    fixed, axes = split_axes(typed)
    with pytest.raises(ConfigError, match=re.escape(message)):
        cells(grids, axes, fixed)


@pytest.mark.parametrize(
    ("grids", "typed", "count"),
    [
        pytest.param([["engine.k=1,2"], ["engine.k=3"]], [], 3, id="f13-two-grids-may-share-a-key"),
        pytest.param([["engine.k=1,2"]], ["engine.k=3,4,5"], 3, id="f13-typed-replaces-the-sweep"),
        pytest.param([["engine.k=1,2"]], ["engine.k=3"], 1, id="f13-a-value-replaces-an-axis"),
        pytest.param([], ["engine.k=1", "engine.k=2"], 1, id="f13-values-are-hydra-s-the-last-wins"),
    ],
)
def test_what_is_no_doubled_axis(grids, typed, count):
    fixed, axes = split_axes(typed)
    assert len(cells(grids, axes, fixed)) == count


def refused(capfd, *typed):
    code = main(list(typed))
    shown = capfd.readouterr()
    assert (code, shown.out, len(shown.err.splitlines())) == (2, "", 1)
    return shown.err


TILDES = ["engine.python=~/x", "store=~/x", "voices.path=~/x"]


@pytest.mark.parametrize("override", [pytest.param(one, id=f"f33-{one}") for one in TILDES])
@pytest.mark.parametrize("command", [["run"], ["transcript", "show", "ann"]])
def test_a_bare_tilde_is_answered_with_what_to_type(capfd, command, override):
    key, value = override.split("=")
    said = refused(capfd, *command, "engine=tone", override)
    assert f"put it in quotes of its own, '{key}='\"'\"'{value}'\"'\"''" in said


@pytest.mark.parametrize("key", ["store", "reports_dir", "transcripts"])
def test_f33_a_tilde_in_quotes_is_home(typed, tmp_path, monkeypatch, key):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    configs = []
    rest = [word for word in typed if not word.startswith(f"{key}=")]
    assert run_app([*rest, f"{key}='~/x'"], lambda plan, config: configs.append(config) or 0) == 0
    assert getattr(configs[0], key) == tmp_path / "home/x"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        pytest.param("store='~nobody_here/x'", "store: the path '~nobody_here/x' begins with the home of a user",
                     id="f33-no-such-user"),
        pytest.param("engine.python='~nobody_here/x'", "path '~nobody_here/x' begins with", id="f33-no-such-python"),
        pytest.param("voices.path='~nobody_here/x'", "the path '~nobody_here/x' begins with", id="f33-no-such-voices"),
        pytest.param("engine.python='~/no_python_here'", "engine.python=~/no_python_here: there is no such program",
                     id="f33-no-such-program"),
        pytest.param("name=" + "x" * 101, "name: string should have at most 100 characters", id="f20-long-sweep-name"),
        pytest.param("voices.path=/tmp/" + "x" * 300, "has a part of 300 bytes", id="f30-long-path"),
        pytest.param("voices.names=[null]", "to Hydra a name like null, true or 1e3 is a value", id="f34-null"),
        pytest.param("voices.names=[1e3]", "put it in quotes of its own, \"'1e3'\"", id="f34-1e3"),
    ],
)  # fmt: skip
def test_paths_and_names_that_cannot_be(typed, capfd, override, message):
    rest = [word for word in typed if word.split("=")[0] != override.split("=")[0]]
    assert message in refused(capfd, "run", *rest, override)


@pytest.mark.parametrize(
    ("name", "typed_name"),
    [
        pytest.param("1234", "[1234]", id="f34-digits"),
        pytest.param("1234", "1234", id="f34-digits-alone"),
        pytest.param("null", "['null']", id="f34-null"),
        pytest.param("1e3", "['1e3']", id="f34-1e3"),
        pytest.param("a b", "[a b]", id="f34-blank"),
    ],
)
def test_voices_with_unusual_names_can_be_chosen(typed, voices, name, typed_name):
    make_voice(voices / name, 260.0)
    plans = []
    assert run_app([*typed, f"voices.names={typed_name}"], lambda plan, config: plans.append(plan) or 0) == 0
    assert [voice.name for voice in plans[0].voices] == [name]


def test_f35_a_bad_voice_can_be_excluded(typed, voices):
    (voices / "ben/voice.yaml").write_bytes(b"\xff")
    with pytest.raises(DataError, match="is not UTF-8"):
        run_app(typed, lambda plan, config: 0)
    plans = []
    run_app([*typed, "voices.exclude=[ben]"], lambda plan, config: plans.append(plan) or 0)
    assert [voice.name for voice in plans[0].voices] == ["ann", "cat"]


@pytest.mark.parametrize(
    ("typed", "given"),
    [
        ("engine.extra.temperature=0.6", "++engine.extra.temperature=0.6"),
        ("engine.of.extra.top_k=1,2", "++engine.of.extra.top_k=1,2"),
        ("engine.knobs.speed=range(1,3)", "++engine.knobs.speed=range(1,3)"),
        ("+engine.extra.temperature=0.6", "+engine.extra.temperature=0.6"),
        ("engine.extra={a: 1}", "engine.extra={a: 1}"),
        ("engine.temperature=0.6", "engine.temperature=0.6"),
        ("prompt.extra.a=1", "prompt.extra.a=1"),
    ],
)
def test_names_that_only_the_user_knows_are_new_to_hydra(typed, given):
    assert opened([typed]) == [given]
