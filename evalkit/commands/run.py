"""`evalkit run`: the main job."""

import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

from evalkit import provenance
from evalkit.assets import library
from evalkit.commands.tables import agreement_lines, calibration_table, plan_table, result_table
from evalkit.config.app import run_app
from evalkit.config.schema import RunConfig
from evalkit.plan import Plan
from evalkit.progress import Display, display_on, quiet
from evalkit.prompting import stored_prompts
from evalkit.report_files import REPORT_FILE
from evalkit.rows import entries_of
from evalkit.run import Outcome, execute
from evalkit.run_folder import LOG_FILE, RunFolder, run_folder
from evalkit.stages import Bench
from evalkit.store import Store

INTERRUPTED = 130  # what shells report for Ctrl-C


def run(arguments: Sequence[str]) -> int:
    """Runs a sweep as typed; returns the exit code.

    Raises:
        EvalkitError: What was typed cannot be run, weights are missing, the disk refused, or nothing could be scored.
    """
    started = time.perf_counter()
    os.environ["HF_HUB_OFFLINE"] = "1"  # a run never downloads, whatever its engines' packages would like
    signal.signal(signal.SIGTERM, _stop)
    return run_app(
        arguments, lambda plan, config: _job(plan, config, provenance.command_line(["run", *arguments]), started)
    )


def _stop(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _job(plan: Plan, config: RunConfig, command: str, started: float) -> int:
    if config.dry_run:
        return _dry_run(plan, config)
    plan.require()
    with run_folder(config.reports_dir / plan.name, plan.sha256) as folder:
        outcome = _work(plan, config, folder, command, started)
    if outcome is None:
        print(f"stopped; the same command goes on where it stopped: {command}", file=sys.stderr)
        return INTERRUPTED
    _print_outcome(outcome, folder)
    return 0


def _work(plan: Plan, config: RunConfig, folder: RunFolder, command: str, started: float) -> Outcome | None:
    """Returns None where the user stopped it."""
    with quiet(folder.path / LOG_FILE) as screen:
        display = display_on(screen)
        try:
            _greet(display, plan, folder)
            return execute(
                plan,
                Bench(Store(config.store), display, folder.run_id),
                folder.path,
                config.transcripts,
                command,
                started=started,
            )
        except KeyboardInterrupt:
            return None
        finally:
            display.finish()


def _greet(display: Display, plan: Plan, folder: RunFolder) -> None:
    display.say(
        f"{plan.name}: {len(plan.cells)} trials x {len(plan.voices)} voices x {len(plan.probes.probes)} probes "
        f"x {len(plan.seeds)} seeds = {plan.size} utterances"
    )
    if folder.resumed:
        display.say(f"going on with the unfinished run {folder.run_id}")
    for voice in plan.voices:
        if not voice.held_out_clips:
            display.say(f"{voice.name}: no held-out clip; sim is scored against its own prompt clips instead")


def _dry_run(plan: Plan, config: RunConfig) -> int:
    bench = Bench(Store(config.store), display_on(sys.stderr), "dry-run")
    entries = entries_of(plan, stored_prompts(plan, bench, config.transcripts))
    cached = sum(entry.job is not None and bench.store.has("synthesis", entry.key) for entry in entries)
    print(plan_table(plan, cached, library().missing(plan.assets())))
    return 0


def _print_outcome(outcome: Outcome, folder: RunFolder) -> None:
    report = outcome.report
    print(result_table(report, outcome.rows))
    print()
    print(calibration_table(report))
    for line in agreement_lines(report):
        print(line)
    if report.cost and report.cost.cached == len(outcome.rows):
        print(f"Nothing was synthesised: all {report.cost.cached} utterances came from the store.")
    print(report.finding)
    print(f"report: {folder.path / REPORT_FILE}")
    print(folder.path)
