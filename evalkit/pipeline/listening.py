"""Listening to a voice's recordings and prompts: words in time, spans of speech, texts; nothing is heard twice."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalkit.audio import Audio, read_recording
from evalkit.digest import digest
from evalkit.errors import DataError
from evalkit.judges.base import Transcriber, Transcript
from evalkit.languages import Language, Languages, shipped
from evalkit.names import has_words
from evalkit.pipeline.artefacts import SPEECH, TRANSCRIPT, judgement_key
from evalkit.pipeline.plan import Ears
from evalkit.pipeline.workspace import Workspace
from evalkit.prompts import ReferenceText
from evalkit.prompts.book import Book, Entry
from evalkit.prompts.consensus import Consensus, consensus
from evalkit.prompts.settings import CLIP_SECONDS
from evalkit.voices import Clip, Voice
from evalkit.words import Word

USER, ASR = "user", "asr"
MAX_SPREAD = 0.5  # passes that differ by more than half their characters heard no text
SURE = 0.7  # probability above which another language than the voice's is believed


@dataclass(frozen=True)
class Listening:
    """Hears through the reference models, keeps in the store what was heard and in the voice's book what was chosen."""

    workspace: Workspace
    ears: Ears
    books: Path
    languages: Languages = field(default_factory=shipped)

    def words(self, audio: Audio, language: str) -> Sequence[Word]:
        """See `prompts.Hearing.words`."""
        (heard,) = self._heard(self.ears.aligner, [audio], language)
        early = self.ears.early_seconds
        return [
            Word(word.text, min(word.start + early, audio.seconds), min(word.end + early, audio.seconds))
            for word in heard.words
        ]

    def texts(self, audios: Sequence[Audio], language: str) -> Sequence[str]:
        """See `prompts.Hearing.texts`."""
        return [heard.text for heard in self._heard(self.ears.checker, audios, language)]

    def said(self, audio: Audio, language: str) -> str:
        """Returns what the transcriber that gives `words` hears, as it writes it."""
        (heard,) = self._heard(self.ears.aligner, [audio], language)
        return heard.text

    def has_heard(self, audio: Audio, language: str) -> bool:
        """Whether `words` and `said` are kept, and take no time."""
        key = judgement_key(self.workspace.identity(self.ears.aligner), audio.sha256, language)
        return not self.workspace.artefacts.missing(TRANSCRIPT, [key])

    def speech(self, audio: Audio) -> list[tuple[float, float]]:
        """See `prompts.Hearing.speech`."""
        detector = self.ears.speech
        key = judgement_key(self.workspace.identity(detector), audio.sha256)
        spans = self.workspace.artefacts.get(SPEECH, key)
        if spans is None:
            self.workspace.models.require(detector)
            with self.workspace.clock.inside_model():
                spans = detector.spans(audio)
            self.workspace.artefacts.write(SPEECH, {key: spans})
        return spans

    def given(self, voice: Voice, clip: Clip) -> ReferenceText:
        """Returns a clip's words: the user's, else the automatic ones, made at this first need.

        Raises:
            DataError: The user's text belongs to other audio, or there is none and no words can be heard.
        """
        if clip.text is not None:
            return ReferenceText(clip.text, "user")
        entry = Book(self.books, voice).find(clip.path.name, USER)
        if entry is None:
            return self.automatic(voice, clip)
        if entry.audio_sha256 != clip.sha256:
            raise DataError(
                f"voice {voice.name!r}: {clip.path.name} has changed since its words were set; set them again: "
                f"{set_command(voice, clip)}"
            )
        if not has_words(entry.text):
            raise DataError(
                f"voice {voice.name!r}: the text set for {clip.path.name}, {entry.text!r}, has no words; set them: "
                f"{set_command(voice, clip)}"
            )
        return ReferenceText(entry.text, "user")

    def automatic(self, voice: Voice, clip: Clip, *, anew: bool = False) -> ReferenceText:
        """Returns the words that the passes hear; from the book, if they are of this audio and these models.

        Raises:
            DataError: No usable words can be heard.
        """
        entry = self.automatic_entry(voice, clip, anew=anew)
        return ReferenceText(entry.text, "asr", entry.majority)

    def automatic_entry(self, voice: Voice, clip: Clip, *, anew: bool = False) -> Entry:
        """Returns the same with its evidence."""
        book, name, sha256 = Book(self.books, voice), clip.path.name, clip.sha256
        stored = book.find(name, ASR)
        if stored is not None and not anew:
            if stored.audio_sha256 != sha256:
                self.workspace.say(f"{voice.name}: the automatic text of {name} is stale (its audio changed): again")
            elif stored.made_by == self.made_by:
                return stored
        entry = self._hear_all(voice, clip, sha256)
        book.write(name, ASR, entry)
        self.workspace.say(f"{voice.name}: heard {name}, {entry.majority} passes agree: {entry.text}")
        return entry

    @property
    def made_by(self) -> str:
        """Digest of the passes: their models and decoding."""
        return digest([dict(one.fingerprint()) for one in self.ears.passes])

    def _hear_all(self, voice: Voice, clip: Clip, sha256: str) -> Entry:
        window = read_recording(clip.path, CLIP_SECONDS).audio
        candidates = [heard.text for one in self.ears.passes for heard in self._heard(one, [window], voice.language)]
        chosen = consensus(candidates, self.languages[voice.language])
        self._check_usable(voice, clip, window, chosen)
        return Entry(
            text=chosen.text,
            source="asr",
            audio_sha256=sha256,
            made_by=self.made_by,
            models=[one.fingerprint() for one in self.ears.passes],
            candidates=candidates,
            majority=chosen.majority,
        )

    def _check_usable(self, voice: Voice, clip: Clip, audio: Audio, chosen: Consensus) -> None:
        # Passes over a language that they were not told to expect may agree or not by a rounding: it is asked before.
        why = (
            _nothing(chosen)
            or self._other_language(voice, audio)
            or _unusable(chosen, audio.seconds, self.languages[voice.language])
        )
        if why:
            raise DataError(
                f"voice {voice.name!r}: no usable words in {clip.path.name}: {why}; "
                f"write them: {set_command(voice, clip)}"
            )

    def _other_language(self, voice: Voice, audio: Audio) -> str | None:
        self.workspace.models.require(self.ears.passes[0])
        with self.workspace.clock.inside_model():
            heard = self.ears.passes[0].language(audio)
        if heard is None or heard[1] < SURE or self.languages[voice.language].is_heard_as(heard[0]):
            return None
        return (
            f"it sounds like {heard[0]!r} (probability {heard[1]:.2f}), the voice is said to speak {voice.language!r}"
        )

    def _heard(self, transcriber: Transcriber, audios: Sequence[Audio], language: str) -> list[Transcript]:
        """Returns a transcript of each; those that were never heard are heard together."""
        artefacts, identity = self.workspace.artefacts, self.workspace.identity(transcriber)
        by_key = {judgement_key(identity, audio.sha256, language): audio for audio in audios}
        known = artefacts.read(TRANSCRIPT, by_key)
        unheard = {key: audio for key, audio in by_key.items() if key not in known}
        if unheard:
            self.workspace.models.require(transcriber)
            with self.workspace.clock.inside_model():
                heard = list(transcriber.transcribe(list(unheard.values()), [language] * len(unheard)))
            new = dict(zip(unheard, heard, strict=True))
            artefacts.write(TRANSCRIPT, new)
            known |= new
        return [known[judgement_key(identity, audio.sha256, language)] for audio in audios]


def set_command(voice: Voice, clip: Clip) -> str:
    """Returns what to type to set a clip's words."""
    name, file = shlex.quote(voice.name), shlex.quote(clip.path.name)
    return f"python -m evalkit transcript set {name} --clip {file} 'THE WORDS' voices.path=DIR"


def _nothing(chosen: Consensus) -> str | None:
    return None if has_words(chosen.text) else "nothing was heard (silence, noise or music)"


def _unusable(chosen: Consensus, seconds: float, language: Language) -> str | None:
    rate = len(language.parted(chosen.text)) / seconds
    least, most = language.entry.possible  # outside it is no speech, or an ASR that repeats itself
    if chosen.spread > MAX_SPREAD:
        return f"each pass heard something else (they differ in {chosen.spread:.0%} of their characters)"
    if not least <= rate <= most:
        return f"{rate:.1f} words per second were heard, speech has {least:g} to {most:g}"
    return None
