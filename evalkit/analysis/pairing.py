"""Two runs beside each other: which of their trials match, and their rows, paired."""

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from evalkit.analysis.findings import plain
from evalkit.analysis.scores import Columns, tabulated
from evalkit.errors import DataError
from evalkit.metrics.speed import SPEED
from evalkit.record import Report, TrialSummary
from evalkit.row import Row

OF_THE_MACHINE = frozenset(metric.name for metric in SPEED)  # what another machine, or another load, changes
MANY_SEEDS = 1_000_000  # above any seed's rank: trials that are pooled are told apart by it


@dataclass(frozen=True, eq=False)
class Run:
    """A run's report and rows, under the name that its reader gave it."""

    name: str
    report: Report
    rows: Sequence[Row]


@dataclass(frozen=True)
class Match:
    """A trial of each run with the same settings; the engine's version may differ."""

    baseline: TrialSummary
    candidate: TrialSummary


def _settings(trial: TrialSummary) -> str:
    """Returns what trials are matched by, and told apart by in messages."""
    return ", ".join([trial.engine, *(f"{key}={plain(value)}" for key, value in sorted(trial.settings.items()))])


def matched(baseline: Report, candidate: Report) -> list[Match]:
    """Returns the trials that match, in the candidate's order; a single one on each side matches whatever it is.

    Raises:
        DataError: None match, or several trials of one run have the same settings.
    """
    if len(baseline.trials) == len(candidate.trials) == 1:
        return [Match(baseline.trials[0], candidate.trials[0])]
    theirs, own = _by_settings(baseline), _by_settings(candidate)
    found = [Match(theirs[key], trial) for key, trial in own.items() if key in theirs]
    if not found:
        raise _refused(
            f"no trial of {candidate.run_id} has the settings of one of {baseline.run_id}: "
            f"{'; '.join(list(own)[:2])} against {'; '.join(list(theirs)[:2])}"
        )
    return found


def _by_settings(report: Report) -> dict[str, TrialSummary]:
    found: dict[str, TrialSummary] = {}
    for trial in report.trials:
        if (one := found.setdefault(_settings(trial), trial)) is not trial:
            raise _refused(
                f"{report.run_id} has two trials with the settings {_settings(trial)} (versions {one.version} and "
                f"{trial.version}): which is meant cannot be told; run one version at a time"
            )
    return found


def require_all(baseline: Run, candidate: Run, matches: Sequence[Match]) -> None:
    """Checks that both runs were asked for the same: whoever says less must not pass for it.

    Raises:
        DataError: A trial has no match, or one says a text in a voice more often than the other.
    """
    for run, ids in (
        (baseline, {match.baseline.id for match in matches}),
        (candidate, {match.candidate.id for match in matches}),
    ):
        if alone := next((trial for trial in run.report.trials if trial.id not in ids), None):
            raise _refused(
                f"{run.name} has the trial {_settings(alone)}, the other run does not: gate runs of the same trials"
            )
    for match in matches:
        ones, others = _told_times(baseline, match.baseline.id), _told_times(candidate, match.candidate.id)
        if wrong := sorted(place for place in {*ones, *others} if ones[place] != others[place]):
            voice, probe = wrong[0]
            raise _refused(
                f"voice {voice}, probe {probe}: {ones[wrong[0]]} utterances in {baseline.name}, "
                f"{others[wrong[0]]} in {candidate.name}; gate runs of the same voices, probes and number of seeds"
            )


def _told_times(run: Run, trial: str) -> Counter[tuple[str, str]]:
    return Counter((row.voice, row.probe) for row in run.rows if row.trial == trial)


def timed_elsewhere(baseline: Run, candidate: Run) -> str:
    """Returns why times and memory of two runs do not compare; empty where they do."""
    ones, others = baseline.report.provenance, candidate.report.provenance
    for what, one, other in (("machine", ones.platform, others.platform), ("device", ones.device, others.device)):
        if one != other:
            return f"taken on another {what} ({one}, {other})"
    return ""


def _refused(message: str) -> DataError:
    """Returns the error; names come from reports, and none may break its line."""
    return DataError(" ".join(message.split()))


def side_by_side(baseline: Run, candidate: Run, matches: Sequence[Match]) -> Columns:
    """Returns matched trials in columns, of each match the baseline's and then the candidate's.

    Rows are paired by voice, text, and the rank of their seeds: seeds are draws, and any pairing of draws is as good.
    """
    ids = [f"{at} {side}" for at in range(len(matches)) for side in ("baseline", "candidate")]
    baselines = {match.baseline.id: f"{at} baseline" for at, match in enumerate(matches)}
    candidates = {match.candidate.id: f"{at} candidate" for at, match in enumerate(matches)}
    rows = [*_relabelled(baseline.rows, baselines), *_relabelled(candidate.rows, candidates)]
    return tabulated(rows, ids)


def pooled(baseline: Run, candidate: Run, matches: Sequence[Match]) -> Columns:
    """Returns all matched trials as one, the baseline's first; within a voice and text, trials are told apart as seeds.

    The columns' trials are `baseline` and `candidate`.
    """
    rows = [
        replace(row, trial=side, seed=order[id] * MANY_SEEDS + row.seed)
        for side, run, order in (
            ("baseline", baseline, {match.baseline.id: at for at, match in enumerate(matches)}),
            ("candidate", candidate, {match.candidate.id: at for at, match in enumerate(matches)}),
        )
        for id, row in _ranked(run.rows, order)
    ]
    return tabulated(rows, ["baseline", "candidate"])


def _relabelled(rows: Sequence[Row], names: Mapping[str, str]) -> Iterator[Row]:
    for id, row in _ranked(rows, names):
        yield replace(row, trial=names[id])


def _ranked(rows: Sequence[Row], ids: Container[str]) -> Iterator[tuple[str, Row]]:
    """Gives the rows of some trials, with their seeds' ranks in place of seeds."""
    own = [row for row in rows if row.trial in ids]
    seeds: dict[tuple[str, str, str], list[int]] = {}
    for row in own:
        seeds.setdefault((row.trial, row.voice, row.probe), []).append(row.seed)
    ranks = {place: {seed: at for at, seed in enumerate(sorted(found))} for place, found in seeds.items()}
    for row in own:
        yield row.trial, replace(row, seed=ranks[row.trial, row.voice, row.probe][row.seed])
