"""Where evalkit's own data lies: beside the package in a checkout, inside it in an installed wheel."""

import shlex
from pathlib import Path

from evalkit.errors import ConfigError
from evalkit.names import path_fault

_PACKAGE = Path(__file__).parent


def resource(name: str) -> Path:
    """Returns the path of a data folder or file, e.g. `configs` or `probes/demo.yaml`."""
    installed = _PACKAGE / "data" / name
    return installed if installed.exists() else _PACKAGE.parent / name


def locate(path: str) -> Path:
    """Returns the path as the user means it: from the current folder, else among evalkit's own data."""
    typed = at_home(path)
    shipped = resource(path)
    return shipped if not typed.exists() and shipped.exists() else typed


def extra(name: str) -> str:
    """Returns what pip is to install for one of evalkit's extras: evalkit's own folder, and never `evalkit` by name.

    On the public index that name is somebody else's package.
    """
    root = _PACKAGE.parent
    if not (root / "pyproject.toml").is_file():  # an installed wheel does not know where it was built
        return f"'FOLDER_OF_EVALKIT[{name}]'"
    try:
        where = "." if Path.cwd() == root else str(root)
    except OSError:  # a working directory that was deleted
        where = str(root)
    return f"--editable {shlex.quote(f'{where}[{name}]')}"


def at_home(path: str) -> Path:
    """Returns a path that was typed, its `~` expanded.

    Raises:
        ConfigError: It is no path, or there is no such user.
    """
    if fault := path_fault(path):
        raise ConfigError(f"the path {path!r} {fault}")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"the path {path!r} begins with the home of a user that is not on this machine") from error
