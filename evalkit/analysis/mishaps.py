"""What went wrong in a trial, in words, and whether that keeps it from being called best.

A trial is barred if more than half of its utterances failed, were not run or are flagged; or if clearly more of them
did than of the baseline. Clearly: among the utterances in which just one of the two went wrong, the trial's are so many
that a fair coin would give as many or more in one of twenty tries or fewer (the one-sided sign test; McNemar 1947).
Against a baseline without fault that takes five.
"""

from scipy.special import bdtrc

from evalkit.analysis.scores import Columns, Floats, Tally

CLEARLY = 0.05


def mishaps(tally: Tally) -> str:
    """Returns what went wrong, with counts; empty where nothing did."""
    counts = {"failed": tally.failed, "not run": tally.not_run, **dict(tally.flags.most_common())}
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count)


def bar(columns: Columns, trial: int, baseline: int) -> str | None:
    """Returns why a trial may not be called best, held against the baseline; None: it may."""
    own, theirs = columns.tallies[trial], columns.tallies[baseline]
    if not (2 * own.wrong > own.n or _clearly_more(columns.wrong[trial], columns.wrong[baseline])):
        return None
    return (
        f"{own.wrong} of its {own.n} utterances failed or are flagged ({mishaps(own)}), "
        f"{theirs.wrong} of the baseline's {theirs.n}"
    )


def _clearly_more(wrong: Floats, theirs: Floats) -> bool:
    more, fewer = int(((wrong == 1) & (theirs == 0)).sum()), int(((wrong == 0) & (theirs == 1)).sum())
    return more > fewer and float(bdtrc(more - 1, more + fewer, 0.5)) <= CLEARLY


def flags_of(tally: Tally) -> dict[str, int]:
    """Returns how many utterances have each flag, the most frequent first."""
    return dict(tally.flags.most_common())
