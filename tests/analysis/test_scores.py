"""Rows in columns: where each number stands, what stays out, what is counted."""

from dataclasses import replace

import numpy as np
import pytest

from evalkit.analysis.scores import Scores, tabulated
from evalkit.row import ErrorRecord, Row


def row(trial, voice, probe, seed=0, state="scored", cached=False, flags=(), weights=None, reference=None, **scores):
    error = None if state == "scored" else ErrorRecord("SynthesisError", "no")
    return Row(
        *(trial, "e", {}, voice, probe, seed, "en", "x", state),
        scores=scores,
        weights=weights or {},
        cached=cached,
        flags=list(flags),
        sim_reference=reference,
        error=error,
    )


ROWS = [
    row("b", "v", "p", sim=0.1, wer=0.5, weights={"wer": 8.0}),
    row("a", "w", "q", sim=0.2, rtf=0.3, cached=True, flags=["silent", "runaway"]),
    row("a", "v", "p", state="failed"),
    row("b", "w", "q", state="not_run"),
    row("a", "v", "p", 1, sim=0.4, rtf=0.5, reference="prompt"),
]


def test_a_number_stands_at_its_trial_and_unit():
    columns = tabulated(ROWS, ["a", "b"])
    assert (columns.layout.names, columns.layout.shape) == (["v", "w"], (2, 2))
    assert (columns.layout.voices.tolist(), columns.layout.probes.tolist()) == ([0, 1, 0], [0, 1, 0])
    sim, wer = columns.scores("sim"), columns.scores("wer")
    assert sim.values.tolist() == pytest.approx(np.array([[np.nan, 0.2, 0.4], [0.1, np.nan, np.nan]]), nan_ok=True)
    assert sim.weights is None
    assert wer.weights.tolist() == [[1, 1, 1], [8, 1, 1]]
    assert np.isnan(columns.scores("pitch").values).all()


def test_failures_flags_and_voices_that_were_heard_are_counted():
    columns = tabulated(ROWS, ["a", "b"])
    assert columns.scores("failed").values.tolist() == pytest.approx(np.array([[1, 0, 0], [0, 1, np.nan]]), nan_ok=True)
    assert columns.wrong.tolist() == pytest.approx(np.array([[1, 1, 0], [0, 1, np.nan]]), nan_ok=True)
    a, b = columns.tallies
    assert (a.n, a.failed, a.not_run, a.flagged, dict(a.flags)) == (3, 1, 0, 1, {"silent": 1, "runaway": 1})
    assert (b.n, b.failed, b.not_run, b.wrong) == (2, 0, 1, 1)
    assert columns.heard == {"v"}


def test_times_of_an_earlier_run_stay_out():
    assert np.nansum(tabulated(ROWS, ["a", "b"]).scores("rtf").values) == 0.5


def test_rows_are_gone_through_once_and_none_is_no_rows():
    assert tabulated(iter(ROWS), ["a", "b"]).tallies[0].n == 3
    columns = tabulated([], ["a"])
    assert columns.scores("sim").values.shape == (1, 0)


def test_voices_can_be_left_out():
    scores = tabulated(ROWS, ["a", "b"]).scores("sim").without({"v"})
    assert np.nansum(scores.values) == pytest.approx(0.2)


def test_cells_add_up_by_voice_and_probe():
    layout = tabulated(ROWS, ["a", "b"]).layout
    assert layout.by_cell(np.array([1.0, 2.0, 4.0])).tolist() == [[5.0, 0.0], [0.0, 2.0]]


def test_voices_of_one_speaker_share_a_place():
    rows = [replace(one, speaker="s" if one.voice == "v" else None) for one in ROWS]
    columns = tabulated([*rows, replace(row("a", "x", "q", sim=1.0), speaker="s")], ["a", "b"])
    assert columns.layout.names == ["s", "w"]
    assert columns.layout.voices.tolist() == [0, 1, 0, 0]
    assert columns.heard == {"s"}


def test_scores_told_unit_by_unit():
    scores = Scores.of([{("v", "p", 0): (0.5, 2.0)}, {("w", "p", 0): (1.0, 3.0)}])
    assert scores.values.tolist() == pytest.approx(np.array([[0.5, np.nan], [np.nan, 1.0]]), nan_ok=True)
    assert scores.weights.tolist() == [[2, 0], [0, 3]]
