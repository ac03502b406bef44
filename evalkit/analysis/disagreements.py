"""In what two runs differ, field by field.

Scores compare only where the same judges heard the same texts in the same voices. All else may differ, often it is the
question.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.analysis.findings import plain
from evalkit.analysis.pairing import Run
from evalkit.digest import digest
from evalkit.errors import DataError
from evalkit.names import visible
from evalkit.record import MetricRecord, Report
from evalkit.trial import VERSION, values_of

SHOWN = 60  # characters of a value


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


def disagreements(baseline: Run, candidate: Run) -> list[Disagreement]:
    """Returns in what two runs differ, what keeps scores from being compared first.

    Raises:
        DataError: What a report says of its judges or engines is nested too deeply.
    """
    one, other = baseline.report, candidate.report
    names = _short_names(one, other)
    try:
        found = [
            *_differing("judges", _judges(one), _judges(other), is_barrier=True),
            *_differing("metrics", *_measures(one, other), is_barrier=True),
            *_differing("probes", _texts(baseline), _texts(candidate), is_barrier=True),
            *_differing("voices", _recordings(baseline), _recordings(candidate), is_barrier=True),
            *_differing("", _trials(one, names), _trials(other, names), is_barrier=False),
            *_differing("prompts", _prompts(baseline, names), _prompts(candidate, names), is_barrier=False),
            *_differing("", _circumstances(one), _circumstances(other), is_barrier=False),
        ]
    except RecursionError as error:
        raise DataError(f"{baseline.name} or {candidate.name} is nested too deeply to be compared") from error
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
    texts: dict[str, set[str]] = {}
    for row in run.rows:
        texts.setdefault(row.probe, set()).add(f"[{row.language}] {row.text}")
    return {probe: " / ".join(sorted(found)) for probe, found in texts.items()}


def _measures(baseline: Report, candidate: Report) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns what each metric is that both have; one that a run lacks is not compared, and no barrier."""
    shared = [name for name in baseline.metrics if name in candidate.metrics]
    one, other = ({name: _measure(report.metrics[name]) for name in shared} for report in (baseline, candidate))
    return one, other


def _measure(record: MetricRecord) -> dict[str, Any]:
    better = {None: "neither", True: "higher", False: "lower"}[record.higher_is_better]
    fields = ("unit", "pooled_by", "compares_with")
    return {"better": better, **{field: getattr(record, field) for field in fields}}


def _recordings(run: Run) -> dict[str, str]:
    told = run.report.recordings
    return {voice: _summed_up(told.get(voice, ())) for voice in sorted({*told, *(row.voice for row in run.rows)})}


def _summed_up(addresses: Sequence[str]) -> str:
    return f"{len(addresses)} recordings, digest {digest([visible(one) for one in addresses])[:8]}"


def _trials(report: Report, names: Mapping[str, str]) -> dict[str, Any]:
    """Returns trials' versions by name; of the one of two runs that have one each, all that it was told."""
    if not any(names.values()):
        return {"trial": {key: plain(value) for trial in report.trials for key, value in values_of(trial).items()}}
    return {"trials": {names[trial.id]: f"version {trial.version}" for trial in report.trials}}


def _short_names(*reports: Report) -> dict[str, str]:
    """Returns trials' names by id: the engine, and settings in which any two differ; none where each run has one."""
    trials = [trial for report in reports for trial in report.trials]
    if all(len(report.trials) == 1 for report in reports):
        return {trial.id: "" for trial in trials}
    told = [{key: plain(value) for key, value in values_of(trial).items()} for trial in trials]
    keys = [key for key in dict.fromkeys(key for one in told for key in one) if key not in ("engine", VERSION)]
    varying = [key for key in keys if len({one.get(key) for one in told}) > 1]
    return {
        trial.id: ", ".join([trial.engine, *(f"{key}={one[key]}" for key in varying if key in one)])
        for trial, one in zip(trials, told, strict=True)
    }


def _prompts(run: Run, names: Mapping[str, str]) -> dict[str, str]:
    """Returns what each voice's prompt is in each trial."""
    return {
        ", ".join(
            part for part in (names[row.trial], row.voice) if part
        ): f"{row.prompt.seconds:.2f} s, {row.prompt.sha256[:8]}"
        for row in run.rows
        if row.prompt is not None
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
