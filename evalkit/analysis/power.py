"""Power: how small a difference a planned size can tell, and how large a size a wanted difference needs.

A difference is found in four of five sweeps if it is (t + t') standard errors large: t is Student's quantile of the
interval, for as many comparisons as the sweep makes (Bonferroni), t' that of 0.8 (Cohen 1988, with t for the normal).
The standard error comes of how voices, texts and the rest spread, by the formulas of `crossed` for a full table.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

from evalkit.analysis.stats import LEVEL
from evalkit.record import Report, Spreads

POWER = 0.8
MOST_PROBES = 10_000
VOICES = (2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Size:
    """How large a sweep is."""

    voices: int
    probes: int
    seeds: int = 1

    @property
    def utterances(self) -> int:
        """Of each trial."""
        return self.voices * self.probes * self.seeds


@dataclass(frozen=True)
class Need:
    """A size, and the smallest difference that it can tell."""

    size: Size
    smallest: float


def smallest(spreads: Spreads, size: Size, comparisons: int = 1) -> float | None:
    """Returns the smallest true difference that is told in four of five sweeps of that size.

    Args:
        spreads: Of one utterance's paired difference.
        size: Of the sweep.
        comparisons: That it makes at once: its trials but one.

    Returns:
        None for one voice or one text, of which nothing can be said about others.
    """
    if min(size.voices, size.probes) < 2:
        return None
    variance, freedom = _mean_error(spreads, size)
    tail = (1 - LEVEL) / 2 / max(1, comparisons)
    return float(variance**0.5 * (stdtrit(freedom, 1 - tail) + stdtrit(freedom, POWER)))


def _mean_error(spreads: Spreads, size: Size) -> tuple[float, float]:
    """Returns the variance of a mean, and its degrees of freedom (Satterthwaite's), nothing pooled.

    A sweep may find that a factor does not count, and then tells a little more; that cannot be relied on beforehand.
    """
    cells = size.voices * size.probes
    chance = 0.0 if spreads.chance is None else min(spreads.chance, spreads.rest) ** 2
    rest = (spreads.rest**2 - chance) / cells + chance / cells / size.seeds
    voice, probe = spreads.voice**2 / size.voices + rest, spreads.probe**2 / size.probes + rest
    freedom = size.voices - 1, size.probes - 1
    variance = voice + probe - rest
    uncertain = voice**2 / freedom[0] + probe**2 / freedom[1] + rest**2 / (freedom[0] * freedom[1])
    return variance, variance**2 / uncertain if uncertain else float(freedom[0] * freedom[1])


def needs(spreads: Spreads, wanted: float, comparisons: int = 1) -> Iterator[Need]:
    """Gives, for numbers of voices and seeds, the fewest texts that can tell a wanted difference; none where none can.

    More seeds are given only where it is known what they change; more voices, where they tell less or take fewer texts.
    """
    for seeds in SEEDS if spreads.chance is not None else SEEDS[:1]:
        best = Need(Size(0, MOST_PROBES + 1), math.inf)
        for voices in VOICES:
            if (probes := _fewest(spreads, wanted, (voices, seeds), comparisons)) is not None:
                size = Size(voices, probes, seeds)
                need = Need(size, smallest(spreads, size, comparisons) or math.inf)
                if need.smallest < best.smallest or probes < best.size.probes:
                    best = need
                    yield need


def _fewest(spreads: Spreads, wanted: float, beside: tuple[int, int], comparisons: int) -> int | None:
    """Returns the fewest texts, by halving; more of them tell more, unless two do."""

    def tells(probes: int) -> bool:
        told = smallest(spreads, Size(beside[0], probes, beside[1]), comparisons)
        return told is not None and told <= wanted

    low, high = 2, MOST_PROBES
    if tells(low):  # of very few voices more texts can tell less: fewer degrees of freedom are left to the voices
        return low
    if not tells(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if tells(middle) else (middle + 1, high)
    return low


def curve(spreads: Spreads, sizes: Sequence[Size], comparisons: int = 1) -> list[Need]:
    """Returns the smallest difference of each size that can tell one; of a larger size never more than of a smaller.

    Whoever has more may leave some out: so a larger size tells what any that it holds does.
    """
    told = {size: found for size in sizes if (found := smallest(spreads, size, comparisons)) is not None}
    return [Need(size, min(found for other, found in told.items() if _holds(size, other))) for size in told]


def _holds(size: Size, other: Size) -> bool:
    return size.voices >= other.voices and size.probes >= other.probes and size.seeds >= other.seeds


def spreads_in(report: Report, metric: str) -> Spreads | None:
    """Returns what a report's paired differences of a metric spread by, over all its comparisons.

    None where it does not say, or where no difference was seen: that tells nothing of how others spread.
    """
    found = [one.spreads for one in report.comparisons if one.metric == metric and one.spreads is not None]
    if not any(one.voice or one.probe or one.rest for one in found):
        return None
    chances = [one.chance for one in found if one.chance is not None]
    return Spreads(
        _root_mean([one.voice for one in found]),
        _root_mean([one.probe for one in found]),
        _root_mean([one.rest for one in found]),
        _root_mean(chances) if len(chances) == len(found) else None,
    )


def _root_mean(deviations: Sequence[float]) -> float:
    return math.sqrt(sum(one**2 for one in deviations) / len(deviations))
