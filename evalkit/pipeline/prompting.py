"""The first stage of a run: a prompt per voice and way of building it, kept by the content of all that goes into it."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from evalkit.digest import Json, digest
from evalkit.errors import DataError
from evalkit.pipeline.artefacts import PROMPT, BuiltPrompt
from evalkit.pipeline.attempts import Failure, attempt
from evalkit.pipeline.closed_loop import choose, choosing
from evalkit.pipeline.events import Advanced, StageBegun, StageEnded
from evalkit.pipeline.executors import Executor
from evalkit.pipeline.listening import USER, Listening
from evalkit.pipeline.plan import Cell, Plan
from evalkit.pipeline.workspace import Workspace
from evalkit.prompt import Prompt
from evalkit.prompts import REVISION, PromptSettings, build_prompt
from evalkit.prompts.book import Book
from evalkit.prompts.checks import SUSPICIOUS_WER
from evalkit.store.codecs import stored
from evalkit.text import meant_by
from evalkit.voices import Clip, Voice
from evalkit.words import error_rate

ENOUGH = 0.8  # of the seconds asked for: with less, or as much more, a trial is not what its name says

Place = tuple[str, str]  # trial and voice
Prompts = Mapping[Place, BuiltPrompt | Failure]


@dataclass(frozen=True, eq=False)
class Prompting:
    """Builds prompts as cells ask for them; what one of them needs is never built or hashed twice.

    Attributes:
        plan: Whose voices.
        workspace: Where prompts are kept.
        executor: Speaks for closed loops.
        books: Folder of the voices' reference texts.
    """

    plan: Plan
    workspace: Workspace
    executor: Executor
    books: Path
    _made: dict[Place, BuiltPrompt | Failure] = field(default_factory=dict)
    _recordings: dict[str, str | Failure] = field(default_factory=dict)
    _said: set[str] = field(default_factory=set)

    def stored(self, cells: Sequence[Cell]) -> Prompts:
        """Returns the prompts of cells that are in the store, and failures that are plain already; builds none."""
        keys = self._keys(cells)
        found = self._read([key for key in keys.values() if isinstance(key, str)])
        known: dict[Place, BuiltPrompt | Failure] = {}
        for place, key in keys.items():
            if isinstance(key, Failure) or key in found:
                known[place] = key if isinstance(key, Failure) else found[key]
        return known

    def of(self, cells: Sequence[Cell], before_work: Callable[[], None]) -> Prompts:
        """Returns the prompts of all voices for cells; one that cannot be built is a failure of its voice's rows.

        Args:
            cells: Whose prompts.
            before_work: Is called before the first prompt is built, if one must be.
        """
        new = [cell for cell in cells if not all(self._is_at_hand(cell, voice) for voice in self.plan.voices)]
        if new:
            self._made.update(self._all(new, before_work))
        return self._made

    @property
    def made(self) -> Prompts:
        """The prompts of all cells that were asked for."""
        return self._made

    def _is_at_hand(self, cell: Cell, voice: Voice) -> bool:
        prompt = self._made.get((cell.trial.id, voice.name))
        lost = isinstance(prompt, BuiltPrompt) and prompt.sound in self.workspace.sounds.lost
        return prompt is not None and not lost

    def build(self, cell: Cell, voice: Voice) -> Prompt:
        """Builds a voice's prompt for a cell, its words from where `prompt.text` says, and hears what it says.

        Raises:
            DataError: It cannot be built.
        """
        listening = Listening(self.workspace, self.plan.ears, self.books, self.plan.languages)
        language = self.plan.languages[voice.language]
        if cell.prompt.text == "closed_loop":
            prompt = choose(self.plan, listening, self.executor, cell, voice)
        else:
            text_of = listening.automatic if cell.prompt.text == "automatic" else listening.given
            prompt = build_prompt(
                voice, cell.prompt, cell.engine.sample_rate, partial(text_of, voice), listening, language
            )
        audio = stored(prompt.audio)  # engines hear what the store keeps, whether it was just built or long ago
        (heard,) = listening.texts([audio], voice.language)
        normalise = self.plan.normalise(voice.language)
        return replace(prompt, audio=audio, wer=error_rate(prompt.text, heard, normalise, language.parted))

    def _all(self, cells: Sequence[Cell], before_work: Callable[[], None]) -> dict[Place, BuiltPrompt | Failure]:
        keys = self._keys(cells)
        distinct = list(dict.fromkeys(key for key in keys.values() if isinstance(key, str)))
        found: dict[str, BuiltPrompt | Failure] = dict(self._read(distinct))
        hear = self.workspace.listener.hear
        hear(StageBegun("prompts", len(distinct), len(found)))
        if len(found) < len(distinct):
            before_work()
        of_trial = {cell.trial.id: cell for cell in cells}
        of_name = {voice.name: voice for voice in self.plan.voices}
        for (trial, name), key in keys.items():
            if isinstance(key, str) and key not in found:
                found[key] = self._built(key, of_trial[trial], of_name[name])
                hear(Advanced(failed=isinstance(found[key], Failure)))
        hear(StageEnded())
        made = {place: key if isinstance(key, Failure) else found[key] for place, key in keys.items()}
        self._say_failures(made)
        return made

    def _built(self, key: str, cell: Cell, voice: Voice) -> BuiltPrompt | Failure:
        prompt = attempt(partial(self.build, cell, voice))
        if isinstance(prompt, Failure):
            return prompt
        self.workspace.sounds.keep(prompt.audio)
        built = BuiltPrompt.of(prompt, cell.prompt.seconds)
        self.workspace.artefacts.write(PROMPT, {key: built})
        return built

    def _read(self, keys: Sequence[str]) -> dict[str, BuiltPrompt]:
        found = self.workspace.artefacts.read(PROMPT, keys)
        soundless = self.workspace.sounds.missing({prompt.sound for prompt in found.values()})
        return {key: prompt for key, prompt in found.items() if prompt.sound not in soundless}

    def _keys(self, cells: Sequence[Cell]) -> dict[Place, str | Failure]:
        recordings = {voice.name: self._recordings_of(voice) for voice in self.plan.voices}
        keys: dict[Place, str | Failure] = {}
        for cell in cells:
            ways = {language: self._way(cell, language) for language in {one.language for one in self.plan.voices}}
            for voice in self.plan.voices:
                own = recordings[voice.name]
                keys[cell.trial.id, voice.name] = (
                    own if isinstance(own, Failure) else digest([ways[voice.language], own])
                )
        return keys

    def _way(self, cell: Cell, language: str) -> Json:
        """Returns what a cell's prompts depend on beside the voice; in a closed loop engine and judge choose words."""
        languages = self.plan.languages
        of_language = languages.identity([language])
        identity, ears = self.workspace.identity, self.plan.ears
        loop = cell.prompt.text == "closed_loop"
        return digest(
            {
                "revision": REVISION,
                "settings": asdict(cell.prompt),
                "sample_rate": cell.engine.sample_rate,
                "ears": [*(identity(one) for one in ears.all), ears.early_seconds],
                "normalizer": meant_by(self.plan.judges.normalizer, languages[language]),
                **(
                    {"language": of_language, "phrases": list(languages[language].entry.phrases)} if of_language else {}
                ),
                "loop": [identity(cell.engine), identity(choosing(self.plan))] if loop else None,
            }
        )

    def _recordings_of(self, voice: Voice) -> str | Failure:
        """Returns the digest of a voice's recordings and words."""
        if voice.name not in self._recordings:
            found = attempt(lambda: digest([voice.language, [self._identity(voice, clip) for clip in voice.clips]]))
            self._recordings[voice.name] = found
        return self._recordings[voice.name]

    def _identity(self, voice: Voice, clip: Clip) -> Json:
        """Returns all that a clip's audio and words depend on.

        Raises:
            DataError: Its file is gone.
        """
        if not clip.path.is_file():
            if clip.use == "held_out":  # no prompt needs it
                return None
            raise DataError(f"voice {voice.name!r}: no audio file at {clip.path}")
        entry = None if clip.text is not None else Book(self.books, voice).find(clip.path.name, USER)
        return [clip.path.name, clip.use, clip.sha256, clip.text, [entry.text, entry.audio_sha256] if entry else None]

    def _say_failures(self, made: Prompts) -> None:
        for outcome in made.values():
            if isinstance(outcome, Failure) and outcome.message not in self._said:
                self._said.add(outcome.message)
                self.workspace.say(outcome.message)


