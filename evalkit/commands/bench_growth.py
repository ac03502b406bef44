"""`evalkit bench growth`: what a row costs when there are a thousand of them, and when there are a hundred thousand.

Runs of the shipped fakes, each a process of its own: fresh, where all is synthesised and judged, and its repeat, where
all comes from the store. What does not depend on the rows (start-up, prompts, the voices' own recordings) is told apart
by watching the run's events, since it would hide what grows.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml

from evalkit.audio import Audio
from evalkit.commands.bench import BenchError
from evalkit.commands.display import Silent
from evalkit.commands.run import run
from evalkit.commands.screen import show
from evalkit.errors import ConfigError
from evalkit.pipeline.events import Event, RowsMade, StageBegun
from evalkit.whistle import whistle

ROWS = 100_000
SIZES = (1_000, 10_000, ROWS)
FEW, TRIES = 1_000, 3  # so few rows take so little time that the best of some tries is shown
VOICES = 100
DROPPED = (None, 4)  # engine.drop_every: one trial says every word, the other leaves some out
LOWEST_HUM, HUM_STEP = 100.0, 3.0  # Hz
CLIPS = 4  # of a voice, the last one held out
NOISE = 0.4  # in that one, as loud as the whistling
SENTENCE = 5  # words: 1.1 s of whistling
WORDS = (
    "river candle window hammer pencil garden rocket button marble mirror basket thunder copper island tiger velvet "
    "ladder orange purple silver winter summer morning evening letter number yellow bridge forest valley"
)
_CHILD = "import sys; from evalkit.commands.bench_growth import watched; sys.exit(watched(sys.argv[1:]))"


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, and those of the processors."""

    wall: float
    processor: float

    def since(self, other: "Spent") -> "Spent":
        """Returns what was spent since another moment."""
        return Spent(self.wall - other.wall, self.processor - other.processor)

    def shared(self, rows: int) -> "Spent":
        """Returns a row's share in milliseconds."""
        return Spent(1e3 * self.wall / rows, 1e3 * self.processor / rows)

    def __str__(self) -> str:
        return f"{self.wall:7.2f} {f'({self.processor:.2f})':>9}"


@dataclass(frozen=True)
class Measured:
    """A run.

    Attributes:
        rows: What was spent from the first batch to the last, interim reports included.
        report: From then to the end of the run.
        total: Of the process, from its start to its end.
        memory_bytes: The most that the process had.
    """

    rows: Spent
    report: Spent
    total: Spent
    memory_bytes: int

    @property
    def start(self) -> Spent:
        """What was spent before the first batch."""
        return self.total.since(self.rows).since(self.report)


