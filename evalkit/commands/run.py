"""`evalkit run`: the main job."""

import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TextIO

from evalkit import provenance
from evalkit.commands.display import Display, display_on
from evalkit.commands.page import page_of_run
from evalkit.commands.plan_table import plan_table, power_told
from evalkit.commands.quiet import quiet
from evalkit.commands.screen import show, tell
from evalkit.config.app import run_app
from evalkit.config.planning import trackers_of
from evalkit.config.schema import RunConfig
from evalkit.errors import NothingScoredError
from evalkit.pipeline.attempts import Failure
from evalkit.pipeline.executors import Local
from evalkit.pipeline.folder import RunFolder, run_folder
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.prompting import Prompting
from evalkit.pipeline.report import begun
from evalkit.pipeline.rows import jobs_of, tasks_of
from evalkit.pipeline.run import Orders, Outcome, execute
from evalkit.pipeline.synthesis import made_before
from evalkit.pipeline.workspace import Workspace
from evalkit.reports.files import LOG_FILE, REPORT_FILE
from evalkit.reports.layout import terminal_width
from evalkit.reports.terminal import closing_lines
from evalkit.stopping import EXIT_CODE
from evalkit.store.directory import Directory
from evalkit.trackers.base import Beginning, Tracker
from evalkit.trackers.following import followed
from evalkit.weights.assets import library

LARGE = 1 << 30  # bytes that take seconds to read


@dataclass(frozen=True)
class Typed:
    """A command as it was typed, the `time.perf_counter()` of that moment, what makes its display, and its trackers."""

    command: str
    started: float
    shown: Callable[[TextIO], Display]
    trackers: Sequence[Tracker] = ()


@dataclass(frozen=True)
class Ended:
    """A run that is complete, and the path of its page; None where there is none."""

    outcome: Outcome
    page: Path | None


def run(arguments: Sequence[str], shown: Callable[[TextIO], Display] = display_on) -> int:
    """Runs a sweep as typed; returns the exit code.

    Args:
        arguments: What was typed after `run`.
        shown: Makes the display, given where it may write.

    Raises:
        EvalkitError: What was typed cannot be run, weights are missing, the disk refused, or nothing could be scored.
    """
    started = time.perf_counter()
    os.environ["HF_HUB_OFFLINE"] = "1"  # a run never downloads, whatever its engines' packages would like
    typed = Typed(provenance.command_line(["run", *arguments]), started, shown)
    return run_app(arguments, lambda plan, config: _job(plan, config, typed), tell)


def _job(plan: Plan, config: RunConfig, typed: Typed) -> int:
    trackers = trackers_of(config)
    if config.dry_run:
        return _dry_run(plan, config)
    if (unread := library().unread_bytes(plan.assets())) > LARGE:
        tell(f"reading {unread / 1e9:.1f} GB of weights, to hold them against their hashes; once, until they change")
    plan.require()
    with run_folder(config.reports_dir / plan.name, plan.sha256) as folder:
        ended = _work(plan, config, folder, replace(typed, trackers=trackers))
    if ended is None:
        tell(f"stopped; the same command goes on where it stopped: {typed.command}")
        return EXIT_CODE
    _print_outcome(ended, folder)
    return 0


def _work(plan: Plan, config: RunConfig, folder: RunFolder, typed: Typed) -> Ended | None:
    """Returns None where the user stopped it."""
    with quiet(folder.path / LOG_FILE) as screen:
        display, ended = typed.shown(screen), None
        beginning = partial(_beginning, plan, folder, typed)
        try:
            _greet(display, plan, folder)
            store = Directory(config.store)
            orders = Orders(config.transcripts, typed.command, typed.started, config.max_consecutive_failures)
            with followed(typed.trackers, beginning, display) as listener, store.used():
                workspace = Workspace.of(plan, store, listener, folder.run_id, config.memory)
                try:
                    outcome = execute(plan, workspace, folder.path, orders)
                except NothingScoredError:  # what failed, and why, is to be looked at too
                    page_of_run(plan, config, folder.path, display.say)
                    raise
                # Before trackers are told the end: they take the page along.
                ended = Ended(outcome, page_of_run(plan, config, folder.path, display.say))
        except KeyboardInterrupt:  # also where trackers were being told the end of a run that is complete
            return ended
        finally:
            display.finish()
    return ended


def _beginning(plan: Plan, folder: RunFolder, typed: Typed) -> Beginning:
    return Beginning(begun(plan, folder.run_id, typed.command), plan.trials, folder.path)


def _greet(display: Display, plan: Plan, folder: RunFolder) -> None:
    display.say(
        f"{plan.name}: {len(plan.cells)} trials x {len(plan.voices)} voices x {len(plan.probes.probes)} probes "
        f"x {len(plan.seeds)} seeds = {plan.size} utterances"
    )
    if folder.resumed:
        display.say(f"going on with the unfinished run {folder.run_id}")
    for remark in plan.remarks:
        display.say(remark)


def _dry_run(plan: Plan, config: RunConfig) -> int:
    logging.getLogger("evalkit").addHandler(logging.NullHandler())  # what a run keeps in its run.log
    workspace = Workspace.of(plan, Directory(config.store), display_on(sys.stderr), "dry-run")
    prompts = Prompting(plan, workspace, Local(workspace), config.transcripts).stored(plan.cells)
    tasks = tasks_of(workspace, plan.utterances(plan.cells), prompts)
    made = made_before(workspace, list(jobs_of(workspace, tasks)))
    cached = sum(task.key in made for task in tasks)
    power = power_told(plan, config.power, config.reports_dir / plan.name)
    unusable = dict.fromkeys(one.message for one in prompts.values() if isinstance(one, Failure))
    told = replace(plan, remarks=[*plan.remarks, *(f"its utterances will fail: {one}" for one in unusable)])
    show(plan_table(told, cached, library().missing(plan.assets()), power))
    return 0


def _print_outcome(ended: Ended, folder: RunFolder) -> None:
    run, width = ended.outcome, terminal_width() if sys.stdout.isatty() else None
    lines = closing_lines(run.report, run.rows, folder.path, width)
    if ended.page is not None:
        lines.insert(-1, f"page: {ended.page}")
    show("\n".join(lines), kept=f"the run is complete, its report is {folder.path / REPORT_FILE}")
