"""Fixtures: voices that `tone` clones, and the command as a user types it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import soundfile
import yaml

from evalkit.__main__ import main
from evalkit.engines.tone import whistle
from evalkit.weights.assets import library

HUMS = {"ann": 150.0, "ben": 220.0, "cat": 300.0}
EMBEDDED = ("whisper_base_ct2", "campplus", "ge2e", "kokoro_int8", "kokoro_voices")  # what package registries have
SENTENCES = ("one two three four five", "six seven eight nine ten", "red green blue black white", "north south east")
HELD_OUT = "this was never heard"

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium")

Command = Callable[..., subprocess.CompletedProcess[str]]


# What packages that we load warn of, and only their authors can mend; put on the modules that load them. Whatever else
# is warned of fails a test.
PACKAGES_WARN = [
    pytest.mark.filterwarnings(known)
    for known in (
        r"ignore:`torch\.jit\.\w+` is deprecated:DeprecationWarning",  # torch 2.9 to 2.11; UTMOS is published so, and
        r"ignore:`torch\.jit\.\w+` is deprecated:FutureWarning",  # later ones; Vocos and others script as they load
        "ignore:'audioop' is deprecated:DeprecationWarning",  # pydub, which f5-tts imports
        "ignore:Couldn't find ffmpeg or avconv:RuntimeWarning",  # the same; nothing here asks it to read a file
    )
]


def pytest_configure() -> None:
    """Lets Ctrl-C reach the commands that tests stop, even where the tests were started in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)  # after -m and -k have chosen: torch takes seconds to import
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if library().missing(EMBEDDED):
        _skip(items, "weights", "weights are missing; type: python -m evalkit fetch --sweep demo")
    if any(item.get_closest_marker("gpu") for item in items):
        import torch

        if not torch.cuda.is_available():
            _skip(items, "gpu", "needs a CUDA device")


def _skip(items: list[pytest.Item], marker: str, reason: str) -> None:
    for item in items:
        if item.get_closest_marker(marker):  # not item.keywords, which also has the names of folders, `weights` too
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Lets what hostile input left in the log reach the process that prints: half a character is no UTF-8."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Counts the hostile cases where nothing else was asked for: `make hostile`."""
    if config.option.markexpr != "hostile":
        return
    held, *others = (len(terminalreporter.stats.get(outcome, ())) for outcome in ("passed", "failed", "error"))
    skipped = len(terminalreporter.stats.get("skipped", ()))
    told = f"{held + sum(others)} cases, {held} held, {sum(others)} not held"
    terminalreporter.write_line(f"hostile and clumsy input: {told}{f', {skipped} skipped' if skipped else ''}")


def make_voice(folder: Path, hum: float, *, held_out: bool = True, rate: int = 16_000) -> Path:
    """Writes a voice of whistled clips with a voice.yaml."""
    folder.mkdir(parents=True)
    texts = [*SENTENCES, *([HELD_OUT] if held_out else [])]
    clips = []
    for index, text in enumerate(texts):
        audio = whistle(text, hum).resampled(rate)
        soundfile.write(folder / f"clip{index}.wav", audio.samples, rate, subtype="FLOAT")
        clips.append({"file": f"clip{index}.wav", "text": text, "use": "held_out" if text == HELD_OUT else "prompt"})
    (folder / "voice.yaml").write_text(yaml.safe_dump({"clips": clips, "language": "en", "licence": "CC0-1.0"}))
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium, gone with its module: playwright's loop runs as long, and bears no other beside it."""
    if CHROMIUM is None:
        pytest.skip("needs a browser: Debian's package chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield found
        found.close()


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    folder = tmp_path / "voices"
    for name, hum in HUMS.items():
        make_voice(folder / name, hum)
    return folder


@pytest.fixture
def probes(tmp_path: Path) -> Path:
    path = tmp_path / "probes.yaml"
    texts = {"fox": "the quick brown fox", "dog": "jumps over a lazy dog", "sun": "a cold sun rose late"}
    entries = [{"id": id, "text": text} for id, text in texts.items()]
    path.write_text(yaml.safe_dump({"name": "tiny", "version": 1, "language": "en", "probes": entries}))
    return path


@pytest.fixture
def typed(tmp_path: Path, voices: Path, probes: Path) -> list[str]:
    """What is typed after `run` for a small run of the fakes."""
    return [
        "engine=tone",
        "judge=fake",
        "ears=fake",
        f"voices.path={voices}",
        f"probes.path={probes}",
        f"store={tmp_path}/store",
        f"transcripts={tmp_path}/transcripts",
        f"reports_dir={tmp_path}/reports",
        "page.make=false",  # but where the page is what is tested: it takes longer than the run
    ]


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., list[str]]:
    """Writes options of one's own, e.g. `engine={"mine": {...}}`; returns what is typed so that a run finds them."""

    def write(**groups: dict[str, dict[str, object]]) -> list[str]:
        for group, options in groups.items():
            (tmp_path / "own" / group).mkdir(parents=True, exist_ok=True)
            for name, node in options.items():
                header = "# @package _global_\n" if group == "sweep" else ""
                (tmp_path / "own" / group / f"{name}.yaml").write_text(header + yaml.safe_dump(node))
        return ["--config-dir", str(tmp_path / "own")]

    return write


