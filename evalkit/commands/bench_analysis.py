"""`evalkit bench analysis`: what it costs to make a report's numbers of a million rows, and of the demo's.

Rows are drawn one after the other and not kept, as they are read from a file; what is measured is what comes after:
columns, the summaries of all trials, and their comparisons in every metric that has a direction.
"""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from evalkit.analysis.scores import Columns, tabulated
from evalkit.analysis.summary import Metrics, numbers
from evalkit.commands.screen import show
from evalkit.engines.base import memory
from evalkit.errors import ConfigError
from evalkit.metrics import metrics_of
from evalkit.metrics.scoring import metric_records
from evalkit.reports.layout import aligned
from evalkit.row import Row
from evalkit.trial import Trial

ROWS, TRIALS, VOICES = 1_000_000, 200, 50
DEMO = (144, 6, 12)  # rows, trials, voices
WEIGHTED = ("wer", "cer", "bleed", "rtf")
FAILED_SHARE = 0.02
TARGETS = {ROWS: (30.0, 2.0), DEMO[0]: (0.2, None)}  # seconds, GB


class Spent(NamedTuple):
    """Seconds to put rows into columns and to make numbers of them, and gigabytes at most."""

    columns: float
    numbers: float
    memory: float


def run_analysis(rows: int) -> None:
    """Prints the table.

    Raises:
        ConfigError: Fewer rows than one of each trial and voice.
    """
    if rows < TRIALS * VOICES:
        raise ConfigError(f"--utterances was {rows}, expected {TRIALS * VOICES} or more")
    metrics = metric_records(metrics_of(["campplus"], [("dnsmos_ovrl", "dnsmos")]), "whisper")
    told = []
    for size in (DEMO, (rows, TRIALS, VOICES)):
        spent = measured(*size, metrics)
        seconds, most = TARGETS.get(size[0], (None, None))
        told.append(
            [
                *(f"{one:,}" for one in size),
                *(f"{one:.2f}" for one in spent),
                f"{seconds:g} s" if seconds else "-",
                f"{most:g} GB" if most else "-",
            ]
        )
    show(f"{len(metrics)} metrics; seconds for columns and for numbers, and the most memory that the process had")
    show("\n".join(aligned(["rows", "trials", "voices", "columns", "numbers", "GB", "target", ""], told, 0)))


def measured(rows: int, trials: int, voices: int, metrics: Metrics) -> Spent:
    """Makes rows, and numbers of them."""
    made = [Trial(f"t{at:03}", "drawn", {"engine.k": at}) for at in range(trials)]
    started = time.perf_counter()
    for _ in _rows(rows, made, voices, metrics):
        pass
    drawing = time.perf_counter() - started
    started = time.perf_counter()
    columns = tabulated(_rows(rows, made, voices, metrics), [trial.id for trial in made])
    tabulating = time.perf_counter() - started - drawing
    return Spent(max(0.0, tabulating), _numbers(made, columns, metrics), memory()[0] / 1e9)


def _numbers(trials: Sequence[Trial], columns: Columns, metrics: Metrics) -> float:
    started = time.perf_counter()
    numbers(trials, columns, metrics, trials[0].id)
    return time.perf_counter() - started


def _rows(count: int, trials: Sequence[Trial], voices: int, metrics: Metrics) -> Iterator[Row]:
    """Gives rows, for each voice and text of all trials; every metric has a value."""
    random = np.random.default_rng(0)
    names = [name for name in metrics if name != "failed"]
    texts = count // (len(trials) * voices)
    weights = dict.fromkeys(WEIGHTED, 10.0)
    for voice in range(voices):
        for text in range(texts):
            drawn = random.random((len(trials), len(names) + 1))
            for trial, values in zip(trials, drawn.tolist(), strict=True):
                row = trial.id, trial.engine, trial.settings, f"v{voice}", f"p{text}", 0, "en", "words"
                if values[-1] < FAILED_SHARE:
                    yield Row(*row, state="failed")
                else:
                    yield Row(*row, scores=dict(zip(names, values, strict=False)), weights=weights)
