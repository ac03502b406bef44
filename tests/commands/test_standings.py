"""The numbers so far: pooled as the report pools them, the best few, in the room there is."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from evalkit.analysis.running import Running
from evalkit.analysis.scores import tabulated
from evalkit.analysis.summary import numbers
from evalkit.commands.display import Live, Plain
from evalkit.commands.standings import Standings
from evalkit.pipeline.events import RowsMade, RunBegun, StageBegun
from evalkit.record import MetricRecord
from evalkit.row import Row
from evalkit.trial import Trial
from tests.commands.test_display import screen
from tests.conftest import wait_until


def trial(seconds, **more):
    return Trial.of("tone", {"prompt.seconds": seconds, **more}, "1")


def row(of, probe="p", state="scored", weights=None, cached=False, **scores):
    return Row(
        of.id, "tone", of.settings, "ann", probe, 0, "en", "x", state,
        scores=scores, weights=weights or {}, cached=cached,
    )  # fmt: skip


SHORT, LONG = trial(3.0), trial(8.0)


def standings(trials, rows, primary="sim", *, higher_is_better=True):
    made = Standings.of(RunBegun(tuple(trials), primary, higher_is_better))
    made.add(rows)
    return made


def test_means_are_pooled_by_weight():
    rows = [row(SHORT, "p", wer=0.5, weights={"wer": 4}), row(SHORT, "q", wer=0.0, weights={"wer": 16}),
            row(LONG, "p", wer=0.25, weights={"wer": 4}), row(LONG, "q", "failed")]  # fmt: skip
    lines = standings([SHORT, LONG], rows, "wer", higher_is_better=False).lines(80, 24)
    assert lines == ["wer so far", "  0.100  n 2            seconds=3", "  0.250  n 2  1 failed  seconds=8"]


ROWS = st.lists(
    st.tuples(
        st.sampled_from([SHORT, LONG]),
        st.sampled_from(["scored", "failed", "not_run"]),
        st.one_of(st.none(), st.floats(0, 2)),
        st.floats(0.5, 40),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(ROWS, st.sampled_from(["wer", "rtf", "failed"]))
def test_they_are_the_report_s(drawn, metric):
    rows = []
    for number, (of, state, value, weight, cached) in enumerate(drawn):
        scores = {metric: value} if state == "scored" and value is not None and metric != "failed" else {}
        weights = {metric: weight} if scores else {}
        rows.append(row(of, f"p{number}", state, weights, cached, **scores))
    running = Running.of([SHORT.id, LONG.id], metric, higher_is_better=False)
    running.add(rows)
    known = {metric: MetricRecord("ratio", False, None)}
    report = numbers([SHORT, LONG], tabulated(rows, [SHORT.id, LONG.id]), known, SHORT.id)
    for told in report.trials:
        expected = told.summary[metric].value
        value = running.trials[told.id].value
        assert value == (None if expected is None else pytest.approx(expected, abs=1e-9))
        assert running.trials[told.id].rows == told.n
        assert running.trials[told.id].wrong == told.n_failed + told.n_not_run


MANY = [
    trial(float(number), **{"engine.top_k": number % 3, "engine.voice": "女" * (number % 5)}) for number in range(300)
]


@pytest.mark.parametrize("width", [24, 40, 80, 140])
@pytest.mark.parametrize("height", [3, 8, 24])
def test_they_fit_and_no_number_is_cut(width, height):
    made = standings(MANY, [row(of, sim=of.settings["prompt.seconds"] / 1000) for of in MANY])
    lines = made.lines(width, height)
    shown = min(8, height - 1)
    assert len(lines) == 1 + shown
    assert f"sim so far, the best {shown} of 300 trials".startswith(lines[0].removesuffix("…"))
    assert [re.match(r"  (\d\.\d{3})  ", line).group(1) for line in lines[1:]] == [
        f"0.{299 - place}" for place in range(shown)
    ]
    console = Console(file=io.StringIO(), width=width)
    assert all(console.measure(line).maximum <= width for line in lines)


@pytest.mark.parametrize(("width", "height"), [(23, 24), (80, 2), (80, 0), (80, -5)])
def test_where_there_is_no_room_they_are_left_out(width, height):
    assert standings([SHORT, LONG], [row(SHORT, sim=0.1), row(LONG, sim=0.2)]).lines(width, height) == []


def test_without_a_score_there_is_nothing_to_show():
    made = standings([SHORT], [row(SHORT, state="failed")])
    assert made.lines(80, 24) == []
    assert made.short() == ""


def test_a_name_does_not_steer_the_terminal():
    hostile = trial(3.0, **{"engine.text": "\x1b[31m\nred"})
    lines = standings([hostile, trial(3.0, **{"engine.text": "b"})], [row(hostile, sim=0.5)]).lines(80, 24)
    assert lines[1] == r"  0.500  n 1  text=\x1b[31m red"


def test_a_terminal_shows_them_below_the_bars_and_leaves_them_out_at_the_end():
    stream = io.StringIO()
    display = Live(Console(file=stream, force_terminal=True, width=80, height=24))
    display.hear(RunBegun((SHORT, LONG), "sim", True))
    display.hear(StageBegun("synthesis", total=2, cached=0))
    display.hear(RowsMade((row(SHORT, sim=0.25), row(LONG, sim=0.5)), done=2, total=4))
    wait_until(lambda: "sim so far" in stream.getvalue())
    shown = [line.rstrip() for line in screen(stream.getvalue(), 80)]
    at = next(at for at, line in enumerate(shown) if line.startswith("sim so far"))
    assert shown[at : at + 3] == ["sim so far", "  0.500  n 1  seconds=8", "  0.250  n 1  seconds=3"]
    assert shown[at - 1].startswith("rows ")
    display.finish()
    assert not [line for line in screen(stream.getvalue(), 80) if "so far" in line and "sim" in line]


def test_a_pipe_gets_one_number_in_its_line_and_no_table():
    stream = io.StringIO()
    display = Plain(stream, every=0.01)
    display.hear(RunBegun((SHORT, LONG), "sim", True))
    display.hear(StageBegun("synthesis", total=2, cached=0))
    display.hear(RowsMade((row(SHORT, sim=0.25), row(LONG, sim=0.5)), done=2, total=4))
    wait_until(lambda: re.search(r"; rows: 2/4; best sim 0\.500$", stream.getvalue(), re.MULTILINE))
    display.finish()
    assert "seconds=8" not in stream.getvalue()
