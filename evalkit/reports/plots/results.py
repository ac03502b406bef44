"""What plots are drawn from: a report, its rows in columns, and how its metrics, settings and trials are called."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from evalkit.analysis.calibration import mean_ends
from evalkit.analysis.findings import SCOPES, plain
from evalkit.analysis.scores import Columns, tabulated
from evalkit.record import Comparison, MetricRecord, Report, Summary, TrialSummary
from evalkit.reports.decisions import number, signed
from evalkit.reports.plots.drawing import shown
from evalkit.reports.terminal import short_names, varying_in
from evalkit.row import Row
from evalkit.trial import values_of

OWN = "each alone"  # intervals of means do not hold together; those of comparisons do
TOGETHER = "all together"


@dataclass(frozen=True, eq=False)
class Results:
    """A report and its rows, as plots ask for them."""

    report: Report
    rows: Sequence[Row]

    @cached_property
    def columns(self) -> Columns:
        """The rows of the report's trials, in its order."""
        ids = [trial.id for trial in self.report.trials]
        return tabulated((row for row in self.rows if row.trial in set(ids)), ids)

    @cached_property
    def metrics(self) -> list[str]:
        """The primary metric and the guards, those that some trial has a value of."""
        asked = dict.fromkeys([self.report.primary, *self.report.guards])
        return [name for name in asked if name in self.report.metrics and any(self.valued(name))]

    @cached_property
    def varying(self) -> list[str]:
        """The settings in which trials differ."""
        return varying_in(self.report)

    @cached_property
    def named(self) -> dict[str, TrialSummary]:
        """Trials by id."""
        return {trial.id: trial for trial in self.report.trials}

    @cached_property
    def baseline(self) -> TrialSummary | None:
        """The trial that others are compared with."""
        return self.named.get(self.report.baseline or "")

    @cached_property
    def best(self) -> TrialSummary | None:
        """The trial that is called best."""
        return self.named.get(self.report.best or "")

    @cached_property
    def foremost(self) -> TrialSummary | None:
        """The best trial; where none is called so, the one whose difference in the primary metric is the most."""
        sign = self.sign(self.report.primary)
        found = [one for one in self.compared(self.report.primary) if one.trial in self.named]
        ahead = max(found, key=lambda one: sign * one.difference, default=None)
        return self.best or (self.named[ahead.trial] if ahead else None)

    def record(self, metric: str) -> MetricRecord:
        """Returns what a metric is."""
        return self.report.metrics[metric]

    def sign(self, metric: str) -> int:
        """Returns 1 where more of a metric is better, or nobody says, else -1."""
        record = self.report.metrics.get(metric)
        return -1 if record is not None and record.higher_is_better is False else 1

    def compared(self, metric: str) -> list[Comparison]:
        """Returns the comparisons of a metric."""
        return [one for one in self.report.comparisons if one.metric == metric]

    def valued(self, metric: str) -> Iterator[TrialSummary]:
        """Gives the trials that have a value of a metric."""
        return (one for one in self.report.trials if value_of(one, metric) is not None)

    def ends(self, metric: str) -> tuple[float, float] | None:
        """Returns a metric's mean floor and ceiling over voices, where it has them."""
        record = self.record(metric)
        if record.unit != "cosine":
            return None
        return mean_ends(self.report.calibration.values(), record.judge)

    def room_for_levels(self, metric: str) -> float:
        """Returns the inches that what floor and ceiling are called takes at the right of axes."""
        return 0.18 if self.ends(metric) is None else 0.6

    def axis(self, metric: str) -> str:
        """Returns a metric's name for an axis: with its unit, and which way is better."""
        record = self.record(metric)
        way = {True: ", higher is better", False: ", lower is better", None: ""}[record.higher_is_better]
        return f"{metric.upper()} ({record.unit}){way}"

    def label(self, trial: TrialSummary, other: TrialSummary | None = None) -> str:
        """Returns a trial's name: its settings that vary, by their short names; only those that `other` has not."""
        values, theirs = values_of(trial), {} if other is None else values_of(other)
        shorts = zip(short_names(self.varying), self.varying, strict=True)
        told = [(short, key) for short, key in shorts if key in values]
        apart = [one for one in told if one[1] not in theirs or repr(theirs[one[1]]) != repr(values[one[1]])]
        return ", ".join(f"{shown(short)}={value_name(values[key])}" for short, key in apart or told) or trial.id


def summary_of(trial: TrialSummary, metric: str) -> Summary:
    """Returns what a trial comes to in a metric; nothing where it was not taken."""
    return trial.summary.get(metric) or Summary(None)


def value_of(trial: TrialSummary, metric: str) -> float | None:
    """Returns a trial's mean."""
    return summary_of(trial, metric).value


def ends_of(told: Summary | Comparison) -> tuple[float, float] | None:
    """Returns an interval, where there is one."""
    return None if told.low is None or told.high is None else (told.low, told.high)


def in_words(summary: Summary) -> str:
    """Returns a mean with its interval."""
    ends = ends_of(summary)
    return number(summary.value) + (f" [{number(ends[0])}, {number(ends[1])}]" if ends else " (no interval)")


def difference_in_words(told: Comparison) -> str:
    """Returns a difference with its interval."""
    ends = ends_of(told)
    return signed(told.difference) + (f" [{signed(ends[0])}, {signed(ends[1])}]" if ends else " (no interval)")


def scope_note(told: Sequence[Summary | Comparison], how: str) -> list[str]:
    """Returns what intervals hold for, in a note; of none, that there are none."""
    scopes = dict.fromkeys(one.scope for one in told if ends_of(one))
    notes = [f"{SCOPES[scope]}, {how}" for scope in scopes]
    if any(ends_of(one) is None for one in told):
        notes.append("open marks: no interval can be told, there is no spread")
    return notes


def setting_axis(key: str) -> str:
    """Returns a setting's name for an axis, with its unit where the name tells it."""
    return f"{shown(key)} (s)" if key.endswith("seconds") else shown(key)


def value_name(value: object) -> str:
    """Returns a setting's value as a person would type it, the middle of a long one left out."""
    return shown(plain(value))
