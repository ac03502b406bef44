"""The benchmark of growth, small: its figures are other tests' affair, what it prints and refuses is this one's."""

import pytest

from evalkit.__main__ import main
from evalkit.commands.bench_growth import run_growth


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