class Stopwatch(Silent):
    """A display that shows nothing, and notes when the first batch began and when the latest rows were made."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[Spent] = []

    def hear(self, event: Event) -> None:
        """See `Listener.hear`."""
        super().hear(event)
        if isinstance(event, RowsMade) or (isinstance(event, StageBegun) and event.stage == "synthesis"):
            self.moments = [*self.moments[:1], _now()]


def watched(arguments: Sequence[str]) -> int:
    """Runs a sweep as `run` does and prints, as the last line, what was spent on rows and on the report."""
    stopwatch = Stopwatch()
    code = run(arguments, lambda _: stopwatch)
    begun, latest = stopwatch.moments
    show(json.dumps([asdict(latest.since(begun)), asdict(_now().since(latest))]))
    return code


def _now() -> Spent:
    return Spent(time.perf_counter(), time.process_time())


def run_growth(most: int, voices: int = VOICES, tries: int = TRIES) -> None:
    """Prints the table, of up to `most` rows; of few rows, the best of some tries.

    Raises:
        ConfigError: So many rows cannot be made of that many voices.
    """
    whole = len(DROPPED) * voices
    if most <= 0 or most % whole:
        raise ConfigError(f"--utterances was {most}, expected a multiple of {whole}: 2 trials of {voices} voices each")
    show(f"{voices} voices x 2 trials x sentences of {SENTENCE} words, fakes; {os.cpu_count()} cores")
    show("seconds, in brackets those of the processors; `rows` from the first batch to the last, `ms a row` its share;")
    show("`start`: start-up, prompts, the voices' own recordings; `report`: the numbers at the end")
    titles = ("start", "rows", "report", "total", "ms a row", "against the first")
    show(f"{'rows':>7} {'run':6}{''.join(f'{title:>18}' for title in titles)} {'peak MB':>8} {'kB a row':>8}")
    first: dict[str, tuple[int, Measured]] = {}
    for size in [*(size for size in SIZES if size < most), most]:
        for name, found in _runs(size, voices, tries if size <= FEW else 1):
            show(_line(name, (size, found), first.setdefault(name, (size, found))))
    show("targets: fresh 8 ms a row; a repeat of 100,000 rows 60 s and 1,500 MB; against the first 0.8 to 1.2")


def _line(name: str, own: tuple[int, Measured], first: tuple[int, Measured]) -> str:
    (size, found), (least, smallest) = own, first
    share, base = found.rows.shared(size), smallest.rows.shared(least)
    against = Spent(share.wall / base.wall, share.processor / base.processor)
    grown = (found.memory_bytes - smallest.memory_bytes) / 1e3
    spent = (found.start, found.rows, found.report, found.total, share, against)
    a_row = f"{grown / (size - least):8.1f}" if size > least else f"{'-':>8}"
    return f"{size:7,} {name:6}{''.join(f' {one}' for one in spent)} {found.memory_bytes / 1e6:8,.0f} {a_row}"


def _runs(size: int, voices: int, tries: int) -> Iterator[tuple[str, Measured]]:
    """Gives a fresh run and its repeat, the best of so many tries each."""
    with tempfile.TemporaryDirectory(prefix="evalkit-bench-") as scratch:
        folder = Path(scratch)
        typed = _corpus(folder, size // len(DROPPED) // voices, voices)
        fresh = [_run([*typed, f"store={folder}/store{number}"]) for number in range(tries)]
        yield "fresh", min(fresh, key=lambda one: one.rows.wall)
        again = [_run([*typed, f"store={folder}/store0"]) for _ in range(tries)]
        yield "repeat", min(again, key=lambda one: one.rows.wall)


def _run(typed: Sequence[str]) -> Measured:
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", _CHILD, *typed], stdout=subprocess.PIPE, text=True) as process:
        printed = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    total = Spent(time.perf_counter() - started, usage.ru_utime + usage.ru_stime)
    if process.returncode:
        raise BenchError(f"evalkit run {' '.join(typed)} ended with exit code {process.returncode}")
    rows, report = (Spent(**one) for one in json.loads(printed.splitlines()[-1]))
    return Measured(rows, report, total, usage.ru_maxrss * 1024)


def _corpus(folder: Path, probes: int, voices: int) -> list[str]:
    """Writes voices and probes; returns what is to be typed to run them."""
    words = random.Random(0)
    for number in range(voices):
        _voice(folder / f"voices/v{number:03}", LOWEST_HUM + HUM_STEP * number, words)
    texts: dict[str, None] = {}
    while len(texts) < probes:
        texts[_sentence(words)] = None
    entries = [{"id": f"p{number:04}", "text": text} for number, text in enumerate(texts)]
    (folder / "probes.yaml").write_text(
        yaml.safe_dump({"name": "growth", "version": 1, "language": "en", "probes": entries}), encoding="utf-8"
    )
    dropped = ",".join("null" if one is None else str(one) for one in DROPPED)
    return [
        *("engine=tone", "judge=fake", "ears=fake", f"engine.drop_every={dropped}", "page.make=false"),
        *(f"voices.path={folder}/voices", f"probes.path={folder}/probes.yaml"),
        *(f"transcripts={folder}/transcripts", f"reports_dir={folder}/reports"),
    ]


def _voice(folder: Path, hum: float, words: random.Random) -> None:
    import soundfile

    folder.mkdir(parents=True)
    clips = []
    for number in range(CLIPS):
        text, file, is_last = _sentence(words), f"clip{number}.wav", number == CLIPS - 1
        audio = whistle(text, hum)
        if is_last:  # short whistles are so alike that one would be taken for a copy of another
            noise = np.random.default_rng(number).normal(0, NOISE, len(audio.samples))
            audio = Audio(audio.samples + noise.astype(np.float32), audio.sample_rate)
        soundfile.write(folder / file, audio.samples, audio.sample_rate, subtype="FLOAT")
        clips.append({"file": file, "text": text, "use": "held_out" if is_last else "prompt"})
    (folder / "voice.yaml").write_text(yaml.safe_dump({"clips": clips}), encoding="utf-8")


def _sentence(words: random.Random) -> str:
    return " ".join(words.choices(WORDS.split(), k=SENTENCE))
