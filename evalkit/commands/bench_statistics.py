"""`evalkit bench statistics`: how often intervals hold the truth, and how wide they are, where both are known.

Differences are drawn as effects of voices, of texts, and a rest. Width is relative to the interval that would do if the
variance were known. Beside it stands what a plain crossed-effects interval takes (mean squares of voices, texts and
rest, Satterthwaite's degrees of freedom, nothing pooled), for single trials of balanced tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from evalkit.analysis.crossed import Floats
from evalkit.analysis.stats import LEVEL, Unit, Weighted, compare
from evalkit.commands.screen import show
from evalkit.errors import ConfigError
from evalkit.reports.layout import aligned

RUNS = 1000
LEAST, MEAN = 0.93, (0.94, 0.975)  # coverage of each case; of all on average
DEGREES = 3  # of freedom, of a rest with heavy tails
MISSING = 0.3
ERROR_RATE, RUNAWAYS = 0.05, 0.01

Scores = Mapping[Unit, Weighted]
Rest = Literal["normal", "heavy", "words"]


@dataclass(frozen=True)
class Case:
    """What is drawn.

    Attributes:
        voices: How many.
        probes: How many.
        spread: Standard deviations of voices, probes and rest; of the logarithm of the error rate for `words`.
        trials: Beside the baseline; all have effects of their own.
        rest: `normal`; `heavy` tails; `words`: errors among words, as many as thrice the text's in
            one of a hundred.
        seeds: Of each voice and probe.
        missing: Share of a trial's utterances that failed.
    """

    voices: int
    probes: int
    spread: tuple[float, float, float]
    trials: int = 1
    rest: Rest = "normal"
    seeds: int = 1
    missing: float = 0.0

    @property
    def name(self) -> str:
        """What it is, in words."""
        more: list[str] = [self.rest] if self.rest != "normal" else []
        more += [f"{self.seeds} seeds"] if self.seeds > 1 else []
        more += [f"{self.missing:.0%} missing"] if self.missing else []
        return ", ".join([f"{self.voices} x {self.probes}, {'/'.join(f'{one:g}' for one in self.spread)}", *more])


CASES = (
    Case(4, 4, (0, 0, 1)),
    Case(8, 4, (0, 0, 1)),
    Case(8, 4, (1, 0, 0.3)),
    Case(10, 10, (0.5, 0.5, 1)),
    Case(20, 30, (0, 0, 1)),
    Case(8, 8, (0.5, 0.5, 0.5), rest="words"),
    Case(4, 4, (0.5, 0.5, 1)),
    Case(40, 4, (0.5, 0.5, 1)),
    Case(8, 8, (0.5, 0.5, 1), rest="heavy"),
    Case(4, 4, (0.5, 0.5, 1), seeds=3),
    Case(6, 8, (0.5, 0.3, 1), missing=MISSING),
    Case(4, 4, (1, 0.3, 0.3), trials=5),
    Case(4, 4, (1, 0.3, 0.3), trials=30),
    Case(4, 4, (0.3, 0.3, 1), trials=30),
    Case(10, 10, (1, 0.3, 0.3), trials=30),
    Case(40, 4, (0.5, 0.5, 1), trials=5),
    Case(6, 8, (0.5, 0.3, 1), trials=5, missing=MISSING),
)


class Measured(NamedTuple):
    """Shares of runs in which every interval held the truth, and mean widths; None where nothing compares."""

    coverage: float
    width: float | None
    plain_coverage: float | None
    plain_width: float | None


def run_statistics(runs: int) -> None:
    """Prints the table.

    Raises:
        ConfigError: `runs` is below 1.
    """
    if runs < 1:
        raise ConfigError(f"--runs was {runs}, expected 1 or more")
    found = [(case, measured(case, runs)) for case in CASES]
    rows = [
        [case.name, str(case.trials), *(_told(one) for one in (told.coverage, told.width, *told[2:]))]
        for case, told in found
    ]
    show(f"{runs} runs a case; {LEVEL:.0%} intervals of paired differences, of all trials of a case at once")
    show("voices x probes, spread of each and of the rest; width relative to that of a known variance")
    show("\n".join(aligned(["case", "trials", "coverage", "width", "plain: coverage", "width"], rows)))
    coverages = [told.coverage for _, told in found]
    show(
        f"least {min(coverages):.3f} (target {LEAST:g} or more), on average {np.mean(coverages):.3f} "
        f"(target {MEAN[0]:g} to {MEAN[1]:g}); standard error of one {(LEVEL * (1 - LEVEL) / runs) ** 0.5:.3f}"
    )


def _told(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def measured(case: Case, runs: int) -> Measured:
    """Simulates a case; the seed is fixed."""
    random = np.random.default_rng(1)
    held, widths, plain_held, plain_widths = [], [], [], []
    for _ in range(runs):
        baseline, *trials = (_drawn(case, random) for _ in range(case.trials + 1))
        told = [one for one in compare(_scores(baseline, case), [_kept(one, case, random) for one in trials]) if one]
        ends = [(one.low, one.high) for one in told if one.low is not None and one.high is not None]
        held.append(all(low <= 0 <= high for low, high in ends))
        widths += [(high - low) / 2 for low, high in ends]
        if _is_plain(case):
            value, reach = _plain(trials[0][..., 0] - baseline[..., 0])
            plain_held.append(abs(value) <= reach)
            plain_widths.append(reach)
    ideal = _ideal(case)
    return Measured(
        float(np.mean(held)),
        float(np.mean(widths)) / ideal if ideal else None,
        float(np.mean(plain_held)) if plain_held else None,
        float(np.mean(plain_widths)) / ideal if plain_widths and ideal else None,
    )


def _drawn(case: Case, random: np.random.Generator) -> Floats:
    """Returns the scores of a trial, shape (voices, probes, seeds)."""
    shape = case.voices, case.probes, case.seeds
    sizes = (case.voices, 1, 1), (1, case.probes, 1), shape
    if case.rest == "heavy":
        rest = random.standard_t(DEGREES, shape) / (DEGREES / (DEGREES - 2)) ** 0.5
    else:
        rest = random.normal(size=shape)
    effects = random.normal(size=sizes[0]), random.normal(size=sizes[1]), rest
    drawn: Floats = sum((scale * effect for scale, effect in zip(case.spread, effects, strict=True)), np.zeros(shape))
    if case.rest != "words":
        return drawn
    words = _words(case)[None, :, None].repeat(case.voices, 0)
    errors = random.binomial(words, np.minimum(ERROR_RATE * np.exp(drawn), 1)).astype(np.float64)
    return np.where(random.random(shape) < RUNAWAYS, 3.0, errors / words)


def _words(case: Case) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Returns the lengths of texts: 5 to 20 words."""
    return np.linspace(5, 20, case.probes).round().astype(np.int64)


