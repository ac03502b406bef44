"""The command line: `python -m evalkit COMMAND`.

`run` is a Hydra program and keeps its own grammar; the others are plain commands. Modules are imported when their
command is typed, so that help is quick.
"""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from evalkit.commands import screen
from evalkit.errors import ConfigError, EvalkitError
from evalkit.stopping import EXIT_CODE, heeding_signals
from evalkit.version import __version__

EPILOG = """\
start here:
  python -m evalkit fetch --sweep demo      brings the demo's weights (330 MB)
  python -m evalkit doctor --sweep demo     says what is wrong with this machine, if anything is
  python -m evalkit run +sweep=demo         runs the demo
  python -m evalkit run --help              what a run can be told
"""

# Commands that read what is typed after them themselves: their file in `commands/`, and the function in it.
OF_THEIR_OWN = {
    "run": ("run", "run"),
    "transcript": ("transcript", "typed_transcript"),
    "compare": ("compare", "run_compare"),
    "gate": ("gate", "run_gate"),
    "power": ("power", "run_power"),
    "report": ("report", "run_report"),
    "store": ("store", "run_store"),
    "votes": ("votes", "run_votes"),
    "voices": ("voices", "run_voices"),
    "probes": ("probes", "run_probes"),
}
BENCHES = ["startup", "demo", "scoring", "judges", "growth", "store", "cuts", "statistics", "analysis", "gate"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit code."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    screen.prepare()
    with heeding_signals():
        try:
            code = _command(typed)
            sys.stdout.flush()
        except EvalkitError as error:
            screen.tell(f"evalkit: {error}")
            code = error.exit_code
        except ModuleNotFoundError as error:
            package = (error.name or "evalkit").split(".")[0]
            if package == "evalkit":
                raise
            screen.tell(_another_python(package))
            code = ConfigError.exit_code
        except KeyboardInterrupt:
            code = EXIT_CODE
        except BrokenPipeError:  # `| head` has read enough
            screen.silence(1)
            code = 0
    return code


def _another_python(package: str) -> str:
    """Returns what helps whoever typed `python` and got one that is not the environment's."""
    return (
        f"evalkit: {sys.executable} has no package {package!r}, which evalkit needs; type .venv/bin/python where "
        "make has set it up (make venv), or see what is missing here: python -m evalkit doctor"
    )


def _command(typed: list[str]) -> int:
    _require_folder()
    if typed and typed[0] in OF_THEIR_OWN:
        module, name = OF_THEIR_OWN[typed[0]]
        run: Callable[[list[str]], int] = getattr(importlib.import_module(f"evalkit.commands.{module}"), name)
        return run(typed[1:])
    return _other(_parser().parse_args(typed))


def _require_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise ConfigError("the folder that you are in is no longer there: cd to another, and type it again") from error


def _other(parsed: argparse.Namespace) -> int:
    if parsed.command == "fetch":
        from evalkit.commands.fetch import run_fetch

        return run_fetch(parsed.assets, parsed.sweep, only_list=parsed.list)
    if parsed.command == "doctor":
        from evalkit.commands.doctor.command import run_doctor

        return run_doctor(parsed.sweep, parsed.overrides, parsed.config_dir, as_json=parsed.json)
    if parsed.command == "bench":
        from evalkit.commands.bench import run_bench

        return run_bench(parsed)
    if parsed.command == "ship":
        from evalkit.commands.ship import run_ship

        return run_ship(parsed)
    if parsed.command == "shipped":
        from evalkit.commands.shipped import run_shipped

        return run_shipped(parsed.configs, as_json=parsed.json)
    raise AssertionError(parsed.command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evalkit",
        description="Which setting clones a voice best, by how much, and how sure are we?",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"evalkit {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("run", help="run a sweep: synthesise, score, compare, report", add_help=False)
    fetch = commands.add_parser("fetch", help="bring weights (the only command that downloads)")
    fetch.add_argument("assets", nargs="*", metavar="ASSET")
    fetch.add_argument("--sweep", metavar="NAME", help="what this sweep needs")
    fetch.add_argument("--list", action="store_true", help="show all assets and which are here")
    commands.add_parser("compare", help="how two runs differ, paired", add_help=False)
    commands.add_parser("gate", help="is a run worse than a baseline?", add_help=False)
    commands.add_parser("votes", help="what listeners said of a run, and how far its metrics agree", add_help=False)
    commands.add_parser("power", help="how large a sweep a wanted difference needs", add_help=False)
    commands.add_parser("report", help="make a run's page anew", add_help=False)
    commands.add_parser("transcript", help="show, make or set the reference text of a voice", add_help=False)
    commands.add_parser("voices", help="import voices from what you have, and check them", add_help=False)
    commands.add_parser("probes", help="import texts to speak", add_help=False)
    doctor = commands.add_parser("doctor", help="say what is wrong with this machine, and what mends it")
    doctor.add_argument("overrides", nargs="*", metavar="key=value", help="settings of a run, as `run` takes them")
    doctor.add_argument("--sweep", metavar="NAME", help="also look at what this sweep needs")
    doctor.add_argument("--config-dir", metavar="DIR", help="a folder of sweeps and engines of your own")
    doctor.add_argument("--json", action="store_true", help="print the checks as JSON, and nothing else")
    commands.add_parser("store", help="verify, measure or prune what runs have kept", add_help=False)
    _add_bench(commands)
    _add_shipping(commands)
    return parser


def _add_bench(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    bench = commands.add_parser("bench", help="measure evalkit itself")
    bench.add_argument("what", choices=BENCHES)
    bench.add_argument(
        "--utterances",
        type=int,
        metavar="N",
        help="a quicker try (default of scoring and judges: 200, growth: 100,000, analysis: 1,000,000)",
    )
    bench.add_argument("--cases", type=int, metavar="N", help="store: damaged artefacts (default: 540)")
    bench.add_argument("--runs", type=int, metavar="N", help="statistics, gate: a quicker try (default: 1,000)")
    bench.add_argument("--cuts", type=int, metavar="N", help="cuts: a quicker try (default: 240 of each kind)")
    bench.add_argument(
        "--of", nargs="+", metavar="RUN", help="judges: hear these runs' utterances (default: recordings)"
    )
    bench.add_argument("--voices", nargs="+", metavar="PATH", help="cuts: of these voices (default: those that ship)")


def _add_shipping(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    ship = commands.add_parser("ship", help="make the best setting that a run has told the engine's shipped preset")
    ship.add_argument("run", metavar="RUN", help="a run's folder, or the report.json in it")
    ship.add_argument("--dry-run", action="store_true", help="print what would be written, and write nothing")
    ship.add_argument("--force", action="store_true", help="whatever speaks against it; with --reason")
    ship.add_argument("--reason", metavar="TEXT", help="why it is forced: kept beside the values")
    ship.add_argument("--engine", metavar="NAME", help="which engine, where the report has several")
    ship.add_argument(
        "--format",
        choices=["yaml", "abstractvoice"],
        default="yaml",
        help="abstractvoice: print presets, write nothing",
    )
    ship.add_argument("--margins", metavar="FILE", help="by how much guards may be worse (default: configs/gate.yaml)")
    ship.add_argument("--configs", metavar="DIR", help="a folder of your own with shipped/ENGINE.yaml in it")
    shipped = commands.add_parser("shipped", help="list the presets of engines, and the evidence for them")
    shipped.add_argument("--json", action="store_true", help="print them as JSON, and nothing else")
    shipped.add_argument("--configs", metavar="DIR", help="a folder of your own with shipped/ENGINE.yaml in it")


if __name__ == "__main__":
    sys.exit(main())
