"""Plots: the numbers that are drawn are the report's, whatever names, gaps and sizes it has."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from evalkit.analysis.scores import tabulated
from evalkit.analysis.summary import numbers
from evalkit.record import FloorAndCeiling, Summary, VoiceCalibration
from evalkit.reports.baselines import read_run
from evalkit.reports.plots import Moment, figures, power_curve, svg, trend
from evalkit.reports.plots.axis import Axis, room
from evalkit.reports.plots.drawing import file_name, shown
from evalkit.reports.plots.theme import AMBER, BLUE, DARK, GREEN, INK, MUTED, PAPERS, PLUM, RUST, SERIES
from evalkit.resources import resource
from evalkit.trial import Trial
from tests.analysis.runs import SIM, WER, rows_of, run_of

SVG = "{http://www.w3.org/2000/svg}"
DEMO = read_run(max(resource("reports/demo").glob("*/report.json")))
HOSTILE = "_$x^2$ <b>&amp; \n\u202e\u05d0\u05d1 \x00\ufffe \U0001f600" + "long " * 60


def ran(tables, settings, *, guards=("wer",), **changes):
    """Returns a report and rows of trials by name, with the numbers that rows give."""
    rows = [row for name, table in tables.items() for row in rows_of(name, table, settings=settings[name])]
    run = run_of(
        rows, trials=settings, **{"primary": "sim", "guards": list(guards), "baseline": next(iter(settings)), **changes}
    )
    trials = [Trial(id, "e", values, "1") for id, values in settings.items()]
    found = numbers(trials, tabulated(rows, list(settings)), run.report.metrics, next(iter(settings)))
    told = {"trials": found.trials, "comparisons": found.comparisons, "baseline": found.baseline}
    return replace(run.report, **told), rows


def table(middle, wer=0.0):
    """Returns scores of 3 voices and 2 texts about a middle."""
    values = [[middle - 0.02, middle], [middle, middle + 0.01], [middle + 0.03, middle - 0.02]]
    return {"sim": values, "wer": [[wer, wer / 2], [0.0, wer], [wer, wer / 3]]}


def named(plots):
    return {plot.name: plot for plot in plots}


def lines_of(plot):
    """Returns what lines and marks are drawn, as points by colour."""
    found = {}
    for line in plot.figure.axes[0].get_lines():
        points = list(zip(np.atleast_1d(line.get_xdata()), np.atleast_1d(line.get_ydata()), strict=True))
        found.setdefault(line.get_color(), []).append([(float(x), float(y)) for x, y in points])
    return found


def segments_of(plot):
    """Returns the ends of all intervals that are drawn."""
    collections = plot.figure.axes[0].collections
    return [segment.tolist() for collection in collections for segment in collection.get_segments()]


def texts_of(plot):
    return [text.text or "" for text in ElementTree.fromstring(svg(plot)).iter(f"{SVG}text")]


@pytest.fixture(scope="module")
def demo():
    return named(figures(DEMO.report, DEMO.rows))


def test_the_demo_has_its_plots(demo):
    assert list(demo) == [
        "sim-by-prompt-seconds",
        "wer-by-prompt-seconds",
        "sim-by-engine-bank",
        "wer-by-engine-bank",
        "sim-by-prompt-seconds-and-engine-bank",
        "sim-against-wer",
        "sim-by-voice",
        "sim-differences",
        "wer-differences",
    ]


def test_a_setting_is_drawn_where_it_is_with_the_reports_numbers(demo):
    told = {
        (one.settings["engine.bank"], one.settings["prompt.seconds"]): one.summary["sim"] for one in DEMO.report.trials
    }
    drawn, ends = lines_of(demo["sim-by-engine-bank"]), segments_of(demo["sim-by-engine-bank"])
    for series, seconds in zip(SERIES, (1.0, 8.0), strict=False):
        expected = [(float(bank), told[bank, seconds].value) for bank in (2, 6, 16)]
        assert all(points == expected for points in drawn[series.colour])
        for bank in (2, 6, 16):
            one = told[bank, seconds]
            assert [[bank, one.low], [bank, one.high]] in ends


def test_an_alternative_says_the_numbers(demo):
    for one in DEMO.report.trials:
        summary = one.summary["sim"]
        told = f"{summary.value:.3f} [{summary.low:.3f}, {summary.high:.3f}] at {one.settings['engine.bank']}"
        assert told in demo["sim-by-engine-bank"].alternative
    assert "0.000 (no interval)" in demo["wer-by-engine-bank"].alternative


def test_a_forest_has_every_comparison_sorted(demo):
    told = sorted((one for one in DEMO.report.comparisons if one.metric == "sim"), key=lambda one: -one.difference)
    ends = [[[one.low, at], [one.high, at]] for at, one in enumerate(told)]
    assert segments_of(demo["sim-differences"]) == ends
    assert [label.get_text() for label in demo["sim-differences"].figure.axes[0].get_yticklabels()][-1] == "seconds=8"
    best = told[0]
    assert f"{best.difference:+.3f} [{best.low:+.3f}, {best.high:+.3f}] for" in demo["sim-differences"].alternative
    assert "2 told better, 3 not told" in demo["sim-differences"].alternative


def test_voices_have_their_means_and_floor_and_ceiling(demo):
    values = [row.scores["sim"] for row in DEMO.rows if row.trial == DEMO.report.best and row.voice == "male_gb"]
    assert f"{np.mean(values):.3f}" in demo["sim-by-voice"].alternative
    ends = DEMO.report.calibration["male_gb"].speakers[DEMO.report.metrics["sim"].judge]
    assert any(one[0][0] == ends.floor and one[1][0] == ends.ceiling for one in segments_of(demo["sim-by-voice"]))


def test_a_table_of_two_settings_has_all_numbers(demo):
    said = " ".join(text.get_text() for text in demo["sim-by-prompt-seconds-and-engine-bank"].figure.axes[0].texts)
    assert all(f"{one.summary['sim'].value:.3f}" in said for one in DEMO.report.trials)


def test_svg_is_text_and_two_schemes_and_the_same_again(demo):
    again = named(figures(DEMO.report, DEMO.rows))
    for name, plot in demo.items():
        text = svg(plot)
        root = ElementTree.fromstring(text)
        assert text == svg(plot) == svg(again[name])
        assert (root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text) == (plot.title, plot.alternative)
        assert "@media screen and (prefers-color-scheme:dark)" in text
        assert not re.search(r'style="[^"]*#', text)  # every colour is a variable
        assert "DOCTYPE" not in text
        assert "<metadata" not in text
        assert plot.figure.get_figwidth() == pytest.approx(4.8)


def test_no_text_is_smaller_than_nine_pixels_on_a_telephone(demo):
    for plot in demo.values():
        text = svg(plot)
        width = float(re.search(r'viewBox="0 0 ([\d.]+)', text).group(1))
        sizes = [float(size) for size in re.findall(r"font(?:-size)?: (?:bold )?([\d.]+)px", text)]
        assert sizes
        assert min(sizes) * (375 - 32) / width >= 9


def contrast(one, other):
    """Returns the contrast of two colours, after WCAG 2.1."""
    light = []
    for colour in (one, other):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        light.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(light) + 0.05) / (min(light) + 0.05)


@pytest.mark.parametrize("colour", [INK, MUTED, BLUE, RUST, GREEN, PLUM, AMBER])
def test_colours_stand_out_on_both_papers(colour):
    least = 4.5 if colour in (INK, MUTED) else 3
    assert contrast(colour, PAPERS["light"]) >= least
    assert contrast(DARK[colour], PAPERS["dark"]) >= least


def test_series_differ_without_colour():
    assert len({one.marker for one in SERIES}) == len({str(one.line) for one in SERIES}) == len(SERIES)


def test_hostile_names_are_text():
    key = f"engine.{HOSTILE}"
    settings = {f"t{at}": {key: value} for at, value in enumerate([HOSTILE, "$y_1$", "<i>"])}
    report, rows = ran({f"t{at}": table(0.5 + at / 10, 0.1) for at in range(3)}, settings, varying=[key])
    rows = [replace(row, voice=f"{row.voice}{HOSTILE}", stratum=f"{row.probe}$a$ <u>") for row in rows]
    plots = figures(report, rows)
    for plot in plots:
        root = ElementTree.fromstring(svg(plot))
        assert {one.tag for one in root.iter()} <= {SVG + name for name in TAGS}
        assert re.fullmatch("[a-z0-9-]{1,140}", plot.name)
    said = " ".join(text for plot in plots for text in texts_of(plot))
    assert {name for name in ("$y_1$", "<i>", "$a$ <u>") if name in said} == {"$y_1$", "<i>", "$a$ <u>"}
    assert "\u202e" not in said


TAGS = ("svg", "title", "desc", "style", "defs", "g", "path", "use", "text", "tspan", "clipPath", "rect")


def test_names_differ_though_settings_are_called_alike():
    settings = {f"t{at}": {"engine.$": at % 2, "engine.%": at // 2} for at in range(4)}
    report, rows = ran({f"t{at}": table(0.5 + at / 10) for at in range(4)}, settings, varying=["engine.$", "engine.%"])
    names = [plot.name for plot in figures(report, rows)]
    assert len(set(names)) == len(names)
    assert "sim-by-engine-2" in names


def test_more_lines_than_can_be_told_apart_are_left_out_and_said():
    settings = {f"t{at}": {"engine.a": at % 2, "engine.b": f"b{at // 2}"} for at in range(20)}
    tables = {f"t{at}": table(0.3 + at / 40) for at in range(20)}
    report, rows = ran(tables, settings, varying=["engine.a", "engine.b"])
    plot = named(figures(report, rows))["sim-by-engine-a"]
    assert "4 more lines are left out." in plot.alternative
    assert "b=b0" in plot.alternative  # the baseline's
    assert "b=b9" in plot.alternative  # the best


def test_a_forest_of_many_says_how_many_more():
    settings = {f"t{at}": {"engine.a": at} for at in range(50)}
    report, rows = ran({f"t{at}": table(0.3 + at / 100) for at in range(50)}, settings, varying=["engine.a"])
    found = named(figures(report, rows))
    assert len(found["sim-differences"].figure.axes[0].get_yticks()) == 40
    assert "9 more, further down, are left out." in found["sim-differences"].alternative
    assert "38 are drawn without a number." in " ".join(texts_of(found["sim-against-wer"]))


def test_the_front_is_what_nothing_beats():
    settings = {name: {"engine.a": name} for name in ("base", "good", "cheap", "beaten")}
    tables = {"base": table(0.4, 0.2), "good": table(0.6, 0.3), "cheap": table(0.5, 0.1), "beaten": table(0.45, 0.3)}
    plot = named(figures(*ran(tables, settings, varying=["engine.a"])))["sim-against-wer"]
    assert re.search("On the front: a=good: .*; a=cheap: [^;]*$", plot.alternative)
    (front,) = [points for points in lines_of(plot)[BLUE] if len(points) == 2 and points == sorted(points)][-1:]
    assert [round(y, 2) for _, y in front] == [0.5, 0.6]


def test_strata_have_their_own_means():
    settings = {name: {"engine.a": name} for name in ("one", "two")}
    report, rows = ran({"one": table(0.4), "two": table(0.6)}, settings, varying=["engine.a"])
    rows = [replace(row, stratum={"p0": "names", "p1": "numbers"}[row.probe]) for row in rows]
    plot = named(figures(report, rows))["sim-by-stratum"]
    assert "in 2 strata" in plot.alternative
    # names: 0.38, 0.40, 0.43 and 0.58, 0.60, 0.63; numbers: 0.40, 0.41, 0.38 and 0.60, 0.61, 0.58
    drawn = lines_of(plot)
    assert sorted(round(x, 6) for points in drawn[RUST] for x, _ in points) == [0.396667, 0.403333]
    assert sorted(round(x, 6) for points in drawn[BLUE] for x, _ in points) == [0.596667, 0.603333]


def test_what_cannot_be_drawn_is_not():
    empty = run_of([], trials={})
    assert figures(empty.report, []) == []
    failed, rows = ran({"t": {"sim": [[None, None], [None, None]]}}, {"t": {}})
    assert figures(failed, rows) == []
    single, rows = ran({"t": table(0.5)}, {"t": {}})
    assert list(named(figures(single, rows))) == ["sim-by-voice"]
    assert "e" not in named(figures(replace(single, metrics={}), rows))
    assert figures(replace(single, primary="absent", guards=[]), rows) == []
    assert len(figures(single, [*rows, *rows_of("stranger", table(0.1))])) == 1


def test_one_voice_has_no_intervals_and_open_marks():
    tables = {"one": {"sim": [[0.5]], "wer": [[0.1]]}, "two": {"sim": [[0.6]], "wer": [[0.0]]}}
    plots = named(figures(*ran(tables, {"one": {"engine.a": 1}, "two": {"engine.a": 2}}, varying=["engine.a"])))
    assert "open marks" in " ".join(texts_of(plots["sim-by-engine-a"]))
    assert "0.500 (no interval) at 1, 0.600 (no interval) at 2" in plots["sim-by-engine-a"].alternative
    assert segments_of(plots["sim-by-engine-a"]) == []


def test_gains_by_voice_need_enough_of_each():
    settings = {"one": {"engine.a": 1}, "two": {"engine.a": 2}}
    texts = [[0.01 * (probe * voice % 3) for probe in range(5)] for voice in range(3)]
    tables = {"one": {"sim": texts}, "two": {"sim": [[value + 0.3 + value**2 for value in own] for own in texts]}}
    plots = named(figures(*ran(tables, settings, varying=["engine.a"], guards=())))
    assert "of 3 voices" in plots["sim-differences-by-voice"].alternative
    few = named(figures(*ran({"one": table(0.4), "two": table(0.5)}, settings, varying=["engine.a"])))
    assert "sim-differences-by-voice" not in few


def test_calibration_of_a_voice_may_be_missing():
    report, rows = ran({"t": table(0.5)}, {"t": {}})
    half = {"v0": VoiceCalibration({"hum": FloorAndCeiling(0.1, None)}, None, 0)}
    assert len(figures(replace(report, calibration=half), rows)) == 1


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([8.0, 1.0, 3], [1, 3, 8]),
        ([30.0, None, 5.0, 20.0], [5, 20, 30, 35]),  # null stands apart: a fifth of the span behind
        (["b", "a", "b"], [0, 1]),
        ([True, False], [0, 1]),
        ([1, True], [0, 1]),
        ([7], [0]),
    ],
)
def test_numbers_stand_where_they_are_and_names_in_their_order(values, places):
    axis = Axis.of(values)
    assert axis.places == pytest.approx(places)
    assert [axis.place(value) for value in axis.values] == axis.places


def test_powers_stand_in_steps_of_a_factor():
    assert Axis.of([1, 2, 4, 8, 16, 32]).is_logarithmic
    assert not Axis.of([0, 1, 32]).is_logarithmic


@pytest.mark.parametrize(
    ("values", "bounds", "ends"),
    [
        ([0.0, 1.0], (None, None), (-0.08, 1.08)),
        ([0.0, 0.0], (0.0, None), (-0.004, 0.05)),
        ([0.5, 1.0], (0.0, 1.0), (0.46, 1.0232)),
    ],
)
def test_an_axis_hardly_goes_beyond_what_can_be(values, bounds, ends):
    assert room(values, bounds) == pytest.approx(ends)


def test_power_is_a_curve_of_what_a_report_says():
    plot = power_curve(DEMO.report, DEMO.rows)
    assert "With 12 voices and 2 texts it is" in plot.alternative
    assert plot.name == "sim-power"
    falling = [y for _, y in lines_of(plot)[BLUE][0]]
    assert falling == sorted(falling, reverse=True)
    assert power_curve(DEMO.report, DEMO.rows, "no metric") is None
    assert power_curve(run_of([]).report, []) is None


def test_a_trend_is_in_the_order_of_time():
    moments = [
        Moment("2026-02-01T00:00:00Z", Summary(0.5, 0.4, 0.6, 9), "abcdef0123456"),
        Moment("2026-01-01T00:00:00Z", Summary(0.25, None, None, 9)),
        Moment("2026-03-01T00:00:00Z", Summary(None)),
    ]
    plot = trend("sim", SIM, moments)
    assert plot.alternative == (
        "SIM of 2 runs: 0.250 (no interval) on 2026-01-01, then 0.500 [0.400, 0.600] on 2026-02-01."
    )
    assert segments_of(plot) == [[[1, 0.4], [1, 0.6]]]
    assert "abcdef012" in " ".join(texts_of(plot))
    assert trend("wer", WER, moments[2:]) is None


def test_a_trend_of_many_series_and_runs():
    moments = [Moment(f"2026-01-{at:02}", Summary(at / 100), None, f"s{at}") for at in range(1, 32)]
    plot = trend("sim", SIM, moments)
    assert "1 earlier runs are left out." in plot.alternative
    ElementTree.fromstring(svg(plot))


def test_matplotlib_is_loaded_late_and_keeps_quiet_without_a_home(tmp_path):
    code = (
        "import sys; import evalkit.reports.plots as p; assert 'matplotlib' not in sys.modules\n"
        "from evalkit.record import Summary, MetricRecord\n"
        "plot = p.trend('sim', MetricRecord('cosine', True, None), [p.Moment('2026-01-01', Summary(0.5))])\n"
        "print(len(p.svg(plot)) > 1000, 'matplotlib.pyplot' in sys.modules)"
    )
    home = tmp_path / "file"
    home.write_text("no folder")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MPL"))}
    where = {**kept, "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=where, capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"
    assert done.stderr == ""


def test_names_of_files_and_texts():
    assert file_name("sim", "by", "Prompt.seconds", "<$>") == "sim-by-prompt-seconds"
    assert file_name("<>") == "plot"
    assert shown("a\n b\x00\ufffe") == "a b\\x00\ufffd"
    assert len(shown("x" * 100)) == 39


def test_nothing_global_is_changed():
    import matplotlib

    before = json.dumps({key: str(value) for key, value in matplotlib.rcParams.items()})
    svg(figures(DEMO.report, DEMO.rows)[0])
    assert json.dumps({key: str(value) for key, value in matplotlib.rcParams.items()}) == before
