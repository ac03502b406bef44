"""Which trial of a report becomes its engine's shipped preset: the best that is told to be ahead of today's.

What is shipped today is, for each trial, the one that differs from it in nothing but the values that a preset has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evalkit.analysis.findings import SAME, is_told, plain
from evalkit.analysis.margins import Margin
from evalkit.analysis.objections import (
    against_gain,
    against_guards,
    against_report,
    against_trial,
    direction,
    guards_of,
)
from evalkit.analysis.scores import tabulated
from evalkit.analysis.summary import Numbers, numbers
from evalkit.digest import Scalar, digest
from evalkit.errors import DataError
from evalkit.presets import Preset
from evalkit.prompts.settings import PromptSettings
from evalkit.record import Comparison, Report, TrialSummary
from evalkit.row import Row
from evalkit.trial import Trial, values_of

ENGINE, PROMPT = "engine.", "prompt."
Rows = Callable[[], Sequence[Row] | None]


@dataclass(frozen=True)
class Refusal:
    """Why nothing can be shipped: no reason of anybody's can take the place of what is missing."""

    why: str


@dataclass(frozen=True)
class Candidate:
    """A trial whose values might be shipped.

    Attributes:
        trial: The trial.
        against: The one that differs from it only in having the values that are shipped today.
        gain: In the primary metric.
        guards: In the others that are looked at, by metric, where both have it.
        objections: What speaks against it.
    """

    trial: TrialSummary
    against: TrialSummary
    gain: Comparison
    guards: Mapping[str, Comparison]
    objections: tuple[str, ...]


@dataclass(frozen=True)
class Shipment:
    """What is to be shipped.

    Attributes:
        winner: Whose values they are.
        values: Of the preset.
        replaced: Those that are shipped today.
        prompt: Settings of prompts that go with them, which no preset can have.
        other: Settings of the engine that no preset has, and in which trials of the report differ.
        identity: The engine's fingerprint.
        objections: What speaks against it; none: it may be shipped.
        passed_over: Why trials that are better in the primary metric are not shipped.
    """

    winner: Candidate
    values: Mapping[str, Scalar]
    replaced: Mapping[str, Scalar]
    prompt: Mapping[str, Scalar]
    other: Mapping[str, Scalar]
    identity: Mapping[str, Any]
    objections: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()

    @property
    def weights(self) -> str:
        """Digest of the hashes of the weights with which the engine spoke."""
        return digest(self.identity.get("weights"))


def decide(
    report: Report, rows: Rows, engine: str, shipped: Preset, margins: Mapping[str, Margin]
) -> Shipment | Refusal:
    """Returns what a report says is to be shipped.

    Args:
        report: Of a run.
        rows: Gives its rows, None where there are none; asked only if the report compares with another trial.
        engine: One that the report has.
        shipped: The preset that is recommended today.
        margins: By how much each metric may be worse.

    Raises:
        DataError: A guard has no margin, or report and rows are not what a run writes.
    """
    contest = _Contest(
        *(report, rows, shipped, margins, guards_of(report, margins), direction(report, report.primary)),
        trials=[one for one in report.trials if one.engine == engine],
    )
    fault = contest.fault()
    found = Refusal(fault) if fault else contest.candidates()
    return found if isinstance(found, Refusal) else _chosen(contest, *found)


