"""Where prompts end, with whistles (30 ms a character) as the truth, and word times that err."""

import numpy as np
import pytest

from evalkit.audio import Audio
from evalkit.judges.fake import WhistleReader
from evalkit.prompt import Ending
from evalkit.prompts.cut import between, cut_at, pauses, rest_after
from evalkit.prompts.ending import TRIES, End, LastClip, Room, find_end
from evalkit.whistle import RATE, whistle
from evalkit.words import Word

TEXT = "one two three four five"  # words start at 0, 0.12, 0.24, 0.42, 0.57 s and end with 0.69 s
STARTS = {"one": 0.0, "two": 0.12, "three": 0.24, "four": 0.42, "five": 0.57}


def hear(audios):
    return [heard.text for heard in WhistleReader().transcribe(audios, ["en"] * len(audios))]


def silence(seconds):
    return Audio(np.zeros(round(seconds * RATE), np.float32), RATE)


def together(*audios):
    return Audio(np.concatenate([audio.samples for audio in audios]), RATE)


def clip(text=TEXT, *, audio=None, whole=True, **moved):
    """Returns a clip whose words start where they do, but for those that are moved."""
    starts = {**STARTS, **moved}
    ends = [*list(starts.values())[1:], 0.69]
    placed = [Word(word, start, end) for (word, start), end in zip(starts.items(), ends, strict=True)]
    return LastClip(audio or whistle(TEXT, 200.0), text, placed, whole)


def room(wanted, most=9.0, tolerance=0.0, without=None):
    return Room(wanted, most, tolerance, without)


def end_of(*arguments, cut="word"):
    end = find_end(*arguments, cut, hear)
    return end and (round(end.seconds, 2), end.words, end.ending.at, end.ending.tried)


@pytest.mark.parametrize(
    ("given", "where", "expected"),
    [
        (clip(), room(0.25), (0.24, 2, "word", 1)),
        (clip(three=0.3), room(0.25), (0.12, 1, "word", 2)),  # "th" | "ree": the next one is nearer than "four"
        (clip(three=0.3), room(0.35), (0.42, 3, "word", 2)),
        (clip(two=0.15, three=0.27), room(0.25), (0.42, 3, "word", 3)),
        (clip(), room(0.65), (0.69, 5, "clip", 0)),  # its own end is nearer than any cut, and sure
        (clip(five=0.6), room(0.6, most=0.65), (0.42, 3, "word", 2)),  # its own end is too late
        (clip(), room(0.02, without=-0.2), (0.12, 1, "word", 1)),
        (clip(two=0.06), room(0.02, without=-0.2), (-0.2, 0, "clip", 1)),
        (clip(), room(0.02, tolerance=0.3, without=-0.2), (-0.2, 0, "clip", 0)),
    ],
)
def test_the_nearest_place_that_is_heard_to_part_its_words(given, where, expected):
    assert end_of(given, where) == expected


def test_what_was_heard_is_kept():
    assert find_end(clip(), room(0.25), "word", hear) == End(0.24, 2, Ending("word", 1, "one two", "three four five"))


def test_hearing_says_how_many_words_lie_before():
    """The aligner has "three" where "two" begins, and all others late."""
    found = find_end(clip(two=0.05, three=0.12, four=0.5, five=0.65), room(0.12), "word", hear)
    assert (found.seconds, found.words) == (0.12, 1)


def test_a_pause_within_the_tolerance_is_better_than_a_nearer_word():
    audio = together(whistle("one two", 200.0), silence(0.3), whistle("three four five", 200.0))
    given = clip(audio=audio, three=0.51, four=0.69, five=0.84)  # the pause is from 0.21 to 0.51 s
    assert end_of(given, room(0.2, tolerance=0.2)) == (0.36, 2, "pause", 1)
    assert end_of(given, room(0.2, tolerance=0.1)) == (0.12, 1, "word", 1)
    assert end_of(given, room(0.7, tolerance=0.1), cut="silence") == (0.96, 5, "clip", 0)
    assert end_of(given, room(0.6, tolerance=0.1), cut="silence") == (0.36, 2, "pause", 1)
    assert end_of(given, room(0.6, most=0.3), cut="silence") is None


def test_a_clips_end_is_taken_when_hearing_finds_nothing():
    """Sixteen words, none of which is as given: there are fifteen places to cut."""
    audio = whistle("ab " * 16, 200.0)
    placed = [Word("cd", 0.09 * index, 0.09 * index + 0.06) for index in range(16)]
    given = LastClip(audio, " ".join(["cd"] * 16), placed, whole=True)
    assert end_of(given, room(0.5, without=-0.2)) == (-0.2, 0, "clip", TRIES)
    assert end_of(given, room(0.9, most=1.5)) == (1.44, 16, "clip", TRIES)
    assert end_of(given, room(0.5, most=0.6)) is None  # no clip's end: all six places were heard in vain


def test_more_places_are_heard_where_no_clip_ends():
    """The first nine of the places nearest to 0 are wrong."""
    audio = whistle("ab " * 16, 200.0)
    placed = [Word("ab", 0.09 * index + (0.03 if index < 10 else 0), 0.09 * index + 0.06) for index in range(16)]
    words = ["ab"] * 16
    given = LastClip(audio, " ".join(words), placed, whole=False)
    assert end_of(given, room(0.0)) == (0.9, 10, "word", 10)


def test_sides_are_heard_for_some_seconds_only():
    """Twenty seconds of whistles: 6 s are 200 characters."""
    text = " ".join(f"{number:02d}" for number in range(99)) + " "  # 3 characters, 0.09 s each
    text = (text * 3)[:666]
    audio, lengths = whistle(text, 200.0), []
    placed = [Word(word, 0.09 * index, 0.09 * index + 0.06) for index, word in enumerate(text.split())]

    def listen(audios):
        lengths.extend(audio.seconds for audio in audios)
        return hear(audios)

    found = find_end(LastClip(audio, text, placed, whole=True), room(9.0, most=20.0), "word", listen)
    assert (found.seconds, found.words) == (pytest.approx(9.0), 100)  # in the second of three rounds
    assert lengths == pytest.approx([6.0, 6.0, 2.15, 2.15])


def test_pauses_are_found_in_the_levels():
    one, other = whistle("one two", 200.0), whistle("six", 200.0)  # 0.21 and 0.09 s
    assert pauses(together(one, silence(0.3), other)) == pytest.approx([0.36], abs=0.015)
    assert pauses(together(one, silence(1.0), other)) == pytest.approx([0.41], abs=0.015)  # 0.2 s of it are kept
    assert pauses(together(one, silence(0.08), other)) == []
    assert pauses(together(silence(0.5), one, silence(0.5))) == []
    assert pauses(one) == pauses(silence(1.0)) == []


def test_words_that_were_not_heard_apart_are_not_parted():
    words = [Word("a", 0.0, 0.2), Word("b", 0.2, 0.2), Word("c", 0.3, 0.5)]
    assert between(words) == [0.3]


def test_both_sides_of_a_cut_begin_and_end_without_a_click():
    audio = Audio(np.ones(RATE, np.float32), RATE)
    before, after = cut_at(audio, 0.5), rest_after(audio, 0.5)
    assert (len(before.samples), before.samples[0], before.samples[-1]) == (8000, 1, 0)
    assert (len(after.samples), after.samples[0], after.samples[-1]) == (8000, 0, 1)
    assert audio.samples.min() == 1
