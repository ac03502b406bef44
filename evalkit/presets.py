"""Shipped presets of an engine, `configs/shipped/ENGINE.yaml`: how they are read, and how one of them is replaced.

The file is people's: what else stands in it, comments too, stays to the letter. Hydra composes runs from it, so nothing
is written into it that Hydra would take for more than a value.
"""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from evalkit.digest import Scalar
from evalkit.errors import ConfigError, DataError
from evalkit.manifest import describe
from evalkit.names import name_fault, shortened
from evalkit.textfile import read_text
from evalkit.yamlfile import parsed

FOLDER = "shipped"  # of a folder of configs
SHIPPED = "shipped"  # the preset that `ship` writes: what others are called says where they come from
INDENT = 2
_EXACT = ConfigDict(extra="forbid", allow_inf_nan=False)
_ONE_LINE = 1 << 20  # columns: no value is folded
_PLAIN = re.compile(r"[A-Za-z][\w.+/, -]*[\w.]|[A-Za-z]")  # what every reader of YAML takes for text, or is asked about

Ends = tuple[float, float | None, float | None]  # a difference, and its interval


@validated(frozen=True, config=_EXACT)
class Evidence:
    """Why a preset is shipped: the comparison that said so, and where it is written down.

    Attributes:
        report: Path of the report, from the folder that has the configs' folder in it.
        created: When its run began.
        shipped: The day on which the preset was written.
        engine_sha256: Digest of the engine's fingerprint, of its weights' hashes alone, and of the judges' fingerprint.
        difference: In `metric`, over `n_pairs` utterances, with its interval and what that holds for.
        guards: Differences of the other metrics that were looked at.
        replaced: The values that were shipped before, with which all was compared.
        prompt: Settings of prompts with which it was measured, which no preset can have.
        other: Settings of the engine that no preset has, and in which trials of the report differ.
        forced: Why it was shipped all the same, in somebody's words.
        overrode: What spoke against it then.
    """

    report: str
    report_sha256: str
    commit: str | None
    run_id: str
    sweep: str
    created: str
    shipped: str
    trial: str
    baseline: str
    engine_sha256: str
    weights_sha256: str
    judges_sha256: str
    metric: str
    n_pairs: int
    difference: float
    low: float | None
    high: float | None
    scope: str
    guards: Mapping[str, Ends]
    replaced: Mapping[str, Scalar]
    prompt: Mapping[str, Scalar]
    other: Mapping[str, Scalar] = field(default_factory=dict)
    forced: str | None = None
    overrode: list[str] = field(default_factory=list)

    OPTIONAL: ClassVar[tuple[str, ...]] = ("other", "forced", "overrode")

    def content(self) -> dict[str, Any]:
        """Returns it as a file has it: what is nothing is left out where it may be."""
        content = {**asdict(self), "guards": {name: list(ends) for name, ends in self.guards.items()}}
        return {key: value for key, value in content.items() if value or key not in self.OPTIONAL}


@dataclass(frozen=True)
class Preset:
    """Values of an engine's knobs, and where they come from; `evidence` is there where a sweep said so."""

    name: str
    values: Mapping[str, Scalar]
    source: str | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Presets:
    """An engine's presets.

    Attributes:
        engine: Its name.
        path: The file.
        text: What stands in it.
        recommended: Name of the preset that the engine runs with unless told otherwise: what is shipped.
        known: By name, in the order of the file.
    """

    engine: str
    path: Path
    text: str
    recommended: str
    known: Mapping[str, Preset]

    @property
    def shipped(self) -> Preset:
        """The recommended preset."""
        return self.known[self.recommended]


@validated(frozen=True, config=_EXACT)
class _PresetNode:
    values: dict[str, Scalar]
    source: str | None
    evidence: Evidence | None


@validated(frozen=True, config=_EXACT)
class _File:
    recommended: str
    presets: dict[str, dict[str, Any]]


def read_presets(configs: Path, engine: str) -> Presets:
    """Reads the presets of an engine from a folder of configs.

    Raises:
        ConfigError: The folder has no presets of such an engine.
        DataError: Its file is no file of presets.
    """
    if fault := name_fault(engine):
        raise ConfigError(f"the engine's name {engine!r} {fault}")
    path = configs / FOLDER / f"{engine}.yaml"
    if not path.exists():
        raise ConfigError(
            f"engine {engine} has no presets: there is no {path}; engines that have some there: "
            f"{', '.join(engines_in(configs)) or 'none'}; another folder of configs: --configs DIR"
        )
    text = read_text(path, "file of presets")
    return _presets(engine, path, text)


def engines_in(configs: Path) -> list[str]:
    """Returns the engines that have presets in a folder of configs."""
    return sorted(path.stem for path in (configs / FOLDER).glob("*.yaml"))