def notes_on(plan: Plan, cells: Sequence[Cell], prompts: Prompts) -> list[str]:
    """Returns what a reader of the report must know of the prompts of cells, each thing once."""
    found: list[str] = []
    alike: dict[tuple[str, str], list[BuiltPrompt]] = {}
    for cell in cells:
        for voice in plan.voices:
            prompt = prompts[cell.trial.id, voice.name]
            if isinstance(prompt, BuiltPrompt):
                found += _doubts(voice, cell.prompt, prompt)
                alike.setdefault((voice.name, prompt.sha256), []).append(prompt)
    return list(dict.fromkeys([*found, *_no_difference(alike)]))


def _no_difference(alike: Mapping[tuple[str, str], Sequence[BuiltPrompt]]) -> list[str]:
    """Returns which lengths that were asked for gave the same audio and words."""
    told = []
    for (voice, _), prompts in alike.items():
        lengths = sorted({prompt.wanted_seconds for prompt in prompts if prompt.wanted_seconds})
        if len(lengths) > 1:
            *first, last = (f"{length:g}" for length in lengths)
            told.append(
                f"voice {voice}: prompt.seconds={', '.join(first)} and {last} gave the same prompt, "
                f"of {prompts[0].seconds:.1f} s"
            )
    return told


def _doubts(voice: Voice, settings: PromptSettings, prompt: BuiltPrompt) -> list[str]:
    doubts = []
    wanted, name = prompt.wanted_seconds, f"voice {voice.name}"
    if wanted is not None and abs(prompt.seconds - wanted) > (1 - ENOUGH) * wanted:
        doubts.append(f"{name}: {_miss(prompt, wanted)}")
    if prompt.text_wer is not None and prompt.text_wer > SUSPICIOUS_WER:
        doubts.append(
            f"{name}: the words of {', '.join(prompt.clips)} have a WER of {prompt.text_wer:.2f} against "
            f"what is heard; look at them: python -m evalkit transcript show {shlex.quote(voice.name)} voices.path=DIR"
        )
    elif prompt.wer is not None and prompt.wer > SUSPICIOUS_WER and not settings.corrupt and settings.cut != "hard":
        doubts.append(
            f"{name}: what is heard in its prompt of {prompt.seconds:.1f} s has a WER of {prompt.wer:.2f} against its "
            f"words, though those of its clips are right: {prompt.text}"
        )
    return doubts


def _miss(prompt: BuiltPrompt, wanted: float) -> str:
    """Returns how long a prompt is that was to have another length."""
    all_used = prompt.ending is not None and prompt.ending.at == "clip" and not prompt.ending.tried
    if all_used and prompt.seconds < wanted:
        return f"its clips give {prompt.seconds:.1f} s of the prompt.seconds={wanted:g} asked for"
    return (
        f"its prompt has {prompt.seconds:.1f} s for the prompt.seconds={wanted:g} asked for, "
        "and no nearer place to end was found"
    )
