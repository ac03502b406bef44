"""`evalkit voices check`: what a run would refuse or doubt of voices, and what their recordings lack, beforehand."""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from evalkit.analysis.recordings import Clip, Finding, clip_findings, voice_findings
from evalkit.audio import read_recording
from evalkit.commands.display import display_on
from evalkit.commands.progress import watched
from evalkit.commands.quiet import quiet
from evalkit.commands.screen import show
from evalkit.config.app import config_of, voices_plan_of
from evalkit.config.planning import voices_at
from evalkit.errors import AssetError, DataError, PackageError
from evalkit.metrics.recordings import sounding
from evalkit.pipeline.evidence import measure_speakers, measure_yardsticks
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.workspace import Workspace
from evalkit.reports.layout import fitted, folded, terminal_width
from evalkit.resources import at_home, locate, resource
from evalkit.store.directory import Directory
from evalkit.voicefolders import MANIFEST
from evalkit.voices import Voice, found_voices, refuse_leaks, shared_recordings
from evalkit.weights.assets import library
from evalkit.yamlfile import read_yaml

ALL = "all voices"
DECLARED = ("language", "licence")
SECONDS = 120.0  # of a recording: as much as judges hear
ABOUT = """\
Wrong is what a run refuses, or what spoils its numbers: what cannot be read, a recording on both sides or in two
voices, no held-out clips, clips too quiet, noisy or clipped, two speakers in one voice, one speaker in two. All else
is a remark. Whether given words are those that are spoken: --listen for a voice as a whole, `transcript show VOICE`
clip by clip.
"""


@dataclass(frozen=True)
class Examined:
    """A voice, its clips that could be read, and what was found."""

    name: str
    voice: Voice | None
    clips: Sequence[Clip]
    findings: Sequence[Finding]


def add_check(parser: argparse.ArgumentParser) -> None:
    """Adds what is typed after `voices check`."""
    parser.description = ABOUT
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("paths", nargs="+", metavar="DIR", help="folders of voices, or what `voices=` takes: demo")
    parser.add_argument("--judge", metavar="NAME", default="demo", help="whose speaker encoders (default: demo)")
    parser.add_argument("--listen", action="store_true", help="also let its transcriber hear clips with given words")
    parser.add_argument("--no-judge", action="store_true", help="load no model: leave speakers out")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON, and nothing else")


def run_check(parsed: argparse.Namespace) -> int:
    """Checks voices; returns 1 if anything is wrong, 0 if there is no more than remarks.

    Raises:
        DataError: There are no voices at a path.
        ConfigError: There is no such judge.
    """
    remarks: list[str] = []
    places = [place for typed in parsed.paths for place in _places(typed)]
    found = [one for place in places for one in found_voices(place, remarks.append)]
    examined = [_examined(*one) for one in watched(found, "voices", len(found))]
    voices = [one.voice for one in examined if one.voice is not None]
    common = [Finding(ALL, "remark", remark, "") for remark in remarks]
    common += [*_twice([one.name for one in examined]), *_shared(voices)]
    if not parsed.no_judge and voices:
        common += _by_judges(parsed.judge, voices, listens=parsed.listen)
    findings = [*(finding for one in examined for finding in one.findings), *common]
    wrong = sum(finding.state == "wrong" for finding in findings)
    if parsed.json:
        show(
            json.dumps({"voices": [_told(one) for one in examined], "findings": list(map(asdict, findings))}, indent=2)
        )
    else:
        show("\n".join([*_table(examined), *_lines(findings), "", _closing(len(examined), wrong, len(findings))]))
    return 1 if wrong else 0


def _places(typed: str) -> list[Path]:
    """Returns the folders that were typed: a path, or what a choice of `voices=` names."""
    if not at_home(typed).exists() and resource(f"configs/voices/{typed}.yaml").is_file():
        return voices_at(config_of([f"voices={typed}"]).voices)
    return [locate(typed)]


def _examined(name: str, voice: Voice | DataError, folder: Path | None) -> Examined:
    if isinstance(voice, DataError):
        return Examined(name, None, [], [Finding(name, "wrong", f"cannot be used: {voice}", "")])
    clips, findings = [], []
    for one in voice.clips:
        try:
            clip = _read(one.path, one.use, has_words=one.text is not None)
        except DataError as error:
            findings.append(Finding(name, "wrong", f"cannot be used: {error}", "", one.path.name))
            continue
        clips.append(clip)
        findings += clip_findings(name, clip)
    try:
        refuse_leaks(voice)
    except DataError as error:
        findings.append(Finding(name, "wrong", str(error), ""))
    return Examined(name, voice, clips, [*findings, *voice_findings(name, clips, _undeclared(folder))])


