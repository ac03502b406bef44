"""What trackers are told: names that any tool takes, numbers with their ends, the files of a run's folder."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.record import Summary, TrialSummary
from evalkit.trackers.telling import files_of, names_of, numbers_of
from evalkit.trial import Trial


def trials(*values):
    return [Trial.of("tone", {"engine.knob": value, "prompt.seconds": 8.0}, "1") for value in values]


def test_a_trial_is_called_by_what_varies():
    assert list(names_of(trials(1, None, "warm")).values()) == ["knob=1", "knob=null", "knob=warm"]


def test_one_trial_is_called_by_its_id():
    (trial,) = trials(1)
    assert names_of([trial]) == {trial.id: trial.id}


def test_names_that_some_tool_takes_for_one_are_ids():
    upper, lower, path = trials("A", "a", "../etc/passwd")
    assert names_of([upper, lower, path]) == {upper.id: upper.id, lower.id: lower.id, path.id: "knob=.._etc_passwd"}


@given(st.lists(st.text(max_size=200), min_size=1, max_size=6, unique=True))
def test_names_are_of_few_signs_short_and_never_alike(values):
    named = names_of(trials(*values))
    assert len({name.casefold() for name in named.values()}) == len(values)
    for name in named.values():
        assert 0 < len(name) <= 120
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,=+ -")
        assert name not in {".", ".."}


def test_numbers_have_their_ends_and_what_is_not_known_is_left_out():
    summary = {"sim": Summary(0.5, 0.25, 0.75, 4), "wer": Summary(0.125, None, None, 4), "rtf": Summary(None)}
    told = TrialSummary("t", "tone", {}, 4, 1, summary, 2, 3)
    counts = {"n": 4.0, "n_failed": 1.0, "n_not_run": 2.0, "n_flagged": 3.0}
    assert numbers_of(told) == {**counts, "sim": 0.5, "sim_low": 0.25, "sim_high": 0.75, "wer": 0.125}
    assert numbers_of(told, ["wer"]) == {**counts, "wer": 0.125}


@pytest.fixture
def folder(tmp_path):
    """A run's folder with its page, and what is no file of the run."""
    for name in ("report.json", "index.html", "page/audio/ab.flac", "page/page.css", "run.log", ".lock",
                 "page/.hidden", ".git/config", ".report.json.ab.part", "half.part"):  # fmt: skip
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").write_text("key")
    (tmp_path / "run/linked").symlink_to(tmp_path / "secret")
    (tmp_path / "run/page/key.txt").symlink_to(tmp_path / "secret/key")
    return tmp_path / "run"


def test_the_files_of_a_run_are_its_own(folder):
    assert list(files_of(folder)) == [
        *map(Path, ("index.html", "report.json", "page/page.css", "page/audio/ab.flac")),
    ]
