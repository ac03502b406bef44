"""Schedules: the grid in batches, rows that are appended as they are made, and a schedule of one's own."""

import json
from statistics import mean

import pytest

from evalkit.errors import NothingScoredError
from evalkit.pipeline.events import RowsMade
from evalkit.pipeline.schedule import BATCH, Grid


def batches_of(grid):
    return list(iter(lambda: grid.next([]), None))


def units(batch):
    return [(one.voice.name, one.probe.id, one.utterance.seed, one.cell.trial.id) for one in batch]


def test_the_grid_gives_all_cells_of_an_utterance_one_after_the_other(planned):
    plan = planned("engine.detune=1,2", "seeds=[0,7]")
    one, other = (trial.id for trial in plan.trials)
    batches = batches_of(Grid(plan, 8))
    assert [len(batch) for batch in batches] == [8, 8, 8, 8, 4]
    assert units(batches[0])[:6] == [
        ("ann", "fox", 0, one), ("ann", "fox", 0, other), ("ann", "fox", 7, one), ("ann", "fox", 7, other),
        ("ann", "dog", 0, one), ("ann", "dog", 0, other),
    ]  # fmt: skip
    assert [unit for batch in batches for unit in units(batch)] == units(plan.utterances(plan.cells))


@pytest.mark.parametrize(("size", "lengths"), [(None, [18, 9]), (10, [10, 8, 9])])
def test_engines_that_share_no_weights_share_no_batch(planned, own, size, lengths):
    sweep = {"name": "both", "grid": [["engine=tone", "engine.detune=1,2"], ["engine=strange"]]}
    strange = {"_target_": "tests.strange.Strange", "gain": 0.5}
    plan = planned(*own(engine={"strange": strange}, sweep={"both": sweep}), "+sweep=both", drop=("engine",))
    batches = batches_of(Grid(plan, size))
    assert [len(batch) for batch in batches] == lengths
    assert all(len({one.cell.engine.name for one in batch}) == 1 for batch in batches)


class Reader:
    """Reads the file of rows whenever some are said to be made."""

    def __init__(self, path):
        self.path, self.seen = path, []

    def hear(self, event):
        if isinstance(event, RowsMade):
            lines = [json.loads(line) for line in self.path.read_text().splitlines()]
            new = [(row.voice, row.probe, row.seed, row.trial) for row in event.rows]
            assert [(row["voice"], row["probe"], row["seed"], row["trial"]) for row in lines[-len(new) :]] == new
            self.seen.append((len(lines), event.done, event.total))


def test_rows_are_appended_batch_by_batch(planned, executed, tmp_path):
    plan = planned(f"seeds=[{','.join(map(str, range(16)))}]", "engine.jitter=1")
    reader = Reader(tmp_path / "run/utterances.jsonl")
    executed(plan, listener=reader)
    assert BATCH == 64
    assert reader.seen == [(64, 64, 144), (128, 128, 144), (144, 144, 144)]


class Race:
    """Every trial says the first probe; the best of them goes on with the others, if it is told to."""

    def __init__(self, plan, rounds):
        self.all, self.rounds, self.told = list(plan.utterances(plan.cells)), rounds, []

    def next(self, rows):
        self.told.append([(row.trial, row.voice, row.probe) for row in rows])
        if len(self.told) > self.rounds:
            return None
        if not rows:
            return [one for one in self.all if one.probe.id == "fox"]
        best = max(
            {row.trial for row in rows}, key=lambda id: mean(row.scores["sim"] for row in rows if row.trial == id)
        )
        return [one for one in self.all if one.probe.id != "fox" and one.utterance.trial == best]


@pytest.mark.parametrize(("rounds", "counts"), [(1, (3, 3)), (2, (3, 9))])
def test_a_schedule_of_ones_own_is_obeyed_and_told_the_rows_so_far(planned, executed, rounds, counts):
    plan = planned("engine.detune=60,10")
    race = Race(plan, rounds)
    outcome = executed(plan, schedule=race)
    assert tuple(trial.n for trial in outcome.report.trials) == counts
    assert outcome.report.status == "complete"
    assert [len(told) for told in race.told] == [0, 6, 12][: rounds + 1]
    assert race.told[-1] == [(row.trial, row.voice, row.probe) for row in outcome.rows]
    assert {one.n_pairs for one in outcome.report.comparisons if one.metric == "sim"} == {3}


class Idle:
    """Wants nothing."""

    def next(self, rows):
        return None


def test_a_schedule_that_wants_nothing_scores_nothing(planned, executed):
    with pytest.raises(NothingScoredError, match="nothing could be scored: no utterance was asked for; the rows"):
        executed(planned(), schedule=Idle())