def _scores(drawn: Floats, case: Case) -> dict[Unit, Weighted]:
    weights = _words(case) if case.rest == "words" else np.ones(case.probes)
    return {
        (f"v{voice:02}", f"p{probe:02}", seed): (float(value), float(weights[probe]))
        for (voice, probe, seed), value in np.ndenumerate(drawn)
    }


def _kept(drawn: Floats, case: Case, random: np.random.Generator) -> Scores:
    scores = _scores(drawn, case)
    return {unit: score for unit, score in scores.items() if not case.missing or random.random() >= case.missing}


def _ideal(case: Case) -> float | None:
    """Returns the half width of the interval of one difference whose variance is known."""
    if case.rest == "words" or case.missing:
        return None
    voice, probe, rest = (one**2 for one in case.spread)
    variance = 2 * (voice / case.voices + probe / case.probes + rest / (case.voices * case.probes * case.seeds))
    return float(ndtri((1 + LEVEL) / 2) * variance**0.5)


def _is_plain(case: Case) -> bool:
    return case.trials == 1 and case.seeds == 1 and not case.missing and case.rest != "words"


def _plain(table: Floats) -> tuple[float, float]:
    """Returns the mean of a table of differences, and how far its plain crossed-effects interval reaches."""
    voices, probes = table.shape
    mean, by_voice, by_probe = table.mean(), table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    freedom = np.array([voices - 1, probes - 1, (voices - 1) * (probes - 1)])
    totals = [
        probes * ((by_voice - mean) ** 2).sum(),
        voices * ((by_probe - mean) ** 2).sum(),
        ((table - by_voice - by_probe + mean) ** 2).sum(),
    ]
    squares = np.array(totals) / freedom
    variance = squares[0] + squares[1] - squares[2]
    variance = variance if variance > 0 else squares[2]
    satterthwaite = max(1.0, variance**2 / float((squares**2 / freedom).sum()))
    return float(mean), float(stdtrit(satterthwaite, (1 + LEVEL) / 2) * (variance / table.size) ** 0.5)
