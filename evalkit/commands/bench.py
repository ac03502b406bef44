"""`evalkit bench`: measures evalkit itself, with the targets that docs/design.md states beside.

`startup` and `demo` are whole processes; the others have modules of their own.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path

from evalkit.commands.screen import show
from evalkit.errors import EvalkitError
from evalkit.reports.files import read_report

RUNS = 5


class BenchError(EvalkitError):
    """A measured command failed."""


def run_bench(typed: Namespace) -> int:
    """Prints measurements.

    Args:
        typed: `what` is measured; how many `utterances` (of `scoring`, `judges`, `growth`, `analysis`), `cases`
            (`store`), `cuts`, `runs` (`statistics`, `gate`); the folders of `voices` that `cuts` cuts; the runs that
            `judges` hears utterances `of`. None: each its own number.
    """
    what = typed.what
    if what == "startup":
        _startup()
    elif what == "demo":
        _demo()
    elif what == "growth":
        from evalkit.commands.bench_growth import ROWS, run_growth

        run_growth(ROWS if typed.utterances is None else typed.utterances)
    elif what == "store":
        from evalkit.commands.bench_store import CASES, run_store_bench

        run_store_bench(CASES if typed.cases is None else typed.cases)
    elif what == "cuts":
        from evalkit.commands.bench_cuts import CUTS, FOLDERS, run_cuts

        run_cuts(FOLDERS if typed.voices is None else typed.voices, CUTS if typed.cuts is None else typed.cuts)
    elif what == "statistics":
        from evalkit.commands.bench_statistics import RUNS, run_statistics

        run_statistics(RUNS if typed.runs is None else typed.runs)
    elif what == "analysis":
        from evalkit.commands.bench_analysis import ROWS as DRAWN
        from evalkit.commands.bench_analysis import run_analysis

        run_analysis(DRAWN if typed.utterances is None else typed.utterances)
    elif what == "judges":
        from evalkit.commands.bench_judges import run_judges_bench

        run_judges_bench(typed.utterances, typed.of)
    elif what == "gate":
        from evalkit.commands.bench_gate import RUNS, run_gate_bench

        run_gate_bench(RUNS if typed.runs is None else typed.runs)
    else:
        from evalkit.commands.bench_scoring import UTTERANCES, run_scoring

        run_scoring(UTTERANCES if typed.utterances is None else typed.utterances)
    return 0


def _startup() -> None:
    bare = _median_seconds(["-c", "pass"])
    show(f"{'command':34} {'median':>8}   target   ({RUNS} runs each; a bare interpreter takes {bare:.2f} s of it)")
    for name, arguments, target in (
        ("import evalkit", ["-c", "import evalkit"], 0.3),
        ("python -m evalkit --help", ["-m", "evalkit", "--help"], 1.5),
        ("python -m evalkit run --help", ["-m", "evalkit", "run", "--help"], None),
        ("run +sweep=demo dry_run=true", ["-m", "evalkit", "run", "+sweep=demo", "dry_run=true"], None),
    ):
        limit = f"{target:.1f} s" if target else "-"
        show(f"{name:34} {_median_seconds(arguments):6.2f} s   {limit}")


def _demo() -> None:
    with tempfile.TemporaryDirectory(prefix="evalkit-bench-") as scratch:
        first, first_memory, folder = _run_demo(Path(scratch))
        again, again_memory, _ = _run_demo(Path(scratch))
        cost = read_report(folder).cost
    overhead = cost.overhead if cost else None
    show(f"{'demo':34} {'measured':>10}   target")
    show(f"{'first run':34} {first:8.1f} s   360 s")
    show(f"{'its time outside models':34} {f'{overhead:8.1%}' if overhead is not None else '-':>9}   10 %")
    show(f"{'its peak memory':34} {first_memory / 2**30:6.2f} GiB   4 GB")
    show(f"{'a repeat, nothing to synthesise':34} {again:8.1f} s   15 s")
    show(f"{'its peak memory':34} {again_memory / 2**30:6.2f} GiB   -")


def _run_demo(scratch: Path) -> tuple[float, int, Path]:
    """Returns wall seconds, peak memory in bytes, and the run's folder."""
    command = [
        *(sys.executable, "-m", "evalkit", "run", "+sweep=demo"),
        *(f"store={scratch}/store", f"reports_dir={scratch}/reports"),
    ]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        printed = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise BenchError(f"{' '.join(command)} ended with exit code {process.returncode}")
    return seconds, usage.ru_maxrss * 1024, Path(printed.splitlines()[-1])


def _median_seconds(arguments: list[str]) -> float:
    return statistics.median(_seconds([sys.executable, *arguments]) for _ in range(RUNS))


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(command)} ended with exit code {done.returncode}")
    return time.perf_counter() - started
