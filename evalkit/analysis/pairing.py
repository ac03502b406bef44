"""Two runs beside each other: in what they differ, which of their trials match, and their rows, paired.

Scores compare only where the same judges heard the same texts in the same voices. All else may differ, often it is the
question: it is listed field by field.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evalkit.analysis.findings import plain
from evalkit.analysis.scores import Columns, tabulated
from evalkit.digest import digest
from evalkit.errors import DataError
from evalkit.record import Report, TrialSummary
from evalkit.row import Row

SHOWN = 60  # characters of a value
MANY_SEEDS = 1_000_000  # above any seed's rank: trials that are pooled are told apart by it


@dataclass(frozen=True, eq=False)
class Run:
    """A run's report and rows, under the name that its reader gave it."""

    name: str
    report: Report
    rows: Sequence[Row]


@dataclass(frozen=True)
class Disagreement:
    """A field in which two runs differ.

    Attributes:
        field: Where, e.g. `judges.asr.revision`.
        baseline: What the baseline has.
        candidate: What the candidate has.
        is_barrier: Whether scores do not compare because of it.
    """

    field: str
    baseline: str
    candidate: str
    is_barrier: bool


@dataclass(frozen=True)
class Match:
    """A trial of each run with the same settings; the engine's version may differ."""

    baseline: TrialSummary
    candidate: TrialSummary


def disagreements(baseline: Run, candidate: Run) -> list[Disagreement]:
    """Returns in what two runs differ, what keeps scores from being compared first."""
    found = [
        *_differing("judges", _judges(baseline.report), _judges(candidate.report), is_barrier=True),
        *_differing("probes", _texts(baseline), _texts(candidate), is_barrier=True),
        *_differing("voices", _recordings(baseline), _recordings(candidate), is_barrier=True),
        *_differing("prompts", _prompts(baseline), _prompts(candidate), is_barrier=False),
        *_differing("", _circumstances(baseline.report), _circumstances(candidate.report), is_barrier=False),
    ]
    return sorted(found, key=lambda one: not one.is_barrier)


def _differing(
    where: str, ones: Mapping[str, Any], others: Mapping[str, Any], *, is_barrier: bool
) -> Iterator[Disagreement]:
    for key in dict.fromkeys([*ones, *others]):
        one, other = ones.get(key), others.get(key)
        field = ".".join(part for part in (where, key) if part)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from _differing(field, one, other, is_barrier=is_barrier)
        elif one != other:
            yield Disagreement(field, _shown(one), _shown(other), is_barrier)


def _shown(value: Any) -> str:
    """Returns a value in short; lists by how many and their first."""
    if value is None:
        return "not there"
    text = " ".join(plain(value).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _judges(report: Report) -> dict[str, Any]:
    """Returns what judges are, each under its name; ears make prompts, which are compared themselves."""
    found: dict[str, Any] = {}
    for key, value in report.provenance.judges.items():
        if key != "ears":
            found[key] = {str(at): one for at, one in enumerate(value)} if isinstance(value, list) else value
    return found


def _texts(run: Run) -> dict[str, str]:
    return {row.probe: f"[{row.language}] {row.text}" for row in run.rows}


def _recordings(run: Run) -> dict[str, str]:
    return {
        voice: f"{len(addresses)} recordings, {addresses[0][:8] if addresses else 'none'}..., digest "
        f"{digest(list(addresses))[:8]}"
        for voice, addresses in run.report.recordings.items()
    }


def _prompts(run: Run) -> dict[str, str]:
    """Returns what each voice's prompt is in each trial, by their settings."""
    named = {trial.id: _settings(trial) for trial in run.report.trials}
    return {
        f"{named[row.trial]}, {row.voice}": f"{row.prompt.seconds:.2f} s, {row.prompt.sha256[:8]}"
        for row in run.rows
        if row.prompt is not None and row.trial in named
    }


def _circumstances(report: Report) -> dict[str, Any]:
    """Returns what may differ: engines, packages, machine, commit."""
    told = report.provenance
    return {
        "engines": told.engines,
        "packages": told.packages,
        "python": told.python,
        "platform": told.platform,
        "device": told.device,
        "commit": told.commit,
        "seeds": ", ".join(map(str, told.seeds)),
    }


def _settings(trial: TrialSummary) -> str:
    return ", ".join([trial.engine, *(f"{key}={plain(value)}" for key, value in sorted(trial.settings.items()))])


def matched(baseline: Report, candidate: Report) -> list[Match]:
    """Returns the trials that match, in the candidate's order; a single one on each side matches whatever it is.

    Raises:
        DataError: None match, or several trials of one run have the same settings.
    """
    theirs: dict[str, TrialSummary] = {}
    for trial in baseline.trials:
        if theirs.setdefault(_settings(trial), trial) is not trial:
            raise DataError(
                f"{baseline.run_id} has two trials with the settings {_settings(trial)} (versions "
                f"{theirs[_settings(trial)].version} and {trial.version}): which is meant cannot be told"
            )
    found = [Match(theirs[key], trial) for trial in candidate.trials if (key := _settings(trial)) in theirs]
    if not found and len(baseline.trials) == len(candidate.trials) == 1:
        found = [Match(baseline.trials[0], candidate.trials[0])]
    if not found:
        raise DataError(
            f"no trial of {candidate.run_id} has the settings of one of {baseline.run_id}: "
            f"{'; '.join(map(_settings, candidate.trials[:2]))} against {'; '.join(list(theirs)[:2])}"
        )
    if len({one.baseline.id for one in found}) < len(found):
        raise DataError(f"{candidate.run_id} has several trials with the same settings: gate one version at a time")
    return found


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
    order = {id: at for at, match in enumerate(matches) for id in (match.baseline.id, match.candidate.id)}
    rows = [
        replace(row, trial=side, seed=order[id] * MANY_SEEDS + row.seed)
        for side, run, ids in (
            ("baseline", baseline, {match.baseline.id for match in matches}),
            ("candidate", candidate, {match.candidate.id for match in matches}),
        )
        for id, row in _ranked(run.rows, ids)
    ]
    return tabulated(rows, ["baseline", "candidate"])


def _relabelled(rows: Sequence[Row], names: Mapping[str, str]) -> Iterator[Row]:
    for id, row in _ranked(rows, names):
        yield replace(row, trial=names[id])


def _ranked(rows: Sequence[Row], ids: Mapping[str, str] | set[str]) -> Iterator[tuple[str, Row]]:
    """Gives the rows of some trials, with their seeds' ranks in place of seeds."""
    own = [row for row in rows if row.trial in ids]
    seeds: dict[tuple[str, str, str], list[int]] = {}
    for row in own:
        seeds.setdefault((row.trial, row.voice, row.probe), []).append(row.seed)
    ranks = {place: {seed: at for at, seed in enumerate(sorted(found))} for place, found in seeds.items()}
    for row in own:
        yield row.trial, replace(row, seed=ranks[row.trial, row.voice, row.probe][row.seed])