@dataclass(frozen=True)
class _Contest:
    """The trials of one engine, and all that they are held against; `sign` is the primary metric's direction."""

    report: Report
    rows: Rows
    shipped: Preset
    margins: Mapping[str, Margin]
    guards: Sequence[str]
    sign: int
    trials: Sequence[TrialSummary]
    anew: dict[str, Numbers | Refusal] = field(default_factory=dict)

    @property
    def keys(self) -> dict[str, Scalar]:
        """The values that are shipped today, as trials name them."""
        return {f"{ENGINE}{knob}": value for knob, value in self.shipped.values.items()}

    def fault(self) -> str | None:
        """Returns why nothing can be compared with what is shipped; None: something can."""
        if self.report.status != "complete":
            command = self.report.provenance.command
            return f"the report is {self.report.status}, so that it lacks utterances; finish the run: {command}"
        if lacking := [key for key in self.keys if any(key not in trial.settings for trial in self.trials)]:
            return f"the report does not say with which {', '.join(lacking)} its trials spoke; run the sweep anew"
        if not any(map(self.is_shipped, self.trials)):
            values = ", ".join(f"{key}={plain(value)}" for key, value in self.keys.items())
            return (
                f"no trial has the values that are shipped today ({values}), so that nothing says what others "
                "gain over them; add them to the grid's axes, and run it again"
            )
        return None

    def is_shipped(self, trial: TrialSummary) -> bool:
        """Whether a trial has the values that are shipped today."""
        return all(_same(trial.settings[key], value) for key, value in self.keys.items())

    def candidates(self) -> tuple[list[Candidate], list[str]] | Refusal:
        """Returns the trials that are better than all with the shipped values, the best first.

        Beside them, in words, those that can be compared with none.
        """
        found, incomparable, reached = list[Candidate](), list[str](), None
        for trial in self._ranked():
            if self.is_shipped(trial):
                reached = trial
                break
            candidate = self._candidate(trial)
            if isinstance(candidate, Refusal):
                return candidate
            if isinstance(candidate, str):
                incomparable.append(candidate)
            else:
                found.append(candidate)
        if not found:
            return Refusal("; ".join(incomparable) if incomparable else self._nothing_new(reached))
        return found, incomparable

    def _ranked(self) -> list[TrialSummary]:
        values = {one.id: own.value for one in self.trials if (own := one.summary.get(self.report.primary))}
        scored = [(value, one) for one in self.trials if (value := values.get(one.id)) is not None]
        return [one for _, one in sorted(scored, key=lambda pair: -self.sign * pair[0])]

    def _nothing_new(self, reached: TrialSummary | None) -> str:
        name = self.report.primary
        if reached is None:
            return f"no trial has a value of {name}"
        prompt = ", ".join(f"{key}={plain(value)}" for key, value in self.beside(reached)[0].items())
        beside = f" (at {prompt}, which no preset can have)" if prompt else ""
        return f"nothing to ship: the trial that is best in {name} has the values that are shipped already{beside}"

    def _candidate(self, trial: TrialSummary) -> Candidate | Refusal | str:
        """Returns a trial with what speaks against it; in words why it cannot be compared; or why none can."""
        name, against = self.name(trial), self._counterpart(trial)
        if against is None:
            return (
                f"{name} cannot be compared with what is shipped: no trial has those values, and its prompts, other "
                "settings and version"
            )
        compared = self._compared_with(against)
        if isinstance(compared, Refusal):
            return compared
        told = {one.metric: one for one in compared.comparisons if one.trial == trial.id}
        gain = told.get(self.report.primary)
        if compared.baseline != against.id or gain is None:
            return f"{name} shares no scored utterance with {self.name(against)}, which has the values shipped today"
        guards = {guard: told.get(guard) for guard in self.guards}
        objections = (
            *against_trial(self.report, trial, compared),
            *against_gain(self.report, gain, compared),
            *against_guards(self.report, (against, trial), guards, self.margins),
        )
        return Candidate(trial, against, gain, {key: one for key, one in guards.items() if one}, objections)

    def _counterpart(self, trial: TrialSummary) -> TrialSummary | None:
        """Returns the trial with the shipped values that is like another one in all else; None: there is none."""
        wanted = self._rest(trial)
        alike = [other for other in self.trials if self.is_shipped(other) and other.version == trial.version]
        return next((other for other in alike if self._rest(other) == wanted), None)

    def _rest(self, trial: TrialSummary) -> dict[str, Scalar]:
        return {key: value for key, value in trial.settings.items() if key not in self.keys}

    def _compared_with(self, baseline: TrialSummary) -> Numbers | Refusal:
        """Returns the report's numbers with a baseline of ours: its own where that is the report's too."""
        report, id = self.report, baseline.id
        if report.baseline == id:
            return Numbers(report.trials, report.baseline, report.comparisons)
        if id not in self.anew:
            self.anew[id] = _compared_anew(report, self.rows(), id)
        return self.anew[id]

    def beside(self, trial: TrialSummary) -> tuple[dict[str, Scalar], dict[str, Scalar]]:
        """Returns what goes with a trial's values: settings of prompts that are not the usual ones, and others."""
        usual, varying = PromptSettings(), self.report.varying
        prompt, other = dict[str, Scalar](), dict[str, Scalar]()
        for key, value in self._rest(trial).items():
            if not key.startswith(PROMPT):
                other |= {key: value} if key in varying else {}
            elif key in varying or getattr(usual, key.removeprefix(PROMPT), None) != value:
                prompt[key] = value
        return prompt, other

    def name(self, trial: TrialSummary) -> str:
        """Returns a trial's name for a person: its settings that vary in the report."""
        values = values_of(trial)
        return ", ".join(f"{key}={plain(values[key])}" for key in self.report.varying if key in values) or trial.id