@pytest.fixture(scope="session")
def chroma_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with Chroma: the snapshot that `EVALKIT_CHROMA_DIR` names, else our stand-in.

    All tests of what Chroma must do ask for this one. Some cannot, since they are about what no snapshot does when told
    to; they write a stand-in of their own:

    - words that are known beforehand: what was meant, whole, in parts, cut short, or misread, also in a sweep
      (`tests/tiny_chroma.py` repeats the text, or says it backwards; a snapshot says what it likes);
    - mishaps: a code without sound, speech that ends at once, code that spoils its weights, older transformers.
    """
    if snapshot := os.environ.get("EVALKIT_CHROMA_DIR"):
        return Path(snapshot).resolve()
    from tests import tiny_chroma  # imports torch

    return tiny_chroma.write(tmp_path_factory.mktemp("tiny") / "chroma")


def environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "140"}


@pytest.fixture
def evalkit(tmp_path: Path) -> Command:
    """Runs `python -m evalkit ...` in an empty folder."""

    def command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "evalkit", *arguments],
            cwd=tmp_path,
            env={**environment(), **variables},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return command


def without(typed: list[str], *keys: str) -> list[str]:
    """Leaves out what is typed for some keys, since a key typed twice is refused."""
    return [word for word in typed if word.split("=")[0] not in keys]


@dataclass(frozen=True)
class Ran:
    """What a run in this process ended with."""

    code: int
    out: str
    err: str
    reports: Path

    @property
    def folder(self) -> Path:
        return max(self.reports.glob("*/*"), key=lambda folder: folder.name)

    @property
    def rows(self) -> list[dict]:
        return rows_of(self.folder)

    @property
    def report(self) -> dict:
        return report_of(self.folder)

    @property
    def log(self) -> str:
        return (self.folder / "run.log").read_text()


@pytest.fixture
def run(typed: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs the fakes in this process, with more typed; what is typed anew takes the place of what `typed` has."""

    def command(*more: str, drop: tuple[str, ...] = ()) -> Ran:
        keys = [word.split("=")[0] for word in more]
        code = main(["run", *more, *without(typed, *keys, *drop)])
        shown = capfd.readouterr()
        return Ran(code, shown.out, shown.err, tmp_path / "reports")

    return command


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    """Waits for a condition as long as anything may take; fails at once if the process that it is about has ended."""
    for _ in range(12_000):
        if condition():
            return
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError("it never came true")


def folder_of(done: subprocess.CompletedProcess[str]) -> Path:
    """Returns the run's folder: the last line of standard output."""
    return Path(done.stdout.splitlines()[-1])


def rows_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "utterances.jsonl").read_text().splitlines()]


def report_of(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text())
