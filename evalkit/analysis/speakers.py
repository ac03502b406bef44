"""Whether each voice is one speaker, and no other voice's: what a speaker encoder makes of the clips themselves.

No threshold is given: half-way between what the run's voices have with themselves and with each other, by that
encoder, lies the line below which two groups of clips are two speakers. Medians make it, so that a few bad voices do
not move it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from statistics import median, median_high

import numpy as np
from numpy.typing import NDArray

from evalkit.analysis.calibration import VoicePrints, among, cosines
from evalkit.metrics.likeness import is_clearly_above, spread_of

UNRELATED = 0.0  # cosine of two speakers where the run has but one voice: of vectors that share nothing
SHOWN = 3  # clips that a sentence names

Floats = NDArray[np.float64]


def speaker_doubts(encoder: str, prints: Mapping[str, VoicePrints]) -> list[str]:
    """Returns sentences about voices whose clips are not one speaker's, or are another voice's, by one encoder.

    Of a voice the plainest is said: that clips are another voice's, else that they fall apart into two speakers, else
    that they are hardly alike.
    """
    heard = {name: own for name, own in prints.items() if len(own.all)}
    if not heard:
        return []
    company = _Company(heard)
    plainest: dict[str, str] = {}
    for who, what in [*company.twins(), *company.strays(), *company.split(), *company.low()]:
        plainest.setdefault(who, what)
    return [f"{who}: by {encoder} {what}" for who, what in plainest.items()]


Doubt = tuple[str, str]  # who, what


@dataclass(frozen=True, eq=False)
class _Company:
    """The voices of a run as one encoder hears them; none without a clip."""

    prints: Mapping[str, VoicePrints]

    @cached_property
    def centres(self) -> Floats:
        """Each voice's mean vector, shape (voices, d): its product with a clip is their mean cosine."""
        return np.stack([own.all.astype(np.float64).mean(axis=0) for own in self.prints.values()])

    @cached_property
    def own(self) -> dict[str, float]:
        """Mean cosine of each voice's clips with each other, where it has two."""
        return {name: float(among(one.all).mean()) for name, one in self.prints.items() if len(one.all) > 1}

    @cached_property
    def between(self) -> dict[tuple[str, str], float]:
        """Mean cosine of the clips of each two voices."""
        products = self.centres @ self.centres.T
        return {
            (one, other): float(products[at, to]) for (at, one), (to, other) in combinations(enumerate(self.prints), 2)
        }

    @cached_property
    def different(self) -> float:
        """Cosine of two speakers: the median over pairs of voices."""
        return median(self.between.values()) if self.between else UNRELATED

    @cached_property
    def line(self) -> float:
        """Cosine half-way between one speaker's (the median over voices) and two speakers'; infinite if unknown."""
        return (median_high(self.own.values()) + self.different) / 2 if self.own else np.inf

    @cached_property
    def same(self) -> set[tuple[str, str]]:
        """Voices that are one speaker: as like each other as themselves, above the line."""
        return {pair for pair, mean in self.between.items() if mean >= self.line and self._is_one(*pair)}

    def _is_one(self, one: str, other: str) -> bool:
        within = np.concatenate([among(self.prints[name].all) for name in (one, other)])
        across = cosines(self.prints[one].all, [self.prints[other].all])
        return not is_clearly_above(float(within.mean()), float(across.mean()), spread_of(within, across))

    def twins(self) -> Iterator[Doubt]:
        """Gives the voices that are one speaker under two names."""
        for pair in sorted(self.same):
            yield (
                f"voices {pair[0]} and {pair[1]}",
                f"they are one speaker (cosine {self.between[pair]:z.3f} of their clips, {self.different:z.3f} is "
                f"usual for two voices here): each is the other's floor; voices.exclude=[{pair[1]}] leaves one out",
            )

    def low(self) -> Iterator[Doubt]:
        """Gives the voices whose clips are no more alike than two speakers' are."""
        for name, mean in self.own.items():
            if self.between and mean < self.line:
                yield (
                    f"voice {name}",
                    f"its clips are hardly alike (cosine {mean:z.3f} with each other; one speaker's are above "
                    f"{self.line:z.3f} here): they are not one speaker's, or too poor; {_leave_out(name)}",
                )

    def split(self) -> Iterator[Doubt]:
        """Gives the voices whose clips are two speakers': alike within two groups, and across them below the line."""
        for name, own in self.prints.items():
            if len(own.all) > 2 and (parts := self._halves(own)):
                ones, others, across, within = parts
                yield (
                    f"voice {name}",
                    f"its clips fall apart into two speakers (cosine {across:z.3f} between them, {within:z.3f} "
                    f"within): {_listed(ones)} against {_listed(others)}; keep one speaker's, or {_leave_out(name)}",
                )

    def _halves(self, own: VoicePrints) -> tuple[Sequence[str], Sequence[str], float, float] | None:
        """Returns the clips of both groups, and mean cosines across and within them; None where they are one."""
        first = _first_group(own.all)
        one, other = own.all[first], own.all[~first]
        if not len(other):  # all are as far from each other: there are no groups
            return None
        within, across = np.concatenate([among(one), among(other)]), cosines(one, [other])
        mean, apart = float(within.mean()), float(across.mean())
        # A voice alone has no other to draw the line with: its own groups do.
        line = self.line if self.between else (mean + UNRELATED) / 2
        if not apart < line <= mean or not is_clearly_above(mean, apart, spread_of(within, across)):
            return None
        names = np.array(_names(own))
        return list(names[first]), list(names[~first]), apart, mean

    def strays(self) -> Iterator[Doubt]:
        """Gives the voices of which a clip is nearer to another voice, and above the line, than to its own."""
        order = list(self.prints)
        for name in self.own:
            own = self.prints[name]
            alike = own.all.astype(np.float64) @ self.centres.T
            rest = (alike[:, order.index(name)] * len(own.all) - 1) / (len(own.all) - 1)  # without the clip itself
            for other in order:
                if other == name or {(name, other), (other, name)} & self.same:
                    alike[:, order.index(other)] = -np.inf
            nearest, value = alike.argmax(axis=1), alike.max(axis=1)
            told = [
                f"{clip} is {order[nearest[at]]}'s (cosine {value[at]:z.3f}, {rest[at]:z.3f} with the rest)"
                for at, clip in enumerate(_names(own))
                if value[at] > rest[at] and value[at] >= self.line
            ]
            if told:
                yield (
                    f"voice {name}",
                    f"{len(told)} of its {len(own.all)} clips are another voice's speaker: {_listed(told)}; "
                    f"take them out, or {_leave_out(name)}",
                )


def _first_group(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Returns which of three or more vectors are in the first of two groups (average linkage of 1 - cosine)."""
    from scipy.cluster.hierarchy import fcluster, linkage

    return np.asarray(fcluster(linkage(np.maximum(1 - among(vectors), 0.0), "average"), 2, "maxclust") == 1)


def _names(own: VoicePrints) -> Sequence[str]:
    return own.clips or [f"clip {index}" for index in range(1, len(own.all) + 1)]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _leave_out(name: str) -> str:
    return f"voices.exclude=[{name}] leaves it out"
