"""`evalkit bench gate`: what a gate says of harm, and what of no change, with the embedded engine and by simulation.

The engine, shipped as it is, is the baseline; candidates are the same harmed in each way of `engine=spoil`, gated on
the same voices and texts. No change: pairs of runs that differ in nothing but their texts, of the same strata, gated
for new voices and texts; and simulated pairs, between which nothing is different but chance, gated as a panel.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np

from evalkit.analysis.margins import Margin, read_margins
from evalkit.analysis.pairing import Match, Run, matched
from evalkit.analysis.scores import Floats
from evalkit.analysis.verdicts import Gate, judge
from evalkit.commands.bench import BenchError
from evalkit.commands.screen import show, tell
from evalkit.engines.spoil import Harm
from evalkit.errors import ConfigError
from evalkit.metrics import metrics_of
from evalkit.metrics.scoring import metric_records
from evalkit.probes import read_probes
from evalkit.record import Provenance, Report, TrialSummary
from evalkit.reports.baselines import read_run
from evalkit.reports.layout import aligned
from evalkit.resources import resource
from evalkit.row import Row

RUNS = 1000  # simulated pairs
SWEEP = ("+sweep=gate", "judge=demo")
PANEL = ("probes=demo", "seeds=[0,1]")
STRATA = ("short", "names", "questions", "hard_consonants")
PAIRS = 3  # of real runs without a change
FALSE_ALARMS = 0.05
VOICES, TEXTS, SEEDS = 12, 7, 2  # of the simulated panel: the size of the real one
SHARES = ("truncated_share", "runaway_share", "silent_share", "clipped_share", "bleed_share")
SIM, SIM_SPREADS, WORDS, ERROR_RATE, RARE = 0.4, (0.15, 0.03, 0.035), 10, 0.02, 0.03


class Said(NamedTuple):
    """What a gate said of a pair of runs."""

    name: str
    gate: Gate


def run_gate_bench(runs: int) -> None:
    """Prints what gates say; synthesises some 1,300 utterances, which the store keeps.

    Raises:
        ConfigError: `runs` is below 1.
        BenchError: A run failed.
    """
    if runs < 1:
        raise ConfigError(f"--runs was {runs}, expected 1 or more")
    margins = read_margins(resource("configs/gate.yaml"))
    with tempfile.TemporaryDirectory(prefix="evalkit-bench-") as scratch:
        show("harm: the engine as it is shipped against itself, harmed; a panel of "
             f"{VOICES} voices x {TEXTS} texts x {SEEDS} seeds")  # fmt: skip
        _show_said(_harmed(Path(scratch), margins))
        show("\nno change: pairs of runs with other texts of the same strata, for new voices and texts")
        _show_said(_unchanged(Path(scratch), margins))
    wrong = sum(simulated_alarm(seed, margins) for seed in range(runs))
    show(f"\nno change, simulated: a regression in {wrong} of {runs} pairs, {wrong / runs:.1%} "
         f"(target: {FALSE_ALARMS:.0%} or less)")  # fmt: skip


def _show_said(said: Sequence[Said]) -> None:
    rows = [
        [
            one.name,
            one.gate.state,
            ", ".join(verdict.metric for verdict in one.gate.verdicts if verdict.state == "regression") or "-",
        ]
        for one in said
    ]
    show("\n".join(aligned(["candidate", "verdict", "regression in"], rows, 3)))


def _harmed(scratch: Path, margins: dict[str, Margin]) -> list[Said]:
    clean = _run(scratch / "clean", "engine=kokoro", *PANEL)
    found = [Said("none", _gated(clean, _run(scratch / "again", "engine=kokoro", *PANEL), margins))]
    for harm in get_args(Harm):
        if harm != "none":
            candidate = _run(scratch / harm, "engine=spoil", f"engine.harm={harm}", *PANEL)
            found.append(Said(harm, _gated(clean, candidate, margins)))
    return found


def _gated(baseline: Run, candidate: Run, margins: dict[str, Margin]) -> Gate:
    return judge(baseline, candidate, matched(baseline.report, candidate.report), margins)


def _unchanged(scratch: Path, margins: dict[str, Margin]) -> list[Said]:
    """Gates runs that speak the first, second, ... text of each stratum, two by two, their texts named by strata."""
    probes = read_probes(resource("probes/core_en.yaml")).probes
    by_stratum = [[probe.id for probe in probes if probe.stratum == stratum] for stratum in STRATA]
    runs = []
    for at in range(2 * PAIRS):
        ids = ",".join(own[at] for own in by_stratum)
        run = _run(scratch / f"texts {at}", "engine=kokoro", f"probes.ids=[{ids}]")
        runs.append(replace(run, rows=[replace(row, probe=row.stratum or row.probe) for row in run.rows]))
    return [
        Said(f"pair {at + 1}", judge(one, other, matched(one.report, other.report), margins, "population"))
        for at, (one, other) in enumerate(zip(runs[::2], runs[1::2], strict=True))
    ]


def _run(reports: Path, *typed: str) -> Run:
    """Types a run; its sounds stay in the store that runs share."""
    command = [sys.executable, "-m", "evalkit", "run", *SWEEP, *typed, "page.make=false", f"reports_dir='{reports}'"]
    tell(f"running: {' '.join(command[2:])}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(command)} ended with exit code {done.returncode}: {done.stderr[-500:]}")
    return read_run(Path(done.stdout.splitlines()[-1]))


def simulated_alarm(seed: int, margins: dict[str, Margin]) -> bool:
    """Whether a gate calls a regression what is none: two runs of one panel, drawn with nothing but chance between."""
    random = np.random.default_rng(seed)
    shape = VOICES, TEXTS
    effects = SIM + SIM_SPREADS[0] * random.normal(size=(VOICES, 1)) + SIM_SPREADS[1] * random.normal(size=(1, TEXTS))
    rates = np.clip(ERROR_RATE * np.exp(random.normal(0, 0.5, (VOICES, 1)) + random.normal(0, 1, (1, TEXTS))), 0, 0.5)
    shares = RARE * np.exp(random.normal(0, 0.5, shape))
    baseline, candidate = (
        Run(name, _report(name), list(_rows(random, effects, rates, shares))) for name in ("baseline", "candidate")
    )
    match = Match(baseline.report.trials[0], candidate.report.trials[0])
    return judge(baseline, candidate, [match], margins).state == "regression"


def _rows(random: np.random.Generator, effects: Floats, rates: Floats, shares: Floats) -> Iterator[Row]:
    for voice, text in np.ndindex(*effects.shape):
        for seed in range(SEEDS):
            row = Row("trial", "simulated", {}, f"v{voice}", f"p{text}", seed, "en", "words")
            if random.random() < RARE:
                yield replace(row, state="failed")
                continue
            wer = random.binomial(WORDS, rates[voice, text]) / WORDS
            scores: dict[str, float] = {
                "sim": float(effects[voice, text] + SIM_SPREADS[2] * random.normal()),
                "wer": float(wer),
                "p_wer_50": float(wer > 0.5),
                "dnsmos_ovrl": float(3 + 0.2 * random.normal()),
                "rtf": float(np.exp(random.normal(-1.5, 0.1))),
                **{name: float(random.random() < shares[voice, text]) for name in SHARES},
            }
            yield replace(row, scores=scores, weights={"wer": float(WORDS)}, audio=f"{random.integers(2**62)}")


def _report(name: str) -> Report:
    told = Provenance("simulated", None, None, "", "", "cpu", {}, {}, {}, [0])
    metrics = metric_records(metrics_of(["simulated"], [("dnsmos_ovrl", "dnsmos")]), "simulated")
    trial = TrialSummary("trial", "simulated", {}, VOICES * TEXTS * SEEDS, 0, {})
    return Report(name, "", "simulated", "", "", "complete", told, {}, metrics, trials=[trial])