def _same(one: Scalar, other: Scalar) -> bool:
    """Whether two values are one, as far as a report keeps digits; 1 is no truth."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= SAME
    return one == other


def _compared_anew(report: Report, rows: Sequence[Row] | None, baseline: str) -> Numbers | Refusal:
    if not rows:
        return Refusal(
            "the report compares with another trial than the one with the values that are shipped today, and there are "
            "no rows beside it to compare anew; give the run's whole folder"
        )
    trials = [Trial(one.id, one.engine, one.settings, one.version) for one in report.trials]
    if strange := {row.trial for row in rows} - {trial.id for trial in trials}:
        raise DataError(f"the rows beside the report are another run's: the report has no trial {min(strange)}")
    return numbers(trials, tabulated(rows, [trial.id for trial in trials]), report.metrics, baseline)


def _chosen(contest: _Contest, found: Sequence[Candidate], incomparable: Sequence[str]) -> Shipment:
    """Returns the first candidate that nothing speaks against; else the first that is told ahead, or nearest to it."""
    free = [one for one in found if not one.objections]
    told = [one for one in found if is_told(one.gain, contest.sign)]
    nearest = max(found, key=lambda one: contest.sign * one.gain.difference)
    winner = (free or told or [nearest])[0]
    others = [one for one in found[: found.index(winner) if free else None] if one is not winner]
    passed = [f"{contest.name(one.trial)}: {'; '.join(one.objections)}" for one in others]
    prompt, other = contest.beside(winner.trial)
    shipment = Shipment(
        winner,
        values={knob: winner.trial.settings[f"{ENGINE}{knob}"] for knob in contest.shipped.values},
        replaced=contest.shipped.values,
        prompt=prompt,
        other=other,
        identity=_identity(contest.report, winner.trial),
        objections=winner.objections,
        passed_over=(*incomparable, *passed),
    )
    general = against_report(contest.report, shipment.weights, contest.shipped)
    return replace(shipment, objections=(*general, *winner.objections))


def _identity(report: Report, trial: TrialSummary) -> Mapping[str, Any]:
    """Returns the fingerprint of a trial's engine, as the report has it; an empty one where it cannot be told."""
    engines, name = report.provenance.engines, trial.engine
    theirs = {key: one for key, one in engines.items() if key == name or key.startswith(f"{name} in ")}
    own = theirs.get(f"{name} in {trial.id}") or (next(iter(theirs.values())) if len(theirs) == 1 else None)
    return own if isinstance(own, Mapping) else {}
