"""Votes as files: those that the page lets people keep, read as a stranger's, and `votes.json`, what came of all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from evalkit.analysis.pairing import Run
from evalkit.ballot import BALLOT_VERSION, Ballot, Heard, Played
from evalkit.errors import DataError
from evalkit.manifest import describe
from evalkit.names import shortened, text_fault
from evalkit.record import Report
from evalkit.reports.files import strict_json, write_data
from evalkit.textfile import MB, read_text

VOTES_FILE = "votes.json"  # in the run's folder
LONGEST_BALLOT, LONGEST_VOTES = 4 * MB, 256 * MB
HOW = "votes are exported by the page of the run, in its section Listening"

T = TypeVar("T", Ballot, Heard)


def read_ballots(paths: Sequence[Path], run: Run) -> list[Ballot]:
    """Reads what listeners exported, all of it about one run.

    Raises:
        DataError: A file that is none, of another run, or with votes about what the run does not have.
    """
    known = Known(run)
    found = []
    for path in paths:
        ballot = _read(path, Ballot, "exported votes", LONGEST_BALLOT)
        if fault := known.fault(ballot):
            raise DataError(f"{path} {fault}")
        found.append(ballot)
    return found


def read_heard(run: Run) -> Heard | None:
    """Reads a run's `votes.json`; None where it has none.

    Raises:
        DataError: It is damaged, or another run's.
    """
    path = Path(run.name) / VOTES_FILE
    if not path.exists():
        return None
    found = _read(path, Heard, "votes", LONGEST_VOTES)
    known = Known(run)
    for ballot in found.ballots:
        if fault := known.fault(ballot):
            raise DataError(f"{path} {fault}; votes of its own come into it when it is deleted and made anew")
    return found


def write_heard(folder: Path, heard: Heard) -> None:
    """Writes `votes.json`, whole or not at all.

    Raises:
        StorageError: The disk refused.
    """
    write_data(folder / VOTES_FILE, asdict(heard))


def ears(folder: Path, report: Report) -> dict[str, Any] | None:
    """Returns what ears said of a run, as its page shows it: without names; None where nobody was asked about it.

    Raises:
        DataError: `votes.json` is damaged.
    """
    path = folder / VOTES_FILE
    if not path.exists():
        return None
    told = asdict(_read(path, Heard, "votes", LONGEST_VOTES))
    if (told["run_id"], told["plan"]) != (report.run_id, report.plan):
        return None
    kept = sum(one["passes"] for one in told["listeners"])
    return {
        "listeners": {"kept": kept, "left_out": len(told["listeners"]) - kept},
        **{name: told[name] for name in ("preferences", "opinions", "agreement", "notes")},
    }


def merged(ballots: Iterable[Ballot]) -> tuple[list[Ballot], list[str]]:
    """Returns each session once, the one with most votes, and sentences about those that came more than once."""
    kept: dict[str, Ballot] = {}
    notes = []
    for ballot in ballots:
        known = kept.get(ballot.session)
        if known is None:
            kept[ballot.session] = ballot
            continue
        more = max(known, ballot, key=lambda one: len(one.votes))
        kept[ballot.session] = more
        notes.append(
            f"the session {ballot.session} of {known.listener} came twice "
            f"({len(known.votes)} and {len(ballot.votes)} votes): taken once, with {len(more.votes)}"
        )
    return list(kept.values()), notes


class Known:
    """What votes of a run can be about."""

    def __init__(self, run: Run) -> None:
        self._report = run.report
        self._sounds = {(row.trial, row.voice, row.probe, row.seed): row.audio for row in run.rows}
        self._voices = {row.voice for row in run.rows}

    def fault(self, ballot: Ballot) -> str | None:
        """Returns why a ballot is not about this run; None if it is."""
        own = self._report
        if ballot.run_id != own.run_id:
            return f"is of the run {_quoted(ballot.run_id)}, not of {own.run_id}"
        if ballot.plan != own.plan:
            return (
                f"is of another plan than {own.run_id} has: it was run again with other settings; vote on the new page"
            )
        if fault := text_fault(ballot.listener):
            return f"has a listener whose name {fault}"
        for number, vote in enumerate(ballot.votes, start=1):
            if fault := next((fault for one in vote.sounds if (fault := self._sound_fault(one))), None):
                return f"has a vote, number {number}, about {fault}, which {own.run_id} does not have"
        return None

    def _sound_fault(self, sound: Played) -> str | None:
        """Returns what there is not."""
        utterance = sound.utterance
        if utterance is None:
            return None if sound.voice in self._voices else f"the voice {_quoted(sound.voice)}"
        if utterance not in self._sounds:
            trial, voice, probe, seed = utterance
            return f"trial {_quoted(trial)}, voice {_quoted(voice)}, probe {_quoted(probe)}, seed {seed}"
        address = self._sounds[utterance]
        if sound.address is not None and not (address or "").startswith(sound.address):
            return f"the sound {sound.address[:16]} of trial {_quoted(utterance[0])}"
        return None


def _quoted(text: str) -> str:
    return repr(shortened(text))


def _read(path: Path, kind: type[T], what: str, most: int) -> T:
    try:
        content = strict_json(read_text(path, what, most=most))
    except ValueError as error:
        raise DataError(f"{path} is no file of {what}: {error}; {HOW}") from error
    if not isinstance(content, Mapping) or "schema_version" not in content:
        raise DataError(f"{path} is no file of {what}: it has no schema_version; {HOW}")
    if (version := content["schema_version"]) != BALLOT_VERSION:
        raise DataError(f"{path} has the schema_version {version!r:.40}, this evalkit reads {BALLOT_VERSION}")
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        raise DataError(f"{path} is no file of {what}: {describe(error)}") from error
