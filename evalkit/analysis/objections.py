"""What speaks against shipping a trial, in words; the rule is in `docs/decisions.md`."""

import re
from collections.abc import Mapping, Sequence

from evalkit.analysis.concordance import concordance
from evalkit.analysis.findings import SAME, interval_of, is_told
from evalkit.analysis.margins import Margin, allowed
from evalkit.analysis.summary import Numbers
from evalkit.errors import DataError
from evalkit.presets import Preset
from evalkit.record import Comparison, Report, TrialSummary
from evalkit.row import FAILED

P_WER_50, RTF, SHARE = "p_wer_50", "rtf", "_share"
_OWN_CODE = re.compile(r"[0-9a-f]{8}")  # in a version, after a plus: of an engine that is not evalkit's


def direction(report: Report, metric: str) -> int:
    """Returns 1 where more of a metric is better, else -1.

    Raises:
        DataError: The report has no such metric, or one that has no direction.
    """
    record = report.metrics.get(metric)
    if record is None or record.higher_is_better is None:
        raise DataError(f"run {report.run_id} decides by {metric}, of which its report does not say what is better")
    return 1 if record.higher_is_better else -1


def guards_of(report: Report, margins: Mapping[str, Margin]) -> list[str]:
    """Returns the metrics in which a winner may not be worse than a margin: the report's guards, and ways of failing.

    Raises:
        DataError: One of the report's guards has no margin, or no direction.
    """
    for name in report.guards:
        direction(report, name)
        if name not in margins:
            raise DataError(
                f"there is no margin for {name}, a guard of the report; give a file with one: --margins FILE"
            )
    failures = [FAILED, *(name for name in report.metrics if name.endswith(SHARE)), P_WER_50, RTF]
    known = [name for name in failures if name in report.metrics and name in margins]
    return [name for name in dict.fromkeys([*report.guards, *known]) if name != report.primary]


def against_report(report: Report, weights: str, shipped: Preset) -> list[str]:
    """Returns what speaks against all that a report says.

    Args:
        report: The report.
        weights: Digest of the weights with which the engine spoke.
        shipped: The preset that is recommended today.
    """
    found, dirty, evidence = list[str](), report.provenance.dirty, shipped.evidence
    if dirty is None:
        found.append("the report was made by code of no checkout, so that no commit says what it was")
    elif dirty:
        found.append("the report was made by code with changes that are in no commit; commit, and run the sweep again")
    if evidence is not None and evidence.weights_sha256 != weights:
        found.append(
            f"the engine spoke with other weights (digest {weights[:12]}) than those for which preset {shipped.name} "
            f"was shipped ({evidence.weights_sha256[:12]})"
        )
    return found


def against_trial(report: Report, trial: TrialSummary, compared: Numbers) -> list[str]:
    """Returns what speaks against a trial itself, whatever it gained over what `compared` compares with."""
    bars = [one.barred for one in (trial, *compared.trials) if one.id == trial.id and one.barred]
    found = [f"it is barred: {bars[-1]}"] if bars else []
    if harm := harm_of(trial.version):
        found.append(f"its engine was harmed on purpose: {harm} (version {trial.version})")
    if trial.settings.get("prompt.text") == "closed_loop" and _encoders(report) < 2:
        found.append(
            "its prompts' words were chosen by the encoder that scored it (prompt.text=closed_loop, one encoder); "
            "judge with two: judge.speakers=[ONE,OTHER]"
        )
    return found


def against_gain(report: Report, gain: Comparison, compared: Numbers) -> list[str]:
    """Returns what speaks against a trial's gain over what is shipped."""
    name, found = report.primary, list[str]()
    if not is_told(gain, direction(report, name)):
        return [f"no gain in {name} over what is shipped is told: {interval_of(gain)}, {gain.n_pairs} pairs"]
    if gain.scope != "population":
        found.append(
            f"its gain in {name}, {interval_of(gain)}, holds for just these voices and texts, since there is one voice "
            "or one text; run the sweep with more"
        )
    others = [one.encoder for one in report.concordance] if name == "sim" else []
    agreed = concordance(compared.trials, compared.comparisons, others, gain.trial)
    if blind := [one.encoder for one in agreed if one.contested]:
        found.append(f"its gain, {interval_of(gain)}, is contested: {', '.join(blind)} does not see it")
    return found


def against_guards(
    report: Report, pair: Sequence[TrialSummary], guards: Mapping[str, Comparison | None], margins: Mapping[str, Margin]
) -> list[str]:
    """Returns in which guards a trial is worse than a margin allows.

    Args:
        report: The report.
        pair: The trial with the shipped values, and the one that might be shipped.
        guards: Their differences by metric; None where they share no utterance with both.
        margins: By metric.
    """
    found = []
    for name, told in guards.items():
        if told is not None:
            sign = direction(report, name)
            most = allowed(margins[name], _value(pair[0], name) or 0.0, higher_is_better=sign > 0)
            found.append(_worse(told, -sign, most))
        elif name in report.guards or (name != RTF and any(_value(one, name) is not None for one in pair)):
            found.append(f"its {name} cannot be compared with that of what is shipped")
    return [fault for fault in found if fault]


def _worse(told: Comparison, sign: int, most: float) -> str | None:
    """Returns in words that a metric moved further in the worse direction, `sign`, than it may; None: it did not."""
    if sign * told.difference <= most + SAME:
        return None
    end = told.low if sign > 0 else told.high
    sure = "" if end is not None and sign * end > most else ", though that is not told"
    return f"its {told.metric} is worse by more than {most:g}{sure}: {interval_of(told)}"


def _value(trial: TrialSummary, metric: str) -> float | None:
    summary = trial.summary.get(metric)
    return None if summary is None else summary.value


def _encoders(report: Report) -> int:
    speakers = report.provenance.judges.get("speakers")
    return len(speakers) if isinstance(speakers, list) else 0


def harm_of(version: str | None) -> str | None:
    """Returns how an engine was harmed on purpose, by its version; None where it was not."""
    marks = (version or "").split("+")[1:]
    return next((mark for mark in marks if not _OWN_CODE.fullmatch(mark)), None)
