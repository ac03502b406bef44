"""Scores in columns: a metric's values and weights in some trials, by utterance; a run's rows, metric by metric.

A unit is what two trials are paired by: voice, probe and seed. Columns hold a million rows in a few hundred megabytes,
and everything that is told of them is sums over columns.
"""

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics.speed import TIMINGS
from evalkit.row import FAILED, Row

Unit = tuple[str, str, int]  # voice, probe, seed
Weighted = tuple[float, float]  # value, weight
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Layout:
    """Units, and where each stands in a table of voices x probes.

    Attributes:
        names: Of the voices, in the order of the table; of several voices that are one speaker's, the speaker's.
        voices: The place of each unit's voice, shape (units,).
        probes: That of its probe, shape (units,).
        shape: Number of voices and of probes.
    """

    names: Sequence[str]
    voices: Indices
    probes: Indices
    shape: tuple[int, int]

    @classmethod
    def of(cls, units: Sequence[Unit], speakers: Mapping[str, str] = MappingProxyType({})) -> "Layout":
        """Returns the layout of units; `speakers` says whose those voices are that are not somebody's of their own."""
        whose = [speakers.get(voice, voice) for voice, _, _ in units]
        voices, probes = sorted(set(whose)), sorted({probe for _, probe, _ in units})
        by_voice, by_probe = ({name: at for at, name in enumerate(names)} for names in (voices, probes))
        return cls(
            voices,
            np.array([by_voice[speaker] for speaker in whose], np.intp),
            np.array([by_probe[probe] for _, probe, _ in units], np.intp),
            (len(voices), len(probes)),
        )

    @cached_property
    def cells(self) -> Indices:
        """The cell, voice x probe, of each unit, shape (units,)."""
        return self.voices * self.shape[1] + self.probes

    def by_cell(self, values: Floats) -> Floats:
        """Returns the sums of units' values by cell, shape (voices, probes)."""
        sums = np.bincount(self.cells, values, self.shape[0] * self.shape[1])
        return np.asarray(sums, np.float64).reshape(self.shape)

    def only(self, kept: NDArray[np.bool_]) -> "Layout":
        """Returns the layout of some of the units; the table keeps its shape."""
        return self if kept.all() else Layout(self.names, self.voices[kept], self.probes[kept], self.shape)


@dataclass(frozen=True, eq=False)
class Scores:
    """A metric in some trials.

    Attributes:
        layout: The units.
        values: Shape (trials, units); NaN where a trial has no score.
        weights: In pooled means, of the same shape; None: 1 each.
    """

    layout: Layout
    values: Floats
    weights: Floats | None = None

    @classmethod
    def of(cls, trials: Sequence[Mapping[Unit, Weighted]]) -> "Scores":
        """Returns the scores of trials that are told unit by unit."""
        units = list(dict.fromkeys(unit for trial in trials for unit in trial))
        places = {unit: at for at, unit in enumerate(units)}
        values, weights = np.full((len(trials), len(units)), np.nan), np.zeros((len(trials), len(units)))
        for at, trial in enumerate(trials):
            for unit, (value, weight) in trial.items():
                values[at, places[unit]], weights[at, places[unit]] = value, weight
        return cls(Layout.of(units), values, weights)

    def known(self, trial: int) -> NDArray[np.bool_]:
        """Returns which units a trial has, shape (units,)."""
        return np.asarray(~np.isnan(self.values[trial]), np.bool_)

    def weighing(self, trial: int) -> Floats:
        """Returns the weights of a trial, shape (units,); what they are where it has no score means nothing."""
        return np.ones(self.values.shape[1]) if self.weights is None else self.weights[trial]

    def only(self, trials: Sequence[int]) -> "Scores":
        """Returns the scores of some trials, in that order."""
        picked = None if self.weights is None else self.weights[list(trials)]
        return Scores(self.layout, self.values[list(trials)], picked)

    def without(self, voices: Collection[str]) -> "Scores":
        """Returns the scores in the other voices."""
        left_out = np.array([name in voices for name in self.layout.names], bool)[self.layout.voices]
        return replace(self, values=np.where(left_out, np.nan, self.values))


