"""Each command that a page tells its reader to type is typed here, or in `test_readme`.

Runs are typed as they stand with `dry_run=true`: they are planned whole, without weights that only a model hub has, or
the minutes and the GPU that they take. Commands that read runs read committed ones, in a folder of its own.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from evalkit.__main__ import BENCHES, main
from evalkit.resources import resource
from tests.conftest import HUMS, make_voice
from tests.documented import PAGES, ROOT, Typed, blocks, typed_commands

DEMO, GATED, NEXT = (
    *("reports/demo/20261125T023431625-9f613a", "reports/gate/20261125T024550917-ec54dd"),
    "reports/gate/20261125T025019116-f835e4",
)
STANDS_FOR = {
    "reports/SWEEP/RUN": DEMO,
    "reports/SWEEP/OLD": "reports/baselines/kokoro_cpu",
    "reports/SWEEP/NEW": NEXT,
    "reports/gate/OLD": GATED,
    "reports/gate/NEW": NEXT,
    "reports/gate/RUN --baseline NAME": f"{GATED} --baseline kokoro_cpu",
    "reports/gate/RUN": GATED,
    "engine=NAME": "engine=tone",
    "/path/to/other/bin/python": sys.executable,
    "~/voice/bin/python": sys.executable,
}
WITH_MODELS = "typed with real models in tests/test_readme.py"
ELSEWHERE = {
    **{("docs/index.md", kind): WITH_MODELS for kind in ("run",)},
    ("docs/prompts.md", "transcript"): WITH_MODELS,
    # On sources of the names that the page uses, one after the other: tests/corpora/test_voices_page.py
    **{("docs/voices.md", kind): "tests/corpora/test_voices_page.py" for kind in ("voices", "probes", "run")},
    ("docs/listening.md", "votes"): "its files are what a browser exports: tests/reports/page/test_listening.py",
}
ENDS = {
    "gate": {0, 1, 3},
    "doctor": {0, 1},
}  # a verdict, and a machine without weights, are answers; all others end with 0
SHELL_ALONE = {"git switch main", "git switch my-branch"}  # of the reader's own repository

COMMANDS = [one for one in typed_commands() if one.words]
HERE = [one for one in COMMANDS if (one.page, one.words.split()[0]) not in ELSEWHERE]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with committed reports, a store, voices, an engine and a sweep of one's own, as pages lay them out."""
    home = tmp_path_factory.mktemp("typed")
    for kind in ("demo", "gate", "baselines"):
        shutil.copytree(ROOT / "reports" / kind, home / "reports" / kind)
    for name, hum in HUMS.items():
        make_voice(home / "my_voices" / name, hum)
    (code,), (node,) = (blocks("docs/adding-an-engine.md", language) for language in ("python", "yaml"))
    (sweep,) = blocks("docs/recipes.md", "yaml")
    for path, text in (("parrot.py", code), ("engine/parrot.yaml", node), ("sweep/tempo.yaml", sweep)):
        place = home / path if path == "parrot.py" else home / "my_configs" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (home / ".evalkit/store").mkdir(parents=True)
    return home


@pytest.fixture(autouse=True)
def _unshipped(home: Path) -> None:
    """Puts presets into `before`, as they were before the demo's winner was shipped."""
    shutil.rmtree(home / "before", ignore_errors=True)
    shutil.copytree(resource("configs/shipped"), home / "before/shipped")
    path = home / "before/shipped/kokoro.yaml"
    told = yaml.safe_load(path.read_text())
    told["presets"]["shipped"] = {"source": "by hand", **told["presets"]["shipped"]["evidence"]["replaced"]}
    path.write_text(yaml.safe_dump(told))


def as_typed(line: str) -> list[str]:
    """Returns a command's words with what stands for something put in; a run is planned only."""
    for name, meant in STANDS_FOR.items():
        line = line.replace(name, meant)
    words = shlex.split(line.partition(" > ")[0])
    if words[0] == "run" and "dry_run=true" not in words:
        words.append("dry_run=true")
    if words[0] == "fetch":
        words.append("--list")  # it looks up what is to be fetched, and fetches nothing
    if words[0] == "ship":
        words += ["--configs", "before"]
    return words


@pytest.mark.parametrize("command", HERE, ids=lambda one: f"{one.page}: {one.words}")
def test_a_command_of_a_page_does_something(command: Typed, home, monkeypatch, capfd):
    monkeypatch.chdir(home)
    monkeypatch.syspath_prepend(home)
    monkeypatch.setenv("COLUMNS", "80")
    words = as_typed(command.words)
    if "engine.python" in command.line:  # its worker lives as long as the process that started it
        typed = [sys.executable, "-m", "evalkit", *words]
        assert subprocess.run(typed, env={**os.environ, "PYTHONPATH": f".:{ROOT}"}, check=False).returncode == 0
        return
    code = main(words)
    shown = capfd.readouterr()
    assert code in ENDS.get(words[0], {0}), shown.err
    assert shown.out, "it says nothing"


def test_what_ship_wrote_is_what_it_would_write(home, monkeypatch, capfd):
    monkeypatch.chdir(home)
    monkeypatch.setenv("COLUMNS", "80")
    (shown,) = (block for block in blocks("docs/recipes.md", "") if "-m evalkit ship" in block)
    command, _, *printed = shown.splitlines()
    assert main(as_typed(command.partition("-m evalkit ")[2])) == 0
    told = capfd.readouterr().out.replace("before/shipped", "configs/shipped").splitlines()
    assert told[: len(printed) - 1] == printed[:-1]
    written = "written: configs/shipped/kokoro.yaml, preset shipped, which is what"
    assert printed[-1].startswith(written)
    assert " ".join(told[len(printed) - 1 :]).startswith(written)


@pytest.mark.parametrize("line", sorted({one.line for one in typed_commands() if not one.words}))
def test_a_command_of_another_program_is_known(line):
    if line in SHELL_ALONE:
        return
    program, *words = shlex.split(line)
    assert program == "make"
    done = subprocess.run(["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_sentences_are_commands(page, capsys):
    text = re.sub(r"```.*?```", "", resource(page).read_text(), flags=re.DOTALL)
    for said in re.findall(r"`(?:\.venv/bin/)?python -m evalkit ([^`]+)`", " ".join(text.split())):
        name, *words = shlex.split(said)
        if name == "COMMAND":
            continue
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
        assert name != "bench" or words[0] in BENCHES
    capsys.readouterr()
