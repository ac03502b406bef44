"""`evalkit votes`, as it is typed."""

import json
from dataclasses import asdict

import pytest

from evalkit.__main__ import main
from tests.analysis.runs import written
from tests.listening import ballot, opinion, other, preference, run_with, same

CELLS = [(f"v{voice}", f"p{probe}") for voice in range(3) for probe in range(4)]
BETTER, WORSE = [[0.6, 0.7, 0.6, 0.7]] * 3, [[0.5] * 4] * 3


def votes_of(listener, answer="a", catches=()):
    votes = [preference("x", "y", answer, *cell) for cell in CELLS]
    votes += [opinion("x", 4 + at % 2, *cell) for at, cell in enumerate(CELLS)]
    votes += [opinion("y", 1 + at % 2, *cell, kind="naturalness") for at, cell in enumerate(CELLS)]
    return ballot([*votes, *catches], listener)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return written(run_with(x=BETTER, y=WORSE), tmp_path / "run")


@pytest.fixture
def exported(tmp_path):
    def write(*ballots):
        paths = []
        for at, one in enumerate(ballots):
            paths.append(tmp_path / f"votes{at}.json")
            paths[-1].write_text(json.dumps(asdict(one)))
        return list(map(str, paths))

    return write


GOOD = (same(), same(), other(), other())


def test_what_is_printed(folder, exported, capsys):
    ballots = [votes_of("ann", catches=GOOD), votes_of("ben", catches=GOOD), votes_of("eve", "b", [other("b")] * 2)]
    assert main(["votes", "run", *exported(*ballots)]) == 0
    out = capsys.readouterr().out
    assert all(len(line) <= 80 for line in out.splitlines())
    for told in (
        "ann          36     2 of 2         2 of 2           6%",
        "left out: eve, who heard another speaker in 0 of 2\n",
        "1 over 2   1.000  [0.521, 1.000]        0    24*",
        "  1: k=1",
        "* the interval excludes 0.5",
        "k=1               4.50 [3.58, 5.00]",
        "sim         1.00 [0.52, 1.00]  1.00 (n=24)",
        "kept in run/votes.json; to show it on the page, type: python -m evalkit report",
    ):
        assert told in out, out


def test_votes_that_come_later_are_added_and_said_again(folder, exported, capsys):
    first, second = exported(votes_of("ann"), votes_of("ben"))
    assert main(["votes", "run", first]) == 0
    assert main(["votes", "run", second]) == 0
    capsys.readouterr()
    assert main(["votes", "run"]) == 0
    out = capsys.readouterr().out
    assert "ann" in out
    assert "ben" in out
    assert "kept in" not in out
    assert main(["votes", "run", first, "--anew"]) == 0
    assert "ben" not in capsys.readouterr().out


def test_json_is_all_that_is_printed(folder, exported, capsys):
    assert main(["votes", "run/report.json", *exported(votes_of("ann")), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["preferences"][0]["value"] == 1
    assert "ballots" not in told
    assert json.loads((folder / "votes.json").read_text())["ballots"][0]["listener"] == "ann"


def test_a_session_that_comes_twice_is_told(folder, exported, capsys):
    assert main(["votes", "run", *exported(votes_of("ann"), votes_of("ann"))]) == 0
    assert "the session session-ann of ann came twice" in capsys.readouterr().err


def test_no_votes_at_all_and_votes_of_another_run(folder, exported, capsys):
    assert main(["votes", "run"]) == 2
    assert "there are no votes of run yet: open its index.html" in capsys.readouterr().err
    (path,) = exported(ballot([], run_id="other"))
    assert main(["votes", "run", path]) == 2
    assert "is of the run 'other'" in capsys.readouterr().err
    assert not (folder / "votes.json").exists()


def test_help_says_what_it_does(capsys):
    with pytest.raises(SystemExit):
        main(["votes", "--help"])
    assert "Merges the votes" in capsys.readouterr().out
