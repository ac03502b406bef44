"""Templates and assets of pages: Jinja2 with everything escaped, and files that are copied as they are."""

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.names import visible
from evalkit.store.atomic import write_text

if TYPE_CHECKING:
    from jinja2 import Environment

# In the order in which they are loaded; each adds to what those before it have made.
SCRIPTS = ("contents", "dom", "players", "tables", "trials", "utterances", "worst", "ballot", "blind", "listen")
STYLES = ("page", "listen")
_HERE = "evalkit.reports.page"
_AS_CODE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def write_assets(page: Path, scripts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Writes scripts and all styles into a page's folder; returns their files' names in the order of loading.

    Raises:
        StorageError: The disk refused.
    """
    assets = files(_HERE) / "assets"
    wanted = [[f"{name}.{suffix}" for name in names] for names, suffix in ((scripts, "js"), (STYLES, "css"))]
    for name in [*wanted[0], *wanted[1]]:
        write_text(page / name, (assets / name).read_text(encoding="utf-8"))
    return wanted[0], wanted[1]


def rendered(template: str, **values: Any) -> str:
    """Returns a template with its values, each escaped."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.filters["visible"] = visible
    return found


def embedded(value: Any) -> Any:
    """Returns plain data as JSON that no HTML can end early, marked as safe to stand in a script element."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(_AS_CODE.sub(lambda sign: f"\\u{ord(sign.group()):04x}", text))
