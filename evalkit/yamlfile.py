"""YAML as people write it: one document of plain values, without what makes a small file large or means two things.

What is refused is found among the parser's events, before any value is made of them: nesting, aliases that multiply,
long numbers, tags, doubled keys, signs that no file can keep. Each is told with its line.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from evalkit.errors import DataError
from evalkit.names import shortened
from evalkit.textfile import read_text

DEEPEST = 40  # levels; what evalkit reads has five
MOST_REPEATED = 10_000  # values that aliases may stand for, all in all
LONGEST_NUMBER = 40  # characters
_TEXT_TAGS = {None, "!", "tag:yaml.org,2002:str"}
_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
_DATE = "tag:yaml.org,2002:timestamp"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Knows no dates: what looks like one is text."""

    yaml_implicit_resolvers = {  # noqa: RUF012  PyYAML's own way
        sign: [(tag, pattern) for tag, pattern in known if tag != _DATE]
        for sign, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_yaml(path: Path) -> Any:
    """Returns the content of a YAML file as plain values.

    Raises:
        DataError: There is no such file, it is no text, no YAML, or more than a file of values needs.
    """
    return parsed(read_text(path, "YAML file"), path)


def parsed(text: str, path: Path) -> Any:
    """Returns the content of a YAML text as plain values; `path` is where it lies, for messages.

    Raises:
        DataError: It is no YAML, or more than a file of values needs.
    """
    try:
        if fault := _fault(yaml.parse(text, Loader=_Loader)):
            raise DataError(f"{path}, {fault}")
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise DataError(f"{path} is not YAML: {_explained(error, text)}") from error


@dataclass
class _Open:
    """A list or mapping that has begun; `nodes` counts the values in it, `keys` are those of a mapping so far."""

    anchor: str | None
    keys: set[str] | None
    nodes: int = 1
    children: int = 0

    @property
    def wants_key(self) -> bool:
        return self.keys is not None and self.children % 2 == 0


@dataclass
class _Checked:
    """What was seen so far; each method returns what is wrong, if something is."""

    open: list[_Open] = field(default_factory=list)
    anchors: dict[str, int] = field(default_factory=dict)  # values that each stands for
    repeated: int = 0

    def begin(self, event: Any) -> str | None:
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self.open.append(_Open(event.anchor, set() if is_mapping else None))
        if len(self.open) > DEEPEST:
            return f"lists and mappings are nested more than {DEEPEST} deep"
        return _tag_fault(event)

    def end(self) -> None:
        done = self.open.pop()
        self._add(done.anchor, done.nodes)

    def alias(self, event: Any) -> str | None:
        if event.anchor not in self.anchors:
            return f"*{event.anchor} stands for nothing that is whole"
        self.repeated += self.anchors[event.anchor]
        if self.repeated > MOST_REPEATED:
            return f"aliases stand for more than {MOST_REPEATED} values"
        self._add(None, self.anchors[event.anchor])
        return None

    def scalar(self, event: Any) -> str | None:
        here = self.open[-1] if self.open else None
        if here and here.keys is not None and here.wants_key:
            if event.value in here.keys:
                return f"the key {shortened(event.value)!r} stands there twice; keep one"
            here.keys.add(event.value)
        self._add(event.anchor, 1)
        return _tag_fault(event) or _value_fault(event)

    def _add(self, anchor: str | None, nodes: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = nodes
        if self.open:
            self.open[-1].nodes += nodes
            self.open[-1].children += 1


def _fault(events: Iterator[Any]) -> str | None:
    """Returns the first thing that is refused, with its line."""
    checked = _Checked()
    for event in events:
        fault = None
        if isinstance(event, yaml.CollectionStartEvent):
            fault = checked.begin(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            checked.end()
        elif isinstance(event, yaml.AliasEvent):
            fault = checked.alias(event)
        elif isinstance(event, yaml.ScalarEvent):
            fault = checked.scalar(event)
        if fault:
            return f"line {event.start_mark.line + 1}: {fault}"
    return None


def _tag_fault(event: Any) -> str | None:
    if event.implicit is True or event.tag in _TEXT_TAGS:
        return None
    return f"the tag {shortened(event.tag)!r} is not read; write plain values"


def _value_fault(event: Any) -> str | None:
    if any("\ud800" <= sign <= "\udfff" for sign in event.value):
        return "half of a surrogate pair is no character"
    if event.implicit[0] and len(event.value) > LONGEST_NUMBER and _is_number(event.value):
        return f"a number of {len(event.value)} digits; put it in quotes if it is text"
    return None


def _is_number(value: str) -> bool:
    patterns = yaml.SafeLoader.yaml_implicit_resolvers.get(value[0], [])
    return any(tag in _NUMBERS and pattern.match(value) for tag, pattern in patterns)


def _explained(error: yaml.YAMLError, text: str) -> str:
    """Returns a parser's complaint in one line, with its place."""
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark or error.context_mark):
        said = [error.context, error.problem] if str(error.problem).startswith("but ") else [error.problem]
        return f"line {mark.line + 1}, column {mark.column + 1}: {' '.join(one for one in said if one)}"
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f"line {line}: the character U+{ord(text[error.position]):04X} is not allowed"
    return " ".join(str(error).split())
