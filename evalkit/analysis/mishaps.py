"""What went wrong in a trial, in words, and whether that keeps it from being called best.

A trial is barred if more than half of its utterances failed, were not run or are flagged; or if clearly more of them
did than of the baseline. Clearly: among the utterances in which just one of the two went wrong, the trial's are so many
that a fair coin would give as many or more in one of twenty tries or fewer (the one-sided sign test; McNemar 1947).
Against a baseline without fault that takes five.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from scipy.special import bdtrc

from evalkit.row import Row

CLEARLY = 0.05


def went_wrong(row: Row) -> bool:
    """Whether an utterance failed, was not run, or is flagged."""
    return row.state != "scored" or bool(row.flags)


def flags_of(rows: Sequence[Row]) -> Mapping[str, int]:
    """Returns how many utterances have each flag, the most frequent first."""
    return dict(Counter(flag for row in rows for flag in row.flags).most_common())


def mishaps(rows: Sequence[Row]) -> str:
    """Returns what went wrong, with counts; empty where nothing did."""
    states = Counter(row.state for row in rows)
    counts = {"failed": states["failed"], "not run": states["not_run"], **flags_of(rows)}
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count)


def bar(rows: Sequence[Row], baseline: Sequence[Row]) -> str | None:
    """Returns why a trial may not be called best, from its rows and the baseline's; None: it may."""
    wrong, theirs = (sum(map(went_wrong, own)) for own in (rows, baseline))
    if not (2 * wrong > len(rows) or _clearly_more(rows, baseline)):
        return None
    return (
        f"{wrong} of its {len(rows)} utterances failed or are flagged ({mishaps(rows)}), "
        f"{theirs} of the baseline's {len(baseline)}"
    )


def _clearly_more(rows: Sequence[Row], baseline: Sequence[Row]) -> bool:
    others = {_unit(row): went_wrong(row) for row in baseline}
    pairs = [(went_wrong(row), others[_unit(row)]) for row in rows if _unit(row) in others]
    more, fewer = pairs.count((True, False)), pairs.count((False, True))
    return more > fewer and float(bdtrc(more - 1, more + fewer, 0.5)) <= CLEARLY


def _unit(row: Row) -> tuple[str, str, int]:
    return row.voice, row.probe, row.seed
