"""Engines that fail: once, again and again, or before they could be asked; and what is no sound."""

from dataclasses import field

import pytest
from pydantic.dataclasses import dataclass

from evalkit.engines.base import STRICT, Request, Synthesis
from evalkit.engines.tone import Tone
from evalkit.errors import SynthesisError
from evalkit.pipeline.attempts import Failure, NotRun
from evalkit.pipeline.executors import Job, Local
from evalkit.pipeline.workspace import Workspace
from evalkit.prompt import Prompt
from evalkit.store.directory import Directory
from evalkit.whistle import whistle
from tests.pipeline.conftest import Noted

NAMES = {Synthesis: "sound", Failure: "failed", NotRun: "not run"}
PROMPT = Prompt(whistle("some words are here", 200.0), "some words are here", "user", ("a.wav",))


@dataclass(frozen=True, config=STRICT)
class Moody(Tone):
    """Says `ok`, fails at every other text with what the text says, and notes what it was asked."""

    loads: bool = True
    asked: list[str] = field(default_factory=list, hash=False, compare=False)

    def load(self):
        self.asked.append("load")
        if not self.loads:
            raise OSError("no weights at 0x7f")

    def speak(self, request):
        self.asked.append(request.text)
        if request.text == "ok":
            return super().speak(request)
        raise SynthesisError(request.text)


@pytest.fixture
def heard():
    return Noted()


@pytest.fixture
def local(planned, tmp_path, heard):
    """An executor that gives up after three failures alike."""
    return Local(Workspace.of(planned(), Directory(tmp_path / "store"), heard, "this"), max_consecutive_failures=3)


def asked(local, *texts_by_engine):
    """What becomes of texts, engine by engine."""
    jobs = {
        (index, at): Job(engine, lambda text=text, at=at: Request(text, PROMPT, at, "en"))
        for index, (engine, texts) in enumerate(texts_by_engine)
        for at, text in enumerate(texts.split(","))
    }
    found = [[] for _ in texts_by_engine]
    outcomes = dict(local.map(jobs))
    for index, at in jobs:
        found[index].append(NAMES[type(outcomes[index, at])])
    return found


def said(heard):
    return [event.message for event in heard.events if hasattr(event, "message")]


@pytest.mark.parametrize(
    ("texts", "outcome"),
    [
        ("a,a,a,a,a", "failed,failed,failed,not run,not run"),
        ("a,a,ok,a,a,ok,a", "failed,failed,sound,failed,failed,sound,failed"),  # a sound begins the count anew
        ("a,a,b,b,a,a,b", "failed,failed,failed,failed,failed,failed,failed"),  # and so does another error
        ("at 1,at 22,at 333,ok", "failed,failed,failed,not run"),  # numbers and quotes tell utterances apart
        ("no 'x',no 'y',no 'z',ok", "failed,failed,failed,not run"),
    ],
)
def test_three_failures_alike_in_a_row_end_it(local, heard, texts, outcome):
    engine = Moody()
    assert asked(local, (engine, texts)) == [outcome.split(",")]
    tried = [one for one in outcome.split(",") if one != "not run"]
    assert len(engine.asked) - engine.asked.count("load") == len(tried)
    assert len(said(heard)) == ("not run" in outcome)


def test_it_is_said_once_with_the_setting_and_the_reason_is_kept(local, heard):
    engine = Moody()
    asked(local, (engine, "a,a,a,a"))
    assert asked(local, (engine, "ok,ok")) == [["not run", "not run"]]  # a later batch
    assert said(heard) == [
        "tone failed 3 times in a row, what it was still to say is not run (max_consecutive_failures=3): "
        "SynthesisError: a"
    ]
    assert dict(local.map({"x": Job(engine, lambda: Request("ok", PROMPT, 0, "en"))})) == {
        "x": NotRun("SynthesisError", "a")
    }


def test_failures_are_counted_over_batches(local):
    engine = Moody()
    assert asked(local, (engine, "a,a")) == [["failed", "failed"]]
    assert asked(local, (engine, "a,a")) == [["failed", "not run"]]


