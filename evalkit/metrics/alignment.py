"""Minimal edit alignments (Levenshtein, unit costs) of what was heard to what should be, by rapidfuzz.

jiwer takes its alignments from the same function, so that a WER from these is jiwer's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz.distance import Levenshtein, Opcode

from evalkit.languages import Language, english


@dataclass(frozen=True)
class Edits:
    """Counts of a minimal edit alignment (Levenshtein, unit costs) of a hypothesis to a reference."""

    hits: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def reference_length(self) -> int:
        """Words in the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """Edits that are not hits."""
        return self.substitutions + self.deletions + self.insertions


@dataclass(frozen=True, eq=False)
class Alignment:
    """One minimal edit alignment of tokens that were heard to those of a text; what it tells is worked out once.

    Attributes:
        reference: The text's words or characters.
        hypothesis: Those heard.
    """

    reference: Sequence[str]
    hypothesis: Sequence[str]

    @cached_property
    def runs(self) -> tuple[Opcode, ...]:
        """Runs of tokens that are `equal`, or to `replace`, `delete` or `insert`, in order."""
        return tuple(Levenshtein.opcodes(self.reference, self.hypothesis))

    @cached_property
    def edits(self) -> Edits:
        """The runs, counted."""
        counts = {"equal": 0, "replace": 0, "delete": 0, "insert": 0}
        for run in self.runs:
            counts[run.tag] += max(run.src_end - run.src_start, run.dest_end - run.dest_start)
        return Edits(counts["equal"], counts["replace"], counts["delete"], counts["insert"])

    @cached_property
    def foreign(self) -> tuple[tuple[int, str], ...]:
        """Position and word of what was heard and is nowhere in the text: whatever the alignment, none is a hit."""
        said = frozenset(self.reference)
        return tuple((at, word) for at, word in enumerate(self.hypothesis) if word not in said)


def align_words(reference: str, hypothesis: str, language: Language | None = None) -> Edits:
    """Returns the word edits from `reference` to `hypothesis`, both normalised already; None: they are in English."""
    spoken = language or english()
    return Alignment(spoken.words(reference), spoken.words(hypothesis)).edits
