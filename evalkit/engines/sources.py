"""The code of an engine that is not evalkit's: its file, and the modules beside it that it imports, as they stand.

Its author may not know of `revision`, so these hashes say when it may sound different. Beside it is what lies in the
same folder, or in the same package. Imports are read from the text, wherever in it they stand; nothing is imported.
Installed packages do not count here (`packages` names those that matter), nor does a module found by a computed name.
"""

import ast
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from evalkit.digest import file_sha256

INSTALLED = {"site-packages", "dist-packages"}


def source_of(kind: type) -> str | None:
    """Returns name and hashes of a class' code; None for evalkit's own, whose `revision` speaks for it."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if file is None or kind.__module__.split(".")[0] == "evalkit":
        return None
    path = Path(file).absolute()  # where it was found, not where a link leads: its neighbours are there
    beside = [f"{name} {file_sha256(other)}" for name, other in sorted(_beside(kind.__module__, path).items())]
    return ", ".join([f"{kind.__module__}.{kind.__qualname__} {file_sha256(path)}", *beside])


def _beside(module: str, path: Path) -> dict[str, Path]:
    """Returns the modules beside a file that it needs, and those that they need, by their path from there."""
    parts, is_package = module.split("."), path.name == "__init__.py"
    root = path.parents[min(len(parts) - 1 + is_package, len(path.parents) - 1)]
    is_alone = len(parts) == 1 and not is_package
    if is_alone and root.name in INSTALLED:
        return {}
    within = root if is_alone else root / parts[0]
    found: dict[str, Path] = {}
    waiting = [path]
    while waiting:
        importer = waiting.pop()
        for imported in _imports(importer, importer.stat().st_mtime_ns, root):
            name = imported.relative_to(root).as_posix()
            if imported != path and imported.is_relative_to(within) and name not in found:
                found[name] = imported
                waiting.append(imported)
    return found


@lru_cache(maxsize=1024)
def _imports(path: Path, changed: int, root: Path) -> tuple[Path, ...]:
    """Returns the files below `root` that a file imports; `changed` is when it was, since files are edited."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # it fails when it is imported, if it ever is
        return ()
    own = [*path.relative_to(root).parts[:-1]]
    wanted = [parts for node in ast.walk(tree) for parts in _names(node, own) if parts[:1] != ["evalkit"]]
    return tuple(dict.fromkeys(file for parts in wanted for file in _files(root, parts)))


def _names(node: ast.AST, own: list[str]) -> Iterator[list[str]]:
    """Gives the dotted names that an import statement may mean, in parts; `own` is the package it stands in."""
    if isinstance(node, ast.Import):
        yield from (alias.name.split(".") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        start = own[: len(own) + 1 - node.level] if node.level else []
        start = start + (node.module.split(".") if node.module else [])
        yield from ([*start, alias.name] for alias in node.names)  # a module, or something in one


def _files(root: Path, parts: list[str]) -> Iterator[Path]:
    """Gives the files that importing a name runs: those of its packages, and its own."""
    for end in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:end])
        for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if file.is_file():
                yield file
