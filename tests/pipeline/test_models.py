"""Which models are in memory and when, counted; and judges that cannot be loaded."""

import os
from dataclasses import field

import faster_whisper
import pytest
import yaml
from pydantic.dataclasses import dataclass

from evalkit.engines.base import STRICT
from evalkit.engines.tone import Tone
from evalkit.errors import ModelError
from evalkit.judges.fake import HumEncoder
from evalkit.pipeline.attempts import Clock, Failure
from evalkit.pipeline.models import Models, free_memory
from tests.counted import LOADED, LOG, MOST, Coarse, Hum, One, Other


@pytest.fixture(autouse=True)
def nothing_loaded():
    for one in (LOADED, LOG, MOST):
        one.clear()


HERE = "tests.counted"
JUDGED = (
    f"judge.encoders.hum._target_={HERE}.Hum", f"judge.encoders.coarse._target_={HERE}.Coarse",
    f"judge.qualities.fluency._target_={HERE}.Quality", f"judge.asr._target_={HERE}.Whistle",
    "judge.speakers=[hum,coarse]", "judge.quality=[fluency]",
)  # fmt: skip
JUDGES = ("Hum", "Coarse", "Whistle", "Quality")
ENGINES = {  # they clone differently: equal sounds would be judged once
    "one": {"_target_": f"{HERE}.One", "detune": 10.0, "jitter": 0.0},
    "other": {"_target_": f"{HERE}.Other", "detune": 20.0, "jitter": 0.0},
}


@pytest.fixture
def counted(planned, own):
    """A plan of two families of engines, two cells each, and four judges; the fakes that listen are not counted."""
    return planned(*own(engine=ENGINES), *JUDGED, "engine=one,other", "engine.jitter=0,1")


def loads(name):
    return LOG.count(f"+{name}")


def test_what_is_kept_is_loaded_once_and_let_go_at_the_end(counted, executed):
    assert executed(counted, memory="keep").report.status == "complete"
    first_closed = next(index for index, entry in enumerate(LOG) if entry.startswith("-"))
    assert sorted(LOG[:first_closed]) == sorted(f"+{name}" for name in ("One", "Other", *JUDGES))
    assert sorted(LOG[first_closed:]) == sorted(f"-{name}" for name in ("One", "Other", *JUDGES))


def test_one_at_a_time_is_one_and_each_engine_is_loaded_once(counted, executed):
    outcome = executed(counted, memory="one")
    assert max(MOST) == 1
    assert [entry for entry in LOG if entry in ("+One", "+Other")] == ["+One", "+Other"]
    for judge in JUDGES:  # to prove itself, for the recordings unless it judges syntheses only, and for each family
        assert loads(judge) == (3 if judge == "Quality" else 4)
    assert LOADED == []
    assert len(outcome.rows) == counted.size


def test_both_ways_give_the_same_numbers(counted, executed, tmp_path):
    def scores(rows):
        return [{name: one for name, one in row.scores.items() if name not in ("rtf", "memory_bytes")} for row in rows]

    kept = executed(counted, memory="keep").rows
    (tmp_path / "store").rename(tmp_path / "store-before")
    (tmp_path / "run").rename(tmp_path / "run-before")
    one = {(row.trial, row.voice, row.probe): row for row in executed(counted, memory="one").rows}
    assert not any(row.cached for row in one.values())
    assert scores(kept) == scores(one[row.trial, row.voice, row.probe] for row in kept)


def test_a_stopped_run_lets_go_of_all(counted, executed):
    class Impatient:
        def hear(self, event):
            if type(event).__name__ == "RowsMade":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        executed(counted, listener=Impatient())
    assert LOADED == []


@pytest.mark.parametrize(("share", "kept"), [(0.0, True), (0.25, True), (10.0, False)])
def test_auto_keeps_if_twice_the_weights_fit_and_asks_once(share, kept):
    asked = []

    def needed():
        asked.append(1)
        return int(share * free_memory())

    models = Models("auto", needed, Clock())
    assert asked == []
    assert models.are_kept is kept
    models.load(Hum())
    models.load(Coarse())
    assert sorted(LOADED) == (["Coarse", "Hum"] if kept else ["Coarse"])
    assert asked == [1]


def test_knobs_of_one_family_stay_together_where_one_is_kept():
    models = Models("one", lambda: 0, Clock())
    for engine in (One(detune=1), One(detune=2), One(detune=1)):
        assert models.load(engine) is None
    assert LOG == ["+One"]
    models.load(Other())
    assert LOG == ["+One", "-One", "+Other"]


