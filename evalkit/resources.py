"""Where evalkit's own data lies: beside the package in a checkout, inside it in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource(name: str) -> Path:
    """Returns the path of a data folder or file, e.g. `configs` or `probes/demo.yaml`."""
    installed = _PACKAGE / "data" / name
    return installed if installed.exists() else _PACKAGE.parent / name


def locate(path: str) -> Path:
    """Returns the path as the user means it: from the current folder, else among evalkit's own data."""
    typed = Path(path).expanduser()
    shipped = resource(path)
    return shipped if not typed.exists() and shipped.exists() else typed