def _read(path: Path, use: str, *, has_words: bool) -> Clip:
    import soundfile

    audio = read_recording(path, SECONDS).audio
    info = soundfile.info(path)
    return Clip(path.name, use, info.duration, info.samplerate, info.channels, has_words, sounding(audio))


def _undeclared(folder: Path | None) -> list[str]:
    """Returns what a voice's manifest leaves open."""
    if folder is None:
        return []
    manifest = folder / MANIFEST
    told = read_yaml(manifest) if manifest.is_file() else {}
    return [what for what in DECLARED if what not in told or told[what] == "unknown"]


def _twice(names: Sequence[str]) -> Iterator[Finding]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Finding(name, "wrong", "two voices have this name", "rename one: names tell rows apart")


def _shared(voices: Sequence[Voice]) -> Iterator[Finding]:
    for said, is_refused in shared_recordings(voices):
        yield Finding(ALL, "wrong" if is_refused else "remark", said, "")


def _by_judges(judge: str, voices: Sequence[Voice], *, listens: bool) -> list[Finding]:
    """Returns what the judges of a run would doubt, or why they were not asked."""
    try:
        plan = voices_plan_of([f"judge={judge}", "ears=fake"], voices)
        models = plan.judges.all if listens else plan.judges.speakers
        library().require(dict.fromkeys(asset for model in models for asset in model.assets))
    except (PackageError, AssetError) as error:
        return [Finding(ALL, "remark", f"speakers were not compared: {error}", "")]
    return [Finding(ALL, "wrong", doubt, "") for doubt in _doubts(plan, listens=listens)]


def _doubts(plan: Plan, *, listens: bool) -> list[str]:
    """Returns what a run would note of the voices; what was heard is kept nowhere."""
    with TemporaryDirectory() as scratch, quiet(Path(scratch) / "log") as screen:
        display = display_on(screen)
        workspace = Workspace.of(plan, Directory(Path(scratch) / "store"), display, "voices")
        try:
            found = (measure_yardsticks if listens else measure_speakers)(plan, workspace).heard_doubts
        finally:
            display.finish()
            workspace.models.close()
    return found


def _told(one: Examined) -> dict[str, object]:
    language, licence = (one.voice.language, one.voice.licence) if one.voice else (None, None)
    return {"name": one.name, "language": language, "licence": licence, "clips": [asdict(clip) for clip in one.clips]}


def _table(examined: Sequence[Examined]) -> list[str]:
    headings = ["voice", "", "language", "prompts", "seconds", "held out", "words", "dBFS", "dB above"]
    return fitted(headings, [_row(one) for one in examined], terminal_width(), left=3)


def _row(one: Examined) -> list[str]:
    wrong = sum(finding.state == "wrong" for finding in one.findings)
    state = f"{wrong} wrong" if wrong else "ok"
    if one.voice is None or not one.clips:
        return [one.name, state, "-", "-", "-", "-", "-", "-", "-"]
    prompts = [clip for clip in one.clips if clip.use == "prompt"]
    return [
        one.name,
        state,
        one.voice.language,
        str(len(prompts)),
        f"{sum(clip.seconds for clip in prompts):.1f}",
        str(len(one.clips) - len(prompts)),
        f"{sum(clip.has_words for clip in one.clips)}/{len(one.clips)}",
        f"{min(clip.sound.level for clip in one.clips):.0f}",
        f"{min(clip.sound.above for clip in one.clips):.0f}",
    ]


def _lines(findings: Sequence[Finding]) -> list[str]:
    width, lines = terminal_width(), []
    for finding in sorted(findings, key=lambda finding: finding.state == "remark"):
        who = "" if finding.voice == ALL else f"{finding.voice}: "
        clip = f"{finding.clip} " if finding.clip else ""
        todo = f": {finding.todo}" if finding.todo else ""
        lines += folded(f"{finding.state:6}  {who}{clip}{finding.what}{todo}", width, "", " " * 8)
    return lines


def _closing(voices: int, wrong: int, findings: int) -> str:
    told = f"{findings - wrong} remarks" if findings - wrong != 1 else "1 remark"
    return f"{voices} voices: {wrong or 'nothing'} wrong, {told}"