def _presets(engine: str, path: Path, text: str) -> Presets:
    content = parsed(text, path)
    try:
        file = TypeAdapter(_File).validate_python(content)
        nodes = {name: _parted(node) for name, node in file.presets.items()}
        known = TypeAdapter(dict[str, _PresetNode]).validate_python(nodes)
    except ValidationError as error:
        raise DataError(f"{path} is no file of presets: {describe(error)}") from error
    if file.recommended not in known:
        raise DataError(
            f"{path}: recommended is {file.recommended!r}, which is none of its presets: {', '.join(known) or 'none'}"
        )
    presets = {name: Preset(name, node.values, node.source, node.evidence) for name, node in known.items()}
    return Presets(engine, path, text, file.recommended, presets)


def _parted(node: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a preset's node with its values apart from what is said of them."""
    said = {key: node.get(key) for key in ("source", "evidence")}
    return {"values": {key: value for key, value in node.items() if key not in said}, **said}


def with_shipped(presets: Presets, preset: Preset) -> str:
    """Returns the file's text with a preset in it, recommended: in the place of the one of its name, or as the last.

    Raises:
        DataError: The file is written in a way that cannot be edited, or a value cannot stand in it.
    """
    _require_values(preset, presets.path)
    text, newline = presets.text, "\r\n" if "\r\n" in presets.text else "\n"
    root = _pairs(yaml.compose(text, Loader=yaml.SafeLoader), presets.path)
    recommended, listed = root["recommended"][1], root["presets"][1]
    known = _pairs(listed, presets.path)
    column = next(iter(known.values()))[0].start_mark.column
    rendered = textwrap.indent(_rendered(preset), " " * column).replace("\n", newline)
    start, end = _lines(text, *known[preset.name]) if preset.name in known else (_end(text, listed),) * 2
    missing = newline if start == end and not text[:start].endswith("\n") else ""
    edits = [
        (recommended.start_mark.index, recommended.end_mark.index, preset.name),
        (start, end, missing + rendered),
    ]
    for at, until, new in sorted(edits, reverse=True):
        text = text[:at] + new + text[until:]
    _require_kept(presets, text, preset)
    return text


def _pairs(node: Any, path: Path) -> dict[str, tuple[Any, Any]]:
    """Returns a mapping's keys and values as nodes, which know their places."""
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        raise _uneditable(path)
    return {key.value: (key, value) for key, value in node.value}


def _lines(text: str, key: Any, value: Any) -> tuple[int, int]:
    """Returns where the lines of a key and its value begin and end."""
    return text.rfind("\n", 0, key.start_mark.index) + 1, _end(text, value)


def _end(text: str, node: Any) -> int:
    """Returns where the last line of a node ends: that of its last value, since what follows may be a comment."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(node, yaml.MappingNode) else last
    end = node.end_mark.index
    if end and text[end - 1] == "\n":  # of a text in lines of its own
        return int(end)
    found = text.find("\n", end)
    return len(text) if found < 0 else found + 1


class _Dumper(yaml.SafeDumper):
    """Writes text in quotes wherever one of YAML's dialects could take it for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, None if _PLAIN.fullmatch(data) else '"')

    def numbers(self, data: list[Any]) -> yaml.SequenceNode:
        in_a_line = not any(isinstance(one, str) for one in data)
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=in_a_line)


_Dumper.add_representer(str, _Dumper.text)
_Dumper.add_representer(list, _Dumper.numbers)


def _rendered(preset: Preset) -> str:
    node: dict[str, Any] = {"source": preset.source, **preset.values}
    if preset.evidence is not None:
        node["evidence"] = preset.evidence.content()
    content = {preset.name: node}
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_ONE_LINE))


def _require_values(preset: Preset, path: Path) -> None:
    """Does nothing unless Hydra would take a text for a reference, or for a value that is still missing."""
    for text in _texts([preset.source, preset.values, preset.evidence and preset.evidence.content()]):
        if "${" in text or text == "???":
            raise DataError(
                f"{path}: the text {shortened(text)!r} cannot stand there, since Hydra would take it for a reference "
                "or a missing value; write it without ${ and ???"
            )


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for pair in value.items() for one in pair for text in _texts(one)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


def _require_kept(before: Presets, text: str, preset: Preset) -> None:
    """Does nothing if an edited text says what it should, and of all else what it said before."""
    try:
        after = _presets(before.engine, before.path, text)
    except DataError as error:
        raise _uneditable(before.path) from error
    if (after.recommended, after.known) != (preset.name, {**before.known, preset.name: preset}):
        raise _uneditable(before.path)


def _uneditable(path: Path) -> DataError:
    return DataError(
        f"{path} is written in a way that cannot be edited; write it plainly, each preset in lines of its own without "
        "braces and anchors, as configs/shipped/kokoro.yaml is"
    )
