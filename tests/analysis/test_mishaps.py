"""What went wrong, and who may not be called best for it: rows written by hand."""

import pytest

from evalkit.analysis.mishaps import bar, mishaps
from evalkit.analysis.scores import tabulated
from evalkit.row import ErrorRecord, Row


def rows(kinds: str, trial: str = "t") -> list[Row]:
    """Utterances by a letter each: `.` sound, `F` failed, `N` not run, `r` runaway, `s` silent, `b` both flags."""
    flags = {"r": ["runaway"], "s": ["silent"], "b": ["runaway", "silent"]}
    states = {"F": "failed", "N": "not_run"}
    return [
        Row(
            *(trial, "e", {}, "v", f"p{at}", 0, "en", "x"),
            state=states.get(kind, "scored"),
            flags=flags.get(kind, []),
            error=ErrorRecord("E", "m") if kind in states else None,
        )
        for at, kind in enumerate(kinds)
    ]


def barred(trial: str, baseline: str) -> str | None:
    return bar(tabulated([*rows(trial), *rows(baseline, "base")], ["t", "base"]), 0, 1)


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ("...", ""),
        (".F.", "failed 1"),
        ("FNrsb", "failed 1, not run 1, runaway 2, silent 2"),
        ("rrb", "runaway 3, silent 1"),
    ],
)
def test_what_went_wrong_is_counted(kinds, told):
    assert mishaps(tabulated(rows(kinds), ["t"]).tallies[0]) == told


@pytest.mark.parametrize(
    ("trial", "baseline", "is_barred"),
    [
        ("..............", "..............", False),
        ("rrrrrrrrrrrrrr", "..............", True),  # 14 of 14
        ("rrrrrrrrrrrrrr", "rrrrrrrrrrrrrr", True),  # the baseline is no better, but that makes nobody best
        ("rrrrrrr.......", "..............", True),  # 7 of 7 tosses: 1 in 128
        ("rrrrr.........", "..............", True),  # 5 of 5: 1 in 32
        ("FFNrs.........", "..............", True),  # whatever it is that went wrong
        ("rrrr..........", "..............", False),  # 4 of 4: 1 in 16
        ("rrrrrrr.......", "rrr...........", False),  # 4 in which only the trial went wrong, none the other way
        ("rrrrr.........", ".........rrrrr", False),  # 5 each
        ("rrrrrrr.......", ".............r", True),  # 7 to 1: (1 + 8) / 256 = 0.035
        ("rrrrrr........", ".............r", False),  # 6 to 1: (1 + 7) / 128 = 0.0625
        ("..............", "rrrrrrrrrrrrrr", False),
        ("rr", "..", True),
        ("r.", "..", False),
        ("", "..", False),
    ],
)
def test_who_is_barred(trial, baseline, is_barred):
    assert (barred(trial, baseline) is not None) is is_barred


def test_only_utterances_of_both_are_compared():
    """Seven more are flagged, which the baseline has not spoken; they are less than half."""
    assert barred("........rrrrrrr", "........") is None


def test_the_reason_has_the_counts():
    assert barred("rrrrrrrF......", ".....s........") == (
        "8 of its 14 utterances failed or are flagged (failed 1, runaway 7), 1 of the baseline's 14"
    )
