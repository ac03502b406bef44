"""`evalkit doctor`: what is typed, and how the answers are printed.

It is asked when things are broken, so it needs nothing but Python until it knows that evalkit can be imported.
"""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from evalkit.commands.doctor.check import Check, pip_install_lock
from evalkit.commands.screen import show

INDENT = " " * 9


def run_doctor(sweep: str | None, overrides: Sequence[str], config_dir: str | None, *, as_json: bool) -> int:
    """Says what is wrong with this machine; returns 1 if anything is, 0 if there is no more than warnings.

    Args:
        sweep: Also look at what this sweep needs.
        overrides: Settings of that run.
        config_dir: A folder with sweeps and engines of the user's.
        as_json: Print a list of checks in JSON, and nothing else.

    Raises:
        ConfigError: There is no such sweep or setting.
    """
    typed = [*(["--config-dir", config_dir] if config_dir else []), *([f"+sweep={sweep}"] if sweep else []), *overrides]
    found = []
    for check in _checks(typed):
        found.append(check)
        if not as_json:
            show("\n".join(_lines(check)))
    wrong, warnings = (sum(check.state == state for check in found) for state in ("wrong", "warning"))
    show(json.dumps([asdict(check) for check in found], indent=2) if as_json else _closing(wrong, warnings))
    return 1 if wrong else 0


def _checks(typed: Sequence[str]) -> Iterator[Check]:
    try:
        from evalkit.commands.doctor.examination import examined
    except Exception as error:  # noqa: BLE001  a package that is broken raises whatever it likes
        message = f"cannot be imported: {type(error).__name__}: {error}"
        return iter([Check("evalkit", "wrong", message, pip_install_lock())])
    return examined(typed)


def _lines(check: Check) -> list[str]:
    """Returns what is printed of a check, wrapped where a terminal shows it; commands stay whole."""
    text = _printable(f"{check.state:{len(INDENT)}}{check.check}: {check.message}")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else len(text) + 1
    lines = textwrap.wrap(text, max(width, 30), subsequent_indent=INDENT, break_on_hyphens=False)
    return [*lines, *([f"{INDENT}type: {_printable(check.mend)}"] if check.mend else [])]


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _closing(wrong: int, warnings: int) -> str:
    warned = f", {warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
    return f"\n{wrong or 'nothing is'} wrong{warned}"
