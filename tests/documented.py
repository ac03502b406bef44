"""What the documentation shows: its pages, their blocks, and the commands that are to be typed."""

import re
from dataclasses import dataclass

from evalkit.resources import resource

ROOT = resource(".").resolve()
PAGES = ["README.md", *(str(page.relative_to(ROOT)) for page in sorted((ROOT / "docs").rglob("*.md")))]
# Indented lines that are typed; what follows two blanks and a # is a remark.
_TYPED = re.compile(r"^ {4,}((?:(?:\.venv/bin/)?python -m evalkit|make|git|pip|npm) \S.*?)(?: +#.*)?$", re.MULTILINE)
_FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
_SHELL = ("sh", "bash", "shell")


@dataclass(frozen=True)
class Typed:
    """A command that a page tells its reader to type."""

    page: str
    line: str

    @property
    def words(self) -> str:
        """What follows `python -m evalkit`; empty for another program's."""
        return self.line.partition("python -m evalkit ")[2]


def blocks(page: str, language: str) -> list[str]:
    """Returns what stands between fences of a language."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", resource(page).read_text(), flags=re.DOTALL | re.MULTILINE)
    return [text for named, text in fenced if named == language]


def typed_commands() -> list[Typed]:
    """Returns the commands of all pages that are not shown with what they print; each once a page."""
    found = []
    for page in PAGES:
        text = resource(page).read_text()
        lines = [
            *_TYPED.findall(_FENCED.sub("", text)),
            *(line for name in _SHELL for block in blocks(page, name) for line in block.splitlines() if line),
        ]
        found += [Typed(page, line) for line in dict.fromkeys(lines)]
    return found
