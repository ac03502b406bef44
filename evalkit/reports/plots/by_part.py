"""A metric in each voice and in each kind of text: where a difference comes from, and whom it leaves out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalkit.analysis.estimates import mean
from evalkit.analysis.scores import Scores
from evalkit.analysis.stats import interval
from evalkit.analysis.summary import chance_of
from evalkit.record import Summary, TrialSummary
from evalkit.reports.plots.axis import numbered, room
from evalkit.reports.plots.drawing import Plot, Sheet, keyed, legend_height, sideways
from evalkit.reports.plots.marks import Ends, Spot, beside, in_legend, marks
from evalkit.reports.plots.results import OWN, Results, ends_of, in_words, scope_note
from evalkit.reports.plots.rows import lay_rows, room_for_rows, row_height
from evalkit.reports.plots.theme import BASELINE, CANDIDATE, GRID, Series

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

MOST_ROWS = 40
LEVELS = "floor to ceiling"
PLURAL = {"voice": "voices", "stratum": "strata", "language": "languages"}


@dataclass(frozen=True)
class Shown:
    """A trial, what it is called, and how it is drawn."""

    trial: TrialSummary
    name: str
    series: Series


@dataclass(frozen=True)
class Part:
    """A voice or a kind of text: its name, its mean in each trial that is shown, and its floor and ceiling."""

    name: str
    means: Sequence[Summary]
    levels: Ends | None = None

    def gain(self, sign: int) -> float:
        """Returns how much better the last trial is than the first; of one trial, how good it is."""
        first, last = (self.means[at].value for at in (0, -1))
        known = last is not None and first is not None
        return sign * ((last or 0.0) - (first or 0.0) * (len(self.means) > 1)) if known else -np.inf


def by_voice(results: Results) -> Iterator[Plot]:
    """Gives a plot of the voices for each metric that decides: the baseline, and the best trial or the foremost."""
    for metric in results.metrics:
        parts = list(_voices(results, metric))
        if _differ(parts):
            yield _plot(results, (metric, "voice"), parts)


def by_stratum(results: Results) -> Iterator[Plot]:
    """Gives a plot of the kinds of text for each metric that decides, where the probes are of two kinds or more."""
    for metric in results.metrics:
        parts = list(_strata(results, metric))
        if len(parts) > 1 and _differ(parts):
            yield _plot(results, (metric, "stratum"), parts)


def by_language(results: Results) -> Iterator[Plot]:
    """Gives a plot of the languages for each metric that decides, where texts and voices have two or more between them.

    A voice that speaks another language than its own is a part of its own: `en > zh`.
    """
    for metric in results.metrics:
        parts = list(_languages(results, metric))
        if len(parts) > 1 and _differ(parts):
            yield _plot(results, (metric, "language"), parts)


def _differ(parts: Sequence[Part]) -> bool:
    """Whether there is anything to see: some mean that is not like the others."""
    return len({mean.value for part in parts for mean in part.means} - {None}) > 1


def _shown(results: Results, metric: str) -> list[Shown]:
    """Returns the baseline and whom it is held against; of one trial, or none that is compared, the first."""
    valued = list(results.valued(metric))
    pair = [one for one in (results.baseline, results.foremost) if one in valued]
    if len(pair) < 2:
        return [Shown(one, results.label(one), CANDIDATE) for one in (pair or valued)[:1]]
    base, best = pair
    what = "best" if results.best else "foremost"
    return [
        Shown(base, f"baseline: {results.label(base, best)}", BASELINE),
        Shown(best, f"{what}: {results.label(best, base)}", CANDIDATE),
    ]


def _scores(results: Results, metric: str) -> Scores:
    ids = [one.trial.id for one in _shown(results, metric)]
    return results.columns.scores(metric).only([results.columns.trials.index(id) for id in ids])


def _voices(results: Results, metric: str) -> Iterator[Part]:
    """Gives each voice that has a value."""
    scores, names = _scores(results, metric), set(results.columns.layout.names)
    judge = results.record(metric).judge if results.record(metric).unit == "cosine" else None
    for name in sorted(names):
        means = _means(results, metric, scores.without(names - {name}))
        if any(one.value is not None for one in means):
            yield Part(name, means, _levels(results, name, judge))


def _levels(results: Results, voice: str, encoder: str | None) -> Ends | None:
    calibration = results.report.calibration.get(voice)
    ends = calibration.speakers.get(encoder or "") if calibration else None
    known = ends is not None and ends.floor is not None and ends.ceiling is not None
    return (ends.floor, ends.ceiling) if known else None  # type: ignore[union-attr,return-value]


def _strata(results: Results, metric: str) -> Iterator[Part]:
    """Gives each kind of text that has a value."""
    kinds: Mapping[str, str | None] = {row.probe: row.stratum for row in results.rows}
    scores, layout = _scores(results, metric), results.columns.layout
    probes = sorted({row.probe for row in results.rows if row.trial in results.named})
    own = np.array([kinds[probe] or "" for probe in probes])[layout.probes]
    yield from _kinds(results, metric, scores, own, [kind for kind in kinds.values() if kind])


def _languages(results: Results, metric: str) -> Iterator[Part]:
    """Gives each language, and each way from a voice's to a text's, that has a value."""
    spoken = {(row.speaker or row.voice, row.probe): row.languages for row in results.rows}
    scores, layout = _scores(results, metric), results.columns.layout
    probes = sorted({row.probe for row in results.rows if row.trial in results.named})
    places = zip(layout.voices, layout.probes, strict=True)
    own = np.array([spoken[layout.names[voice], probes[probe]] for voice, probe in places])
    yield from _kinds(results, metric, scores, own, sorted(set(spoken.values())))


def _kinds(
    results: Results, metric: str, scores: Scores, own: NDArray[np.str_], kinds: Iterable[str]
) -> Iterator[Part]:
    """Gives each kind of units that has a value; `own` are the units' kinds, shape (units,)."""
    for kind in dict.fromkeys(kinds):
        means = _means(results, metric, replace(scores, values=np.where(own == kind, scores.values, np.nan)))
        if any(one.value is not None for one in means):
            yield Part(kind, means)