@pytest.mark.parametrize(
    ("texts", "outcome"),
    [
        ("a,a,a", "failed,not run,not run"),  # the same error: one try
        ("b,b,b,b", "failed,failed,failed,not run"),  # an error of its own
        ("ok,a,a,ok", "sound,failed,failed,sound"),  # it can speak
    ],
)
def test_what_was_given_up_makes_its_siblings_suspect(local, texts, outcome):
    found = asked(local, (Moody(detune=1), "a,a,a,a"), (Moody(detune=2), texts))
    assert found[1] == outcome.split(",")


@dataclass(frozen=True, config=STRICT)
class Stranger(Moody):
    """Of another family."""


def test_another_engine_is_no_sibling(local):
    found = asked(local, (Moody(), "a,a,a,a"), (Stranger(), "a,a,ok"))
    assert found == [["failed", "failed", "failed", "not run"], ["failed", "failed", "sound"]]


def test_an_engine_that_cannot_be_loaded_is_not_asked_and_others_go_on(local, heard):
    broken = [Moody(detune=detune, loads=False) for detune in (1, 2)]
    found = asked(local, *((engine, "ok,ok") for engine in broken), (Stranger(), "ok,ok"))
    assert found == [["not run", "not run"], ["not run", "not run"], ["sound", "sound"]]
    assert asked(local, (broken[0], "ok")) == [["not run"]]
    assert [engine.asked for engine in broken] == [["load"], ["load"]]
    assert said(heard) == ["tone cannot be loaded, so it is not run: OSError: no weights at 0x7f"]


GIVEN_UP = "tone failed 3 times in a row, what it was still to say is not run (max_consecutive_failures=3)"


def test_a_run_counts_what_was_given_up_and_other_trials_go_on(run):
    done = run("engine.crash_on=' ',null", "max_consecutive_failures=3")
    assert done.code == 0
    broken, whole = done.report["trials"]
    states = [row["state"] for row in done.rows if row["trial"] == broken["id"]]
    assert sorted(states) == ["failed"] * 3 + ["not_run"] * 6
    assert (broken["n"], broken["n_failed"], broken["n_not_run"]) == (9, 3, 6)
    assert (whole["n"], whole["n_failed"], whole["n_not_run"]) == (9, 0, 0)
    assert done.err.count(GIVEN_UP) == 1
    reasons = {(row["state"], row["error"]["message"]) for row in done.rows if row["error"]}
    assert reasons == {("failed", "told to crash on ' '"), ("not_run", "told to crash on ' '")}
    assert all(row["scores"] == {} for row in done.rows if row["error"])


def test_the_tracebacks_of_all_failures_are_in_the_log(evalkit, typed, tmp_path):
    done = evalkit("run", *typed, "engine.crash_on=' ',null", "max_consecutive_failures=3")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    (log,) = (tmp_path / "reports").rglob("run.log")
    assert log.read_text().count("Traceback (most recent call last)") == 3
    assert log.read_text().count("evalkit.errors.SynthesisError: told to crash on ' '") == 3


BOTH = {"name": "both", "grid": [["engine=broken", "engine.gain=0.1,0.2"], ["engine=tone"]]}
BROKEN = {"_target_": "tests.strange.Strange", "gain": 0.5, "fails": "raise"}


def test_a_run_goes_on_without_an_engine_that_cannot_be_loaded(run, own):
    done = run(*own(engine={"broken": BROKEN}, sweep={"both": BOTH}), "+sweep=both", drop=("engine",))
    assert done.code == 0
    assert {(row["engine"], row["state"]) for row in done.rows} == {("strange", "not_run"), ("tone", "scored")}
    assert {row["error"]["message"] for row in done.rows if row["error"]} == {"not that"}
    assert [(one["engine"], one["n"], one["n_failed"], one["n_not_run"]) for one in done.report["trials"]] == [
        ("strange", 9, 0, 9), ("strange", 9, 0, 9), ("tone", 9, 0, 0)
    ]  # fmt: skip
    assert done.err.count("strange cannot be loaded, so it is not run: ValueError: not that") == 1


def test_a_run_with_no_engine_that_can_be_loaded_has_nothing_to_score(run, own):
    done = run(*own(engine={"broken": BROKEN}), "engine=broken")
    assert done.code == 1
    assert "all 9 utterances failed or were not run, the first with ValueError: not that" in done.err
    assert (done.report["status"], {row["state"] for row in done.rows}) == ("failed", {"not_run"})
    assert done.report["finding"] == "Nothing could be scored."
