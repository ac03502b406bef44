"""What a page is made of beside report and rows: sounds from the store, and the voices' own recordings."""

from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from evalkit import provenance
from evalkit.audio import Audio
from evalkit.commands.screen import tell
from evalkit.config.planning import voices_of
from evalkit.config.schema import PageConfig, RunConfig, VoicesConfig
from evalkit.errors import ConfigError, DataError, StorageError
from evalkit.pipeline.artefacts import SOUND
from evalkit.pipeline.attempts import Failure, attempt
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.sounds import recorded
from evalkit.record import Report
from evalkit.reports.baselines import read_run
from evalkit.reports.page.sounds import AudioChoice, HeldOut, Sources
from evalkit.reports.page.writer import write_page
from evalkit.resources import at_home
from evalkit.store.artefacts import Artefacts
from evalkit.store.directory import Directory
from evalkit.voices import Voice


def page_of_run(plan: Plan, config: RunConfig, folder: Path, say: Callable[[str], None]) -> Path | None:
    """Makes the page of a run that has just ended, if one is wanted; returns its path.

    The report is written by then: a page that cannot be made is told of, and no failure of the run.
    """
    if not config.page.make:
        return None
    made = _made(plan, config, folder)
    if isinstance(made, Failure):
        again = provenance.command_line(["report", str(folder)])
        say(f"the report is whole, but its page could not be made: {made.type}: {made.message}; try again: {again}")
        return None
    return made


def _made(plan: Plan, config: RunConfig, folder: Path) -> Path | Failure:
    def make() -> Path:
        run = read_run(folder)  # as it was written, so that `report` makes the same page
        found = sources(run.report, Directory(config.store), plan.voices)
        return write_page(folder, run.report, run.rows, found, config.page.audio)

    try:
        return attempt(make)
    except (StorageError, KeyboardInterrupt) as error:
        return Failure.of(error)


def kept_sources(report: Report, store: Path | None) -> Sources:
    """Returns the sounds of a run that ended some time ago: what is still in the store and among the voices' files.

    Args:
        report: The run's, whose configuration says where both lie.
        store: Where sounds lie, if it is not there.
    """
    return sources(report, Directory(store or _store(report)), _voices(report))


def sources(report: Report, store: Directory, voices: Iterable[Voice]) -> Sources:
    """Returns the sounds of a run; a recording counts only if it is still the one that the judges heard."""
    artefacts = Artefacts(store, lambda _: None)
    found: dict[str, list[HeldOut]] = {}
    recordings: dict[str, Callable[[], Audio]] = {}
    for voice in voices:
        heard = set(report.recordings.get(voice.name, ()))
        for clip in voice.held_out_clips:
            try:
                address = recorded(clip).audio.sha256
            except DataError:
                continue
            if address in heard:
                found.setdefault(voice.name, []).append(HeldOut(clip.path.name, address))
                recordings[address] = lambda clip=clip: recorded(clip).audio  # type: ignore[misc]

    def sound(address: str) -> Audio | None:
        if address in recordings:
            return recordings[address]()
        audio = next((one for _, one in artefacts.look(SOUND, [address])), None)
        return audio if audio is not None and audio.sha256 == address else None

    return Sources(sound, found)


def kept_choice(report: Report) -> AudioChoice:
    """Returns which sounds the page of a run was to have."""
    try:
        page = TypeAdapter(PageConfig).validate_python(report.config.get("page", {}))
    except ValidationError:
        return PageConfig().audio
    return page.audio


def _store(report: Report) -> Path:
    typed = report.config.get("store")
    try:
        return at_home(typed if isinstance(typed, str) else ".evalkit/store")
    except ConfigError:
        return Path(".evalkit/store")


def _voices(report: Report) -> tuple[Voice, ...]:
    """Returns the voices of a run, as far as their files are still there."""
    try:
        config = TypeAdapter(VoicesConfig).validate_python(report.config.get("voices"))
        return voices_of(config, lambda _: None)
    except (ValidationError, ConfigError, DataError) as error:
        tell(f"held-out clips are left out of the page: {error}")
        return ()
