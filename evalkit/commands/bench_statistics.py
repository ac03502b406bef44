"""`evalkit bench statistics`: how often intervals hold the truth, and how wide they are, where both are known.

Differences are drawn as effects of voices, of texts, and a rest. Width is relative to the interval that would do if the
variance were known. Beside it stands what a plain crossed-effects interval takes (mean squares of voices, texts and
rest, Satterthwaite's degrees of freedom, nothing pooled), for single trials of balanced tables. In cases of a panel
the truth is what its voices and texts come to, and only chance is drawn anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from evalkit.analysis.estimates import Chance, Scope
from evalkit.analysis.scores import Floats, Scores, Unit, Weighted
from evalkit.analysis.stats import LEVEL, compare
from evalkit.commands.screen import show
from evalkit.errors import ConfigError
from evalkit.reports.layout import aligned

RUNS = 1000
LEAST, MEAN = 0.93, (0.94, 0.975)  # coverage of each case; of all on average
DEGREES = 3  # of freedom, of a rest with heavy tails
MISSING = 0.3
ERROR_RATE, RUNAWAYS, FAILURES = 0.05, 0.01, 0.03

Units = Mapping[Unit, Weighted]
Rest = Literal["normal", "heavy", "words", "rare"]


@dataclass(frozen=True)
class Case:
    """What is drawn.

    Attributes:
        voices: How many.
        probes: How many.
        spread: Standard deviations of voices, probes and rest; of the logarithm of the error rate for `words`.
        trials: Beside the baseline; all have effects of their own.
        rest: `normal`; `heavy` tails; `words`: errors among words, as many as thrice the text's in
            one of a hundred; `rare`: 1 in three of a hundred, else 0.
        seeds: Of each voice and probe.
        missing: Share of a trial's utterances that failed.
        scope: What intervals are to hold for.
        both: Standard deviation of what a voice does to a text every time, on a panel.
    """

    voices: int
    probes: int
    spread: tuple[float, float, float]
    trials: int = 1
    rest: Rest = "normal"
    seeds: int = 1
    missing: float = 0.0
    scope: Scope = "population"
    both: float = 0.0

    @property
    def name(self) -> str:
        """What it is, in words."""
        more: list[str] = ["panel"] if self.scope == "panel" else []
        more += [self.rest] if self.rest != "normal" else []
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
PANELS = (
    Case(8, 4, (1, 0.5, 1), scope="panel"),
    Case(12, 2, (1, 0.5, 1), scope="panel", both=0.5, seeds=2),
    Case(8, 4, (1, 0.5, 1), scope="panel", both=1, seeds=3),
    Case(1, 8, (1, 0.5, 1), scope="panel", both=1, seeds=3),
    Case(6, 8, (1, 0.5, 1), scope="panel", both=0.5, seeds=3, missing=MISSING),
    Case(8, 8, (1, 0.5, 1), scope="panel", rest="heavy"),
    Case(8, 8, (0.5, 0.5, 0.5), scope="panel", rest="words", seeds=2),
    Case(12, 8, (0, 0, 0), scope="panel", rest="rare"),
    Case(12, 8, (1, 0.5, 1), scope="panel", trials=12),
    Case(12, 4, (1, 0.5, 1), scope="panel", both=0.5, seeds=2, trials=12),
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
    show(f"{runs} runs a case; {LEVEL:.0%} intervals of paired differences, of all trials of a case at once")
    show("voices x probes, spread of each and of the rest; width relative to that of a known variance")
    for cases, scope in ((CASES, "population: new voices and texts"), (PANELS, "panel: these voices and texts")):
        _show_cases([(case, measured(case, runs)) for case in cases], scope, runs)


def _show_cases(found: Sequence[tuple[Case, Measured]], scope: str, runs: int) -> None:
    rows = [
        [case.name, str(case.trials), *(_told(one) for one in (told.coverage, told.width, *told[2:]))]
        for case, told in found
    ]
    show(f"\n{scope}")
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
        fixed = [_fixed(case, random) for _ in range(case.trials + 1)]
        baseline, *trials = (_drawn(case, one, random) for one in fixed)
        units = [_scores(baseline, case), *(_kept(one, case, random) for one in trials)]
        told = [one for one in compare(Scores.of(units), 0, Chance(counts=case.rest == "rare"), case.scope) if one]
        truths = [_truth(case, fixed[0], one, own, units[0]) for one, own in zip(fixed[1:], units[1:], strict=True)]
        ends = [
            (one.low - truth, one.high - truth)
            for one, truth in zip(told, truths, strict=True)
            if one.low is not None and one.high is not None
        ]
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


def _fixed(case: Case, random: np.random.Generator) -> Floats:
    """Returns the effects of voices, texts, and of both together, shape (voices, probes, 1)."""
    shape = case.voices, case.probes, 1
    effects = [
        scale * random.normal(size=size)
        for scale, size in zip(
            (*case.spread[:2], case.both), ((case.voices, 1, 1), (1, case.probes, 1), shape), strict=True
        )
    ]
    return np.asarray(sum(effects, np.zeros(shape)), np.float64)


def _drawn(case: Case, fixed: Floats, random: np.random.Generator) -> Floats:
    """Returns the scores of a trial, shape (voices, probes, seeds)."""
    shape = case.voices, case.probes, case.seeds
    if case.rest == "rare":
        return np.asarray(random.random(shape) < FAILURES, np.float64)
    if case.rest == "heavy":
        rest = random.standard_t(DEGREES, shape) / (DEGREES / (DEGREES - 2)) ** 0.5
    else:
        rest = random.normal(size=shape)
    drawn: Floats = fixed + case.spread[2] * rest
    if case.rest != "words":
        return drawn
    words = _words(case)[None, :, None].repeat(case.voices, 0)
    errors = random.binomial(words, np.minimum(ERROR_RATE * np.exp(drawn), 1)).astype(np.float64)
    return np.where(random.random(shape) < RUNAWAYS, 3.0, errors / words)


def _truth(case: Case, base: Floats, trial: Floats, own: Units, theirs: Units) -> float:
    """Returns the difference that chance hides: of a population none, of a panel what its cells come to."""
    if case.scope == "population" or case.rest == "rare":
        return 0.0
    units = [unit for unit in own if unit in theirs]
    places = np.array([(int(voice[1:]), int(probe[1:])) for voice, probe, _ in units])
    weights = np.array([own[unit][1] for unit in units])
    expected = _expected(case, trial) - _expected(case, base)
    return float(np.average(expected[places[:, 0], places[:, 1]], weights=weights))


def _expected(case: Case, fixed: Floats) -> Floats:
    """Returns what a cell's score is on average over chance, shape (voices, probes)."""
    if case.rest != "words":
        return fixed[..., 0]
    chance = np.random.default_rng(2).normal(size=2000)  # as good as all of it
    rates = np.minimum(ERROR_RATE * np.exp(fixed + case.spread[2] * chance), 1).mean(axis=2)
    return np.asarray((1 - RUNAWAYS) * rates + RUNAWAYS * 3.0, np.float64)


