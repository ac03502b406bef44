"""What `votes` prints: who was left out and why, what was preferred, opinions, and how far metrics agree with ears."""

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from evalkit.ballot import Agreement, Attention, Heard, Kind, Opinion
from evalkit.record import Report
from evalkit.reports.decisions import line
from evalkit.reports.labels import labels_of
from evalkit.reports.layout import fitted, folded

ATTENTION = ("listener", "votes", "same clip", "other speaker", "by guessing")
NOTHING = "-"
EARS = "other ears"
AGREEMENT = (
    "agreement: of preferences the share in which the metric prefers the same (0.5: chance); of opinions Kendall's "
    "tau-b within listeners (0: chance); metrics are turned so that more is better"
)


def heard_lines(heard: Heard, report: Report, width: int) -> list[str]:
    """Returns what ears said, in lines for the terminal."""
    names = {id: line(label) for id, label in labels_of(report).items()}
    parts = [
        fitted(ATTENTION, [_attention(one) for one in heard.listeners], width),
        [part for one in heard.listeners if not one.passes for part in folded(_left_out(one), width, "", "  ")],
        list(_preferences(heard, names, width)),
        _opinions(heard, names, width),
        _agreement(heard.agreement, width),
        [part for note in heard.notes for part in folded(line(note), width, "", "  ")],
    ]
    return [one for part in parts if part for one in ["", *part]][1:]


def _attention(one: Attention) -> list[str]:
    counts = ["{} of {}".format(*pair) if pair[1] else NOTHING for pair in (one.same, one.other)]
    return [line(one.listener), str(one.votes), *counts, f"{one.by_guessing:.0%}" if one.passes else "left out"]


def _left_out(one: Attention) -> str:
    told = [
        f"no difference in {one.same[0]} of {one.same[1]} pairs of the same clip" if one.same[1] else "",
        f"another speaker in {one.other[0]} of {one.other[1]}" if one.other[1] else "",
    ]
    return f"left out: {line(one.listener)}, who heard {' and '.join(part for part in told if part)}"


def _preferences(heard: Heard, names: Mapping[str, str], width: int) -> Iterator[str]:
    """Gives a table of the pairs of trials, numbered, and their names below it."""
    if not heard.preferences:
        return
    order = [id for id in names if any(id in (one.a, one.b) for one in heard.preferences)]
    number = {id: str(at) for at, id in enumerate(order, start=1)}
    rows = [
        [
            f"{number[one.a]} over {number[one.b]}",
            *(f"{one.value:.3f}", _between(one.low, one.high), str(one.none)),
            f"{one.n}{'*' if _excludes(one.low, one.high, 0.5) else ''}",
        ]
        for one in heard.preferences
    ]
    yield from fitted(["preferred", "share", "95 % interval", "neither", "votes"], rows, width)
    for id in order:
        yield from folded(f"{number[id]}: {names[id]}", width, "  ", "     ")
    if any(_excludes(one.low, one.high, 0.5) for one in heard.preferences):
        yield "* the interval excludes 0.5"


def _opinions(heard: Heard, names: Mapping[str, str], width: int) -> list[str]:
    kinds = list(dict.fromkeys(one.kind for one in heard.opinions))
    rows = []
    for id, name in names.items():
        own = {one.kind: one for one in heard.opinions if one.trial == id}
        if own:
            rows.append([name, *(_opinion(own.get(kind)) for kind in kinds), str(max(one.n for one in own.values()))])
    return fitted(["opinion (1 to 5)", *kinds, "votes"], rows, width) if rows else []


def _opinion(one: Opinion | None) -> str:
    return NOTHING if one is None else f"{one.value:.2f} {_between(one.low, one.high, 2)}".removesuffix(f" {NOTHING}")


def _agreement(found: Sequence[Agreement], width: int) -> list[str]:
    kinds = [kind for kind in get_args(Kind) if any(one.kind == kind for one in found)]
    rows = []
    for metric in dict.fromkeys(one.metric for one in found):
        own = {one.kind: one for one in found if one.metric == metric}
        told = [NOTHING if (one := own.get(kind)) is None else _value(one) for kind in kinds]
        rows.append([EARS if metric is None else line(metric), *told])
    return [*fitted(["agreement", *kinds], rows, width), *folded(AGREEMENT, width, "", "  ")] if rows else []


def _value(one: Agreement) -> str:
    told = _between(one.low, one.high, 2)
    return f"{one.value:.2f} {told}" if told != NOTHING else f"{one.value:.2f} (n={one.n})"


def _excludes(low: float | None, high: float | None, chance: float) -> bool:
    """Whether an interval excludes what chance gives."""
    return low is not None and high is not None and (low > chance or high < chance)


def _between(low: float | None, high: float | None, digits: int = 3) -> str:
    """Returns an interval as it is printed."""
    return NOTHING if low is None or high is None else f"[{low:.{digits}f}, {high:.{digits}f}]"