@dataclass(eq=False)
class Tally:
    """What became of a trial's utterances: how many there are, failed, were not run, or are flagged, and by what."""

    n: int = 0
    failed: int = 0
    not_run: int = 0
    flagged: int = 0
    flags: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        """Counts a row."""
        self.n += 1
        self.failed += row.state == "failed"
        self.not_run += row.state == "not_run"
        self.flagged += bool(row.flags)
        self.flags.update(row.flags)

    @property
    def wrong(self) -> int:
        """How many failed, were not run, or are flagged."""
        return self.failed + self.not_run + self.flagged


@dataclass(frozen=True, eq=False)
class Columns:
    """All that rows scored.

    Attributes:
        trials: Ids, in the order of the rows of each metric's scores.
        layout: The units.
        metrics: Values and weights by metric.
        failed: 1 where the utterance failed or was not run, 0 where it was scored, NaN where there is no row; shape
            (trials, units).
        wrong: 1 where it failed, was not run or is flagged, else as `failed`.
        tallies: What became of each trial's utterances.
        heard: Voices (or the speakers of several) whose `sim` is against clips that an engine may have heard, since
            they have no others.
    """

    trials: Sequence[str]
    layout: Layout
    metrics: Mapping[str, tuple[Floats, Floats | None]]
    failed: Floats
    wrong: Floats
    tallies: Sequence[Tally]
    heard: frozenset[str]

    def scores(self, metric: str) -> Scores:
        """Returns a metric's scores; of one that no row has, none."""
        if metric == FAILED:
            return Scores(self.layout, self.failed)
        values, weights = self.metrics.get(metric) or (np.full(self.failed.shape, np.nan), None)
        return Scores(self.layout, values, weights)


@dataclass(frozen=True)
class _Column:
    """Numbers, and the rows that have them, as they come."""

    rows: "array[int]" = field(default_factory=lambda: array("I"))
    values: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, row: int, value: float) -> None:
        self.rows.append(row)
        self.values.append(value)

    def laid(self, places: Indices, shape: tuple[int, int], absent: float) -> Floats:
        """Returns the numbers by trial and unit; `places` says where each row's stands, unit by unit."""
        laid = np.full(shape[0] * shape[1], absent)
        laid[places[np.frombuffer(self.rows, np.uint32)]] = np.frombuffer(self.values, np.float64)
        return laid.reshape(shape[1], shape[0]).T


def tabulated(rows: Iterable[Row], trials: Sequence[str]) -> Columns:
    """Returns rows in columns.

    What was timed in an earlier run, under another load, is no time of this one, and stays out.

    Args:
        rows: In any order; they are gone through once and need not stay in memory.
        trials: Ids, in the order that is wanted.
    """
    order, units = {id: at for at, id in enumerate(trials)}, dict[Unit, int]()
    places, failed, wrong = array("q"), _Column(), _Column()
    values, weights = dict[str, _Column](), dict[str, _Column]()
    tallies, heard, speakers = [Tally() for _ in order], set[str](), dict[str, str]()
    for number, row in enumerate(rows):
        unit, trial = units.setdefault((row.voice, row.probe, row.seed), len(units)), order[row.trial]
        places.append(unit * len(order) + trial)
        failed.add(number, float(row.state != "scored"))
        wrong.add(number, float(row.state != "scored" or bool(row.flags)))
        tallies[trial].add(row)
        if row.speaker is not None:
            speakers[row.voice] = row.speaker
        if row.sim_reference == "prompt":
            heard.add(row.speaker or row.voice)
        for metric, value in row.scores.items():
            if not (row.cached and metric in TIMINGS):
                _column(values, metric).add(number, value)
        for metric, weight in row.weights.items():
            _column(weights, metric).add(number, weight)
    where, shape = np.frombuffer(places, np.int64), (len(order), len(units))
    return Columns(
        list(order),
        Layout.of(list(units), speakers),
        {name: (one.laid(where, shape, np.nan), _weights(weights, name, where, shape)) for name, one in values.items()},
        failed.laid(where, shape, np.nan),
        wrong.laid(where, shape, np.nan),
        tallies,
        frozenset(heard),
    )


def _column(columns: dict[str, _Column], metric: str) -> _Column:
    found = columns.get(metric)
    return columns.setdefault(metric, _Column()) if found is None else found


def _weights(columns: Mapping[str, _Column], metric: str, where: Indices, shape: tuple[int, int]) -> Floats | None:
    return columns[metric].laid(where, shape, 1.0) if metric in columns else None
