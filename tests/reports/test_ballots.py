"""Files of votes, as strangers may send them."""

import json
from dataclasses import asdict, replace

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.analysis.votes import heard
from evalkit.ballot import Ballot
from evalkit.errors import DataError
from evalkit.reports.ballots import ears, merged, read_ballots, read_heard, write_heard
from evalkit.reports.files import json_schema
from tests.listening import ballot, opinion, other, played, preference, run_with, same

FLAT = [[0.5, 0.5]] * 2
VOTES = [preference("x", "y", "a"), opinion("y", 2), same(), other()]


@pytest.fixture
def run(tmp_path):
    return replace(run_with(x=FLAT, y=FLAT), name=str(tmp_path))


def written(folder, content, name="votes-ann.json"):
    path = folder / name
    text = (
        content if isinstance(content, str) else json.dumps(asdict(content) if isinstance(content, Ballot) else content)
    )
    path.write_text(text)
    return path


def changed(**changes):
    return {**asdict(ballot(VOTES)), **changes}


def with_sound(**changes):
    vote = asdict(VOTES[1])
    return changed(votes=[{**vote, "sounds": [{**vote["sounds"][0], **changes}]}])


def test_votes_come_back_as_they_were_exported_and_follow_the_schema(tmp_path, run):
    path = written(tmp_path, ballot(VOTES))
    jsonschema.validate(json.loads(path.read_text()), json_schema("ballot"))
    assert read_ballots([path], run) == [ballot(VOTES)]


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "is no file of exported votes"),
        ("{", "is no file of exported votes"),
        ("[" * 100_000, "is no file of exported votes"),
        ("[]", "it has no schema_version"),
        ('{"schema_version": 2}', "has the schema_version 2, this evalkit reads 1"),
        ('{"schema_version": 1, "votes": NaN}', "NaN is no number"),
        ('{"schema_version": 1}', "run_id: is missing"),
        (changed(more=1), "more: "),
        (changed(votes=[{**asdict(VOTES[0]), "answer": "<script>"}]), "votes.0.answer"),
        (changed(run_id="other"), "is of the run 'other', not of run"),
        (changed(run_id="o" * 5000), "is of the run 'ooo"),
        (changed(plan="q"), "is of another plan than run has"),
        (changed(listener="a\x1b[2J"), "has a listener whose name has the control character U+001B"),
        (changed(listener="\ud800"), "listener: input should be a valid string"),
        (
            with_sound(trial="w"),
            "a vote, number 1, about trial 'w', voice 'v0', probe 'p0', seed 0, which run does not",
        ),
        (with_sound(probe="p9"), "probe 'p9'"),
        (with_sound(seed=7), "seed 7"),
        (with_sound(address="0" * 64), "about the sound 0000000000000000 of trial 'y'"),
        (
            changed(votes=[asdict(replace(other(), sounds=[played(None, "v0"), played(None, "eve")]))]),
            "the voice 'eve'",
        ),
    ],
)
def test_votes_that_are_none(tmp_path, run, content, complaint):
    with pytest.raises(DataError) as raised:
        read_ballots([written(tmp_path, content)], run)
    assert complaint in str(raised.value)
    assert len(str(raised.value)) < 2000


@pytest.mark.hostile
def test_no_file_and_one_that_is_too_large(tmp_path, run):
    with pytest.raises(DataError, match="no exported votes at"):
        read_ballots([tmp_path / "none.json"], run)
    with pytest.raises(DataError, match="larger than 4 MB"):
        read_ballots([written(tmp_path, " " * (4 << 20) + "{}")], run)


KEYS = st.sampled_from(["schema_version", "votes", "run_id", "sounds", "answer"]) | st.text()
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


@given(ANYTHING)
def test_whatever_json_is_there_is_votes_or_an_error_of_ours(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp()
    with pytest.raises(DataError):
        read_ballots([written(folder, content, "any.json")], run_with(x=FLAT, y=FLAT))


def test_an_address_may_be_cut_short(tmp_path):
    run = run_with(x=FLAT, y=FLAT)
    run = replace(run, rows=[replace(row, audio="ab" * 32) for row in run.rows])
    good = with_sound(address="ab" * 8)
    assert read_ballots([written(tmp_path, good)], run)[0].votes[0].sounds[0].address == "ab" * 8


def test_a_session_that_comes_twice_is_taken_once_with_most_votes():
    half, whole = ballot(VOTES[:2]), ballot(VOTES)
    found, notes = merged([half, whole, ballot(VOTES, "ben"), half])
    assert found == [whole, ballot(VOTES, "ben")]
    assert notes[0] == "the session session-ann of ann came twice (2 and 4 votes): taken once, with 4"
    assert len(notes) == 2


def test_what_ears_said_is_kept_and_read_again(tmp_path, run):
    assert (read_heard(run), ears(tmp_path, run.report)) == (None, None)
    found = heard([ballot(VOTES), ballot([other("b")], "ben")], run)
    write_heard(tmp_path, found)
    jsonschema.validate(json.loads((tmp_path / "votes.json").read_text()), json_schema("votes"))
    assert read_heard(run).ballots == found.ballots
    told = ears(tmp_path, run.report)
    assert told["listeners"] == {"kept": 1, "left_out": 1}
    assert ears(tmp_path, replace(run.report, plan="q")) is None
    assert "ann" not in json.dumps(told)


@pytest.mark.hostile
@pytest.mark.parametrize("content", ["", "{}", '{"schema_version": 1}'])
def test_a_damaged_file_of_what_ears_said_is_named(tmp_path, run, content):
    written(tmp_path, content, "votes.json")
    for read in (lambda: read_heard(run), lambda: ears(tmp_path, run.report)):
        with pytest.raises(DataError, match=r"votes\.json is no file of votes"):
            read()