def _words(case: Case) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Returns the lengths of texts: 5 to 20 words."""
    return np.linspace(5, 20, case.probes).round().astype(np.int64)


def _scores(drawn: Floats, case: Case) -> dict[Unit, Weighted]:
    weights = _words(case) if case.rest == "words" else np.ones(case.probes)
    return {
        (f"v{voice:02}", f"p{probe:02}", seed): (float(value), float(weights[probe]))
        for (voice, probe, seed), value in np.ndenumerate(drawn)
    }


def _kept(drawn: Floats, case: Case, random: np.random.Generator) -> Units:
    scores = _scores(drawn, case)
    return {unit: score for unit, score in scores.items() if not case.missing or random.random() >= case.missing}


def _ideal(case: Case) -> float | None:
    """Returns the half width of the interval of one difference whose variance is known."""
    if case.rest in ("words", "rare") or case.missing:
        return None
    voice, probe, rest = (one**2 for one in case.spread)
    if case.scope == "panel":
        voice, probe = 0.0, 0.0
    variance = 2 * (voice / case.voices + probe / case.probes + rest / (case.voices * case.probes * case.seeds))
    return float(ndtri((1 + LEVEL) / 2) * variance**0.5)


def _is_plain(case: Case) -> bool:
    one = case.trials == 1 and case.seeds == 1 and case.scope == "population"
    return one and not case.missing and case.rest != "words"


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
