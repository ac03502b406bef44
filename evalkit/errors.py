"""Every error that evalkit raises on purpose, in one tree.

EvalkitError
├── ConfigError        a sweep, axis, key or value that cannot be run
├── DataError          a manifest, text or recording that cannot be used
├── AssetError         weights
│   ├── MissingAssetsError   a run needs weights that are not here
│   └── FetchError           a source failed, or a hash differs
├── StorageError       the disk refused (full, read-only)
├── SynthesisError     an engine gave something that is no speech: becomes a failed row
├── JudgementError     a judge gave something that is no score: becomes a failed row
└── NothingScoredError every utterance failed

A message says what was wrong, the value got, the values allowed, and the command to type next.
"""


class EvalkitError(Exception):
    """Base of all; `exit_code` is what the command line ends with."""

    exit_code = 1


class ConfigError(EvalkitError):
    """A sweep, axis, key or value that cannot be run."""

    exit_code = 2


class DataError(EvalkitError):
    """A manifest, text or recording that cannot be used."""

    exit_code = 2


class AssetError(EvalkitError):
    """Something about weights."""


class MissingAssetsError(AssetError):
    """A run needs weights that are not here."""

    exit_code = 2


class FetchError(AssetError):
    """A source of weights failed, or what it gave has another hash."""


class StorageError(EvalkitError):
    """The disk refused: full, read-only or gone."""


class SynthesisError(EvalkitError):
    """An engine gave something that is no speech."""


class JudgementError(EvalkitError):
    """A judge gave something that cannot be scored."""


class NothingScoredError(EvalkitError):
    """Every utterance of the run failed."""
