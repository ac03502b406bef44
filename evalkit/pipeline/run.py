"""A run: batch by batch from the schedule through prompts, synthesis and judging to rows, and at the end a report."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from evalkit.errors import DataError, NothingScoredError
from evalkit.pipeline.artefacts import BuiltPrompt, Made
from evalkit.pipeline.events import ReportMade, RowsMade, RunBegun
from evalkit.pipeline.evidence import judge, measure_yardsticks
from evalkit.pipeline.executors import MAX_CONSECUTIVE_FAILURES, Local
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.prompting import Prompting, notes_on
from evalkit.pipeline.report import begun, calibrated, cost_of, with_numbers
from evalkit.pipeline.rows import RowMaker, Task, is_settled, jobs_of, tasks_of
from evalkit.pipeline.schedule import BATCH, Batch, Grid, Schedule
from evalkit.pipeline.synthesis import made_before, synthesise
from evalkit.pipeline.workspace import Workspace
from evalkit.record import Report
from evalkit.reports.files import ROWS_FILE, append_rows, read_rows, write_report, write_rows
from evalkit.row import Row
from evalkit.trial import Utterance

LEAST_SECONDS, SHARE = 10.0, 0.05  # between interim reports, and of the time that they may take


@dataclass(frozen=True)
class Outcome:
    """A finished run."""

    report: Report
    rows: list[Row]


@dataclass(frozen=True)
class Orders:
    """How a run is to be carried out.

    Attributes:
        books: Folder of the voices' reference texts.
        command: As typed, for the record.
        started: `time.perf_counter()` when the command began, so that its cost counts the start-up too.
        max_consecutive_failures: Of one engine with the same error, after which it is asked no more.
    """

    books: Path
    command: str
    started: float
    max_consecutive_failures: int = MAX_CONSECUTIVE_FAILURES


def execute(
    plan: Plan, workspace: Workspace, folder: Path, orders: Orders, schedule: Schedule | None = None
) -> Outcome:
    """Runs a plan into `folder`, all of it or what a schedule wants.

    A report with the status `interrupted` is there from the start and holds the numbers so far: whatever stops the
    process, the same command finds it and goes on.

    Raises:
        ModelError: A judge cannot be loaded; nothing was synthesised.
        NothingScoredError: Every utterance failed; report and rows are written all the same.
        StorageError: The disk refused.
    """
    run = _Run(plan, workspace, folder, orders)
    try:
        run.work(schedule or Grid(plan, BATCH if workspace.models.are_kept else None))
    except BaseException:
        run.leave_report()
        raise
    finally:
        workspace.models.close()
    return run.finished()


@dataclass(eq=False)
class _Run:
    plan: Plan
    workspace: Workspace
    folder: Path
    orders: Orders
    rows: list[Row] = field(default_factory=list)
    _proven: bool = False
    _next_report: float = 0.0

    def __post_init__(self) -> None:
        self.report = begun(self.plan, self.workspace.run_id, self.orders.command)
        for note in self.report.notes:
            self.workspace.say(note)
        self._earlier = {_utterance(row): row for row in self._kept()}
        write_report(self.folder, self.report)
        self._executor = Local(self.workspace, self.orders.max_consecutive_failures)
        self._prompting = Prompting(self.plan, self.workspace, self._executor, self.orders.books)
        self._next_report = time.perf_counter() + LEAST_SECONDS
        decides = self.report.metrics[self.report.primary]
        trials = tuple(self.plan.trials)
        self.workspace.listener.hear(RunBegun(trials, self.report.primary, bool(decides.higher_is_better)))

    def work(self, schedule: Schedule) -> None:
        """Makes the rows that the schedule wants."""
        batch = schedule.next(self.rows)
        if batch is None:
            return
        self._prompts(batch)  # before the yardsticks: whether there is work shows here
        yardsticks = measure_yardsticks(self.plan, self.workspace)
        self._note(calibrated(self.report, yardsticks))
        self._maker = RowMaker(self.plan, yardsticks, self._prompting.made, self.workspace.run_id)
        while batch is not None:
            sounds = self.workspace.sounds
            self._add(sounds.made_whole(partial(self._made, batch), partial(self._sounds_of, batch)))
            self._report_so_far()
            batch = schedule.next(self.rows)

    def finished(self) -> Outcome:
        """Writes the report, and the rows anew if some stood there already."""
        if self._earlier:
            write_rows(self.folder, self.rows)
        report = with_numbers(self.report, self.plan, self.rows, "complete")
        self._note(report)
        wall_seconds = time.perf_counter() - self.orders.started
        report = replace(report, cost=cost_of(self.workspace, self.rows, wall_seconds))
        self._write(report)
        if report.status == "failed":
            raise NothingScoredError(_nothing_scored(self.rows, self.folder))
        return Outcome(report, self.rows)

    def leave_report(self) -> None:
        """Writes the numbers so far."""
        if self.rows:
            self._write(with_numbers(self.report, self.plan, self.rows, "interrupted"))

    def _write(self, report: Report) -> None:
        write_report(self.folder, report)
        self.workspace.listener.hear(ReportMade(report, len(self.rows)))

    def _kept(self) -> list[Row]:
        """Returns the rows of an earlier attempt that may stand, and leaves only those in the file."""
        if not (self.folder / ROWS_FILE).exists():
            return []
        strata = {probe.id: probe.stratum for probe in self.plan.probes.probes}  # no part of what makes plans equal
        try:
            rows = [row for row in read_rows(self.folder) if is_settled(row)]
            kept = [replace(row, stratum=strata.get(row.probe)) for row in rows]
        except DataError:  # a crash of the machine: the store has all that they were made from
            kept = []
        write_rows(self.folder, kept)
        return kept

    def _prompts(self, batch: Batch) -> None:
        cells = list({planned.cell.trial.id: planned.cell for planned in batch}.values())
        prompts = self._prompting.of(cells, self._prove_judges)
        self._note(replace(self.report, notes=[*self.report.notes, *notes_on(self.plan, cells, prompts)]))

    def _made(self, batch: Batch) -> list[Row]:
        self._prompts(batch)
        tasks = tasks_of(self.workspace, batch, self._prompting.made)
        settled = {id(task): row for task in tasks if (row := self._settled(task)) is not None}
        open_tasks = [task for task in tasks if id(task) not in settled]
        jobs = jobs_of(self.workspace, open_tasks)
        made = synthesise(self.workspace, self._executor, jobs, self._prove_judges)
        spoken: dict[Made, str] = {}
        given: list[BuiltPrompt] = []
        for task in open_tasks:
            if task.key is not None and isinstance(one := made[task.key], Made):
                spoken[one] = task.planned.probe.language
                given.append(task.given)
        opinions = judge(self.plan, self.workspace, spoken.items(), given)
        return [
            settled.get(id(task)) or self._maker.row(task, made[task.key] if task.key else None, opinions)
            for task in tasks
        ]

    def _sounds_of(self, batch: Batch) -> list[str]:
        """Returns the addresses of a batch's prompts and of those syntheses that are there."""
        tasks = [task for task in tasks_of(self.workspace, batch, self._prompting.made) if task.key is not None]
        made = made_before(self.workspace, [task.key for task in tasks if task.key is not None])
        return [*(task.given.sound for task in tasks), *(one.sound for one in made.values())]

    def _settled(self, task: Task) -> Row | None:
        row = self._earlier.get(task.planned.utterance)
        return row if row is not None and row.synthesis == task.key else None

    def _add(self, rows: list[Row]) -> None:
        append_rows(self.folder, [row for row in rows if self._earlier.get(_utterance(row)) is not row])
        self.rows += rows
        self.workspace.listener.hear(RowsMade(tuple(rows), len(self.rows), self.plan.size))

    def _prove_judges(self) -> None:
        """Loads every judge once before anything is synthesised: what cannot be judged need not be made.

        Raises:
            ModelError: One cannot be loaded.
        """
        if self._proven:
            return
        for one in self.plan.judges.all:
            self.workspace.models.require(one)
        self._proven = True

    def _report_so_far(self) -> None:
        started = time.perf_counter()
        if started >= self._next_report:
            self.leave_report()
            taken = time.perf_counter() - started
            self._next_report = time.perf_counter() + max(LEAST_SECONDS, taken / SHARE)

    def _note(self, report: Report) -> None:
        """Takes over a report, and says what is new among its notes."""
        notes = list(dict.fromkeys(report.notes))
        for note in notes:
            if note not in self.report.notes:
                self.workspace.say(note)
        self.report = replace(report, notes=notes)


def _utterance(row: Row) -> Utterance:
    return Utterance(row.trial, row.voice, row.probe, row.seed)


def _nothing_scored(rows: Sequence[Row], folder: Path) -> str:
    first = next((row.error for row in rows if row.error), None)
    why = "no utterance was asked for"
    if first:
        why = f"all {len(rows)} utterances failed or were not run, the first with {first.type}: {first.message}"
    return f"nothing could be scored: {why}; the rows are in {folder}"
