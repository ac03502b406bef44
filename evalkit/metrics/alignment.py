"""Minimal edit alignments (Levenshtein, unit costs) of what was heard to what should be, by jiwer."""

from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
from jiwer.process import AlignmentChunk


@dataclass(frozen=True)
class Edits:
    """Counts of a minimal edit alignment (Levenshtein, unit costs) of a hypothesis to a reference."""

    hits: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def reference_length(self) -> int:
        """Words or characters in the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """Edits that are not hits."""
        return self.substitutions + self.deletions + self.insertions


def align_words(reference: str, hypothesis: str) -> Edits:
    """Returns the word edits from `reference` to `hypothesis`, both normalised already."""
    return _align(reference.split(), hypothesis.split())


def align_characters(reference: str, hypothesis: str) -> Edits:
    """Returns the character edits, spaces counted, both texts normalised already."""
    return _align(list(reference), list(hypothesis))


def chunks(reference: Sequence[str], hypothesis: Sequence[str]) -> list[AlignmentChunk]:
    """Returns the alignment of two token lists, neither empty, as runs that are equal, replaced, added or missing."""
    result = jiwer.process_words(
        [list(reference)], [list(hypothesis)], reference_transform=_AS_GIVEN, hypothesis_transform=_AS_GIVEN
    )
    found: list[AlignmentChunk] = result.alignments[0]
    return found


def _align(reference: list[str], hypothesis: list[str]) -> Edits:
    if not reference:  # jiwer aligns no empty reference
        return Edits(0, 0, 0, len(hypothesis))
    result = jiwer.process_words(
        [reference], [hypothesis], reference_transform=_AS_GIVEN, hypothesis_transform=_AS_GIVEN
    )
    return Edits(result.hits, result.substitutions, result.deletions, result.insertions)


# The texts come tokenised, so that characters and words take the same way through jiwer.
_AS_GIVEN = jiwer.Compose([])