@dataclass(frozen=True, config=STRICT)
class Broken(Tone):
    tried: list[str] = field(default_factory=list, hash=False, compare=False)

    def load(self):
        self.tried.append("load")
        raise OSError("no weights")


def test_what_cannot_be_loaded_is_not_tried_again():
    models, engine = Models("keep", lambda: 0, Clock()), Broken()
    assert [models.load(engine) for _ in range(3)] == [Failure("OSError", "no weights")] * 3
    assert engine.tried == ["load"]


class Deaf(HumEncoder):
    def load(self):
        raise OSError("no weights")


def test_a_judge_that_cannot_be_loaded_is_an_error_that_says_what_to_type():
    with pytest.raises(
        ModelError, match=r"judge hum cannot be loaded, so nothing .*OSError: no weights; .*evalkit doctor"
    ):
        Models("keep", lambda: 0, Clock()).require(Deaf())


def kept_in(store):
    """What a run kept; the file by which it holds the store is nothing of the kind."""
    return [path for path in store.rglob("*") if path.is_file() and path.name != ".lock"]


@pytest.mark.parametrize(
    ("node", "kind", "name"),
    [
        ("judge.encoders.hum", "Hum", "hum"),
        ("judge.encoders.coarse", "Hum", "hum"),  # the second encoder, too
        ("judge.asr", "Whistle", "whistle"),
        ("judge.qualities.fluency", "Fluency", "fluency"),
    ],
)
def test_it_stops_a_run_before_anything_is_made(run, tmp_path, node, kind, name):
    speakers = "judge.speakers=[coarse]" if node.endswith("coarse") else "judge.speakers=[hum]"
    done = run(f"{node}._target_=tests.fakes.Unloadable{kind}", speakers, "judge.quality=[fluency]")
    assert (done.code, done.out) == (2, "")
    assert (
        f"the judge {name} cannot be loaded, so nothing more is synthesised: ImportError: no library of that name; "
        "what is wrong with this machine says: python -m evalkit doctor"
    ) in done.err
    assert "Traceback" not in done.err
    assert kept_in(tmp_path / "store") == []
    assert done.report["status"] == "interrupted"
    assert not (done.folder / "utterances.jsonl").exists()


def test_a_judge_that_is_not_needed_need_not_load(run):
    assert run().code == 0
    done = run("judge.encoders.hum._target_=tests.fakes.UnloadableHum")
    assert done.code == 0
    assert all(row["cached"] for row in done.rows)


STUB = 'raise ImportError("this torchaudio was built for another torch")\n'


@pytest.mark.weights
def test_a_package_that_cannot_be_imported_stops_the_demo_at_its_beginning(evalkit, tmp_path):
    (tmp_path / "stub/torchaudio").mkdir(parents=True)
    (tmp_path / "stub/torchaudio/__init__.py").write_text(STUB)
    path = os.pathsep.join([str(tmp_path / "stub"), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = evalkit("run", "+sweep=demo", PYTHONPATH=path)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        "the judge campplus cannot be loaded, so nothing more is synthesised: ImportError: this torchaudio was"
        in done.stderr
    )
    assert "python -m evalkit doctor" in done.stderr
    assert "Traceback" not in done.stderr
    assert kept_in(tmp_path / ".evalkit/store") == []
    (log,) = (tmp_path / "reports/demo").glob("*/run.log")
    assert "in <module>\n    raise ImportError" in log.read_text().replace("    " + STUB, "    raise ImportError")


@pytest.mark.weights
@pytest.mark.parametrize(
    ("memory", "count"),
    [("keep", 1), ("one", 4)],  # one: to prove itself, for the recordings, and for each family of engines
)
def test_the_demos_transcriber_is_loaded_as_often_as_memory_needs(
    planned, own, executed, voices, monkeypatch, memory, count
):
    manifest = yaml.safe_load((voices / "ann/voice.yaml").read_text())
    manifest["clips"] = [manifest["clips"][0], {"file": "clip4.wav", "use": "held_out"}]  # it hears whistles at length
    (voices / "ann/voice.yaml").write_text(yaml.safe_dump(manifest))
    made = []

    class Counting(faster_whisper.WhisperModel):
        def __init__(self, *args, **settings):
            made.append(self)
            super().__init__(*args, **settings)

    monkeypatch.setattr(faster_whisper, "WhisperModel", Counting)
    small = ("voices.names=[ann]", "probes.ids=[fox]", "judge.quality=[]", "judge.asr.beam_size=1")
    plan = planned(*own(engine=ENGINES), "judge=demo", "engine=one,other", *small)
    plan.judges.asr.close()
    assert len(executed(plan, memory=memory).rows) == 2
    assert len(made) == count
