"""Every error that evalkit raises on purpose, in one tree.

EvalkitError
├── ConfigError        a sweep, axis, key or value that cannot be run
│   └── PackageError         an engine, a judge or a tracker needs a package that is not here, or cannot be imported
├── DataError          a manifest, text or recording that cannot be used
├── AssetError         weights
│   ├── MissingAssetsError   a run needs weights that are not here
│   ├── DamagedWeightsError  weights are not what was fetched
│   ├── WeightsError         a model does not hold what its checkpoint has
│   └── FetchError           a source failed, or a hash differs
├── DeviceError        this machine has no such device
├── ServerError        a server that an engine asks is not there, or is not what it was said to be
├── StorageError       the disk refused (full, read-only)
├── InUseError         somebody works with the store that is to be pruned
├── DamagedError       an artefact of the store is not what was written
├── SynthesisError     an engine gave something that is no speech: becomes a failed row
├── JudgementError     a judge gave something that is no score: becomes a failed row
├── ModelError         a judge cannot be loaded: nothing could be scored, so nothing is synthesised
├── TrackerError       a tracker cannot begin to follow a run: no server, or a place that will not do
└── NothingScoredError every utterance failed

A message says what was wrong, the value got, the values allowed, and the command to type next.
"""

import re

LONGEST = 2_000  # characters of somebody else's message that are kept


def told(error: BaseException) -> str:
    """Returns what an exception says, whoever raised it: text that any file can hold, not endless, never empty."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001  a `__str__` of somebody else's, which may raise anything
        said = ""
    text = said[: LONGEST + 1].encode(errors="backslashreplace").decode()
    return f"{text[:LONGEST]}..." if len(text) > LONGEST else text or "no message"


def form_of(message: str) -> str:
    """Returns a message without numbers and quoted parts: what is left tells one reason from another."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "#", message)


class EvalkitError(Exception):
    """Base of all; `exit_code` is what the command line ends with."""

    exit_code = 1


class ConfigError(EvalkitError):
    """A sweep, axis, key or value that cannot be run."""

    exit_code = 2


class PackageError(ConfigError):
    """An engine, a judge or a tracker needs a package that is not here, or its own file cannot be imported."""


class DataError(EvalkitError):
    """A manifest, text or recording that cannot be used."""

    exit_code = 2


class AssetError(EvalkitError):
    """Something about weights."""


class MissingAssetsError(AssetError):
    """A run needs weights that are not here."""

    exit_code = 2


class DamagedWeightsError(AssetError):
    """Weights are not what was fetched: whatever a model made of them would look like a score."""

    exit_code = 2


class WeightsError(AssetError):
    """A model does not hold what its checkpoint has: every number would be wrong."""


class FetchError(AssetError):
    """A source of weights failed, or what it gave has another hash."""


class DeviceError(EvalkitError):
    """This machine has no such device."""

    exit_code = 2


class ServerError(EvalkitError):
    """A server that an engine asks is not there, or is not what it was said to be; nothing was asked of it yet."""

    exit_code = 2


class StorageError(EvalkitError):
    """The disk refused: full, read-only or gone."""


class InUseError(EvalkitError):
    """Somebody works with the store that is to be pruned."""


class DamagedError(EvalkitError):
    """An artefact of the store is not what was written."""


class SynthesisError(EvalkitError):
    """An engine gave something that is no speech."""


class JudgementError(EvalkitError):
    """A judge gave something that cannot be scored."""


class NothingScoredError(EvalkitError):
    """Every utterance of the run failed."""


class TrackerError(EvalkitError):
    """A tracker cannot begin to follow a run; nothing was done yet."""

    exit_code = 2


class ModelError(EvalkitError):
    """A judge cannot be loaded, or no engine can."""

    exit_code = 2
