"""Benchmarks, small: their figures are other tests' affair, what they print and refuse is this one's."""

import shutil

import pytest

from evalkit.__main__ import main
from evalkit.commands.bench_growth import run_growth
from evalkit.commands.bench_statistics import CASES
from evalkit.resources import resource


def test_growth_is_told_for_a_fresh_run_and_its_repeat(capfd):
    run_growth(12, voices=3, tries=1)
    lines = [line.split() for line in capfd.readouterr().out.splitlines() if line.lstrip()[:2] == "12"]
    assert [line[:2] for line in lines] == [["12", "fresh"], ["12", "repeat"]]
    for line in lines:
        start, rows, report, total, _ = (float(line[at]) for at in (2, 4, 6, 8, 10))
        assert start > 0  # the others may be 0.00 of a quick machine
        assert total == pytest.approx(start + rows + report, abs=0.02)


@pytest.mark.parametrize("rows", ["0", "-200", "1001"])
def test_rows_that_the_voices_do_not_make_are_refused(rows, capsys):
    assert main(["bench", "growth", "--utterances", rows]) == 2
    assert (
        f"--utterances was {rows}, expected a multiple of 200: 2 trials of 100 voices each" in capsys.readouterr().err
    )


WAYS = {"cut=word": "100.0%", "cut=silence": "100.0%", "cut=hard": "0.0%"}


@pytest.mark.weights
def test_cuts_are_heard_on_both_sides_and_hard_ones_are_told_apart(tmp_path, capfd):
    """Two clips of one voice: whole clips and cuts agree with their words, cuts at any sample do not."""
    (tmp_path / "voices/her").mkdir(parents=True)
    for file in ("prompt_01.flac", "prompt_02.flac"):
        shutil.copy(resource("probes/voices/demo/female_us") / file, tmp_path / "voices/her")
    assert main(["bench", "cuts", "--cuts", "2", "--voices", str(tmp_path / "voices")]) == 0
    lines = [line.split() for line in capfd.readouterr().out.splitlines()]
    both = {line[0]: line[4] for line in lines if line and line[0] in WAYS}
    assert both == WAYS


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (["--cuts", "0"], 2, "--cuts was 0, expected 1 or more"),
        (["--voices", "no/such/voices"], 2, "no/such/voices"),
    ],
)
def test_cuts_of_nothing_are_refused(typed, code, said, capsys):
    assert main(["bench", "cuts", *typed]) == code
    assert said in capsys.readouterr().err


def test_statistics_are_simulated_case_by_case(capsys):
    assert main(["bench", "statistics", "--runs", "2"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("2 runs a case; 95% intervals")
    assert sum(line.split("  ")[0] in {case.name for case in CASES} for line in told) == len(CASES)
    assert told[-1].startswith("least ")


def test_no_simulation_is_refused(capsys):
    assert main(["bench", "statistics", "--runs", "0"]) == 2
    assert "--runs was 0, expected 1 or more" in capsys.readouterr().err


@pytest.mark.weights
def test_judges_are_timed_and_the_quick_ways_held_against_the_exact_ones(capfd):
    assert main(["bench", "judges", "--utterances", "2"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("2 utterances, ")
    assert max(map(len, lines)) <= 80
    end = next(index for index, line in enumerate(lines) if line.startswith("windows=one is faster"))
    timed = {line[:28].strip(): float(line[28:].split()[0]) for line in lines[2:end]}
    assert {"dnsmos, windows=all", "dnsmos, windows=one", "plcmos", "campplus", "ge2e"} <= set(timed)
    assert min(timed[name] for name in ("dnsmos, windows=all", "plcmos")) > 0
    (overall,) = (line.split() for line in lines if line.startswith("dnsmos_ovrl"))
    mean, largest = float(overall[1]), float(overall[3])
    assert 0 < mean <= largest < 0.5
    (whisper,) = (line.split() for line in lines if line.startswith("whisper_base, window=full") and "%" in line)
    assert whisper[-1] == "100.0%"  # it is what the others are held against
    first = next(line for line in lines if line.startswith("conv2d_1"))
    assert "(64, 128, 3, 3)" in first


def test_judges_of_runs_order_their_trials():
    from evalkit.commands.bench_judges import _order

    assert _order([(1.0, 3.0), (2.0, 3.5), (4.0, 3.6)]) == "kept in all 3 pairs"
    assert _order([(1.0, 3.5), (1.2, 3.0), (4.0, 3.6)]) == "1 of 3 pairs changed, <= 0.200 apart"
    assert _order([(1.0, 3.5)]) == "-"


def test_judges_hear_a_run_whose_sounds_are_kept_and_no_other(run, capfd):
    """One of the fakes: its sounds are read from its store, and a store without them is named."""
    from evalkit.commands.bench_judges import _of_runs

    folder = run().folder
    heard = _of_runs([str(folder)])
    assert len(heard) == 9
    assert {one.text for one in heard} == {"the quick brown fox", "jumps over a lazy dog", "a cold sun rose late"}
    assert len({one.trial for one in heard}) == 1
    assert main(["bench", "judges", "--of", str(folder), "--utterances", "10"]) == 2
    assert "--utterances was 10, expected 1 to 9: so many sounds are here" in capfd.readouterr().err
    assert main(["bench", "judges", "--utterances", "0"]) == 2
    assert "--utterances was 0, expected 1 to " in capfd.readouterr().err
