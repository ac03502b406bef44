"""Where evalkit's own data lies: beside the package in a checkout, inside it in an installed wheel."""

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