def _means(results: Results, metric: str, scores: Scores) -> list[Summary]:
    """Returns the mean of each trial over what scores are left."""
    return [_mean(results, metric, scores, at) for at in range(len(scores.values))]


def _mean(results: Results, metric: str, scores: Scores, at: int) -> Summary:
    record = results.record(metric)
    estimate = mean(scores, at, chance_of(record))
    if estimate is None:
        return Summary(None)
    low, high = record.bounds
    ends = interval(estimate, (-np.inf if low is None else low, np.inf if high is None else high))
    first, last = ends or (None, None)
    return Summary(estimate.value, first, last, estimate.n_units, estimate.scope)


def _plot(results: Results, asked: tuple[str, str], parts: Sequence[Part]) -> Plot:
    metric, what = asked
    ordered = sorted(parts, key=lambda one: -one.gain(results.sign(metric)))
    half = MOST_ROWS // 2
    drawn = [*ordered[:half], *ordered[-half:]] if len(ordered) > MOST_ROWS else ordered
    shown = _shown(results, metric)
    left_out = [f"{len(parts) - len(drawn)} between them are left out."] if len(parts) > len(drawn) else []
    labels = [one.name for one in drawn]
    keys = [*(one.name for one in shown), *([LEVELS] if any(one.levels for one in drawn) else [])]
    sheet = Sheet(
        f"{metric.upper()} by {what}",
        [*scope_note([mean for one in drawn for mean in one.means if mean.value is not None], OWN), *left_out],
        height=len(drawn) * max(0.25, row_height(labels)),
        left=room_for_rows(labels),
        above=0.1 + legend_height(keys),
        is_upright=False,
    )
    figure, axes = sheet.axes()
    lay_rows(axes, labels)
    _draw(axes, drawn, shown)
    _lay(axes, results, metric, drawn)
    handles: list[Artist] = [in_legend(one.series) for one in shown]
    keyed(axes, sheet, list(zip(keys, [*handles, _band()], strict=False)))
    said = [_in_words(results, asked, ordered, shown), *left_out]
    return Plot.of((metric, "by", what), sheet.title, said, figure)


def _draw(axes: "Axes", drawn: Sequence[Part], shown: Sequence[Shown]) -> None:
    """Draws each row: its band, and its mean in each trial, a little above each other."""
    for at, one in enumerate(drawn):
        if one.levels:
            axes.hlines(at, *one.levels, colors=GRID, linewidths=9, zorder=0.5)
    for nth, own in enumerate(shown):
        up = 0.0 if len(shown) == 1 else (nth - 0.5) * 5
        spots = [
            Spot(one.means[nth].value or 0.0, at, level=ends_of(one.means[nth]))
            for at, one in enumerate(drawn)
            if one.means[nth].value is not None
        ]
        marks(axes, spots, own.series, size=5, transform=beside(axes, 0, up))


def _lay(axes: "Axes", results: Results, metric: str, drawn: Sequence[Part]) -> None:
    told = [mean for one in drawn for mean in one.means if mean.value is not None]
    ends = [end for one in [*map(ends_of, told), *(one.levels for one in drawn)] for end in one or ()]
    axes.set_xlim(
        *room([*(mean.value for mean in told if mean.value is not None), *ends], results.record(metric).bounds)
    )
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    numbered(axes.xaxis)
    sideways(axes, results.axis(metric))


def _band() -> "Artist":
    from matplotlib.lines import Line2D

    return Line2D([], [], color=GRID, linewidth=7)


def _in_words(results: Results, asked: tuple[str, str], ordered: Sequence[Part], shown: Sequence[Shown]) -> str:
    """Returns where the most is gained and where the least."""
    ends = [ordered[0], *([ordered[-1]] if len(ordered) > 1 else [])]
    told = [f"{one.name} {' to '.join(map(in_words, one.means))}" for one in ends]
    names = " and ".join(one.name for one in shown)
    count = f"{len(ordered)} {PLURAL[asked[1]] if len(ordered) > 1 else asked[1]}"
    first = "Most is gained in" if len(shown) > 1 else "Best in"
    least = f"; {'least' if len(shown) > 1 else 'worst'} in {told[1]}" if len(told) > 1 else ""
    return f"{results.axis(asked[0])} in {count}, of {names}. {first} {told[0]}{least}."
