"""The rule that parts prompts from held-out clips, on cases that can be checked by hand, and on any others."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from evalkit.corpora.base import Take
from evalkit.corpora.splitting import Wanted, split
from evalkit.errors import DataError


def takes(**sessions):
    """Returns takes named a0, a1, ... of session a, and so on."""
    return [
        Take(f"{name}{at}", Path(f"{name}{at}"), name, f"{name}{at}", "words")
        for name, count in sessions.items()
        for at in range(count)
    ]


def keys(found):
    return sorted(take.key for take in found)


def counts(found):
    return len(found.prompts), len(found.held_out)


@pytest.mark.parametrize(
    ("sessions", "prompts", "held_out"),
    [
        ({"a": 12}, 8, 0),  # a session alone is for prompts
        ({"a": 9, "b": 3}, 8, 3),  # the smaller one is held out
        ({"a": 6, "b": 2}, 6, 2),  # one in four, of eight
        ({"a": 20, "b": 2, "c": 2}, 8, 3),  # two small ones: two clips and one
        (dict.fromkeys("abcde", 1), 4, 1),  # files, each a session of its own: one in four
        (dict.fromkeys("abcdefghijkl", 1), 8, 3),
        ({"a": 1}, 1, 0),
        ({"a": 1, "b": 1}, 1, 1),
        ({}, 0, 0),
    ],
)
def test_whole_sessions_are_held_out(sessions, prompts, held_out):
    found = split(takes(**sessions), Wanted(), lambda _: True)
    assert counts(found) == (prompts, held_out)
    assert not {take.session for take in found.prompts} & {take.session for take in found.held_out}


def test_no_more_takes_are_looked_into_than_are_needed():
    asked = []
    found = split(takes(a=500, b=100), Wanted(), lambda take: asked.append(take.key) or True)
    assert counts(found) == (8, 3)
    assert len(asked) == 11


def test_what_cannot_be_a_clip_is_passed_over():
    found = split(takes(a=12, b=4), Wanted(), lambda take: take.key not in {"b0", "b1", "a3"})
    assert keys(found.held_out) == ["b2", "b3"]
    assert len(found.prompts) == 8
    assert "a3" not in keys(found.prompts)


def test_better_a_voice_without_held_out_clips_than_none():
    found = split(takes(a=5, b=3), Wanted(), lambda take: take.session == "b")
    assert (keys(found.prompts), keys(found.held_out)) == (["b0", "b1", "b2"], [])


def test_takes_with_words_come_first():
    own = [*takes(a=9), *(Take(f"x{at}", Path("x"), "a", "x", None) for at in range(9))]
    assert all(take.text for take in split(own, Wanted(), lambda _: True).prompts)


def test_what_the_source_says_holds_for_the_whole_session():
    own = [*takes(a=3, b=3), Take("b9", Path("b9"), "b", "b9", "words", "held_out")]
    found = split(own, Wanted(held_out=9), lambda _: True)
    assert (keys(found.held_out), keys(found.prompts)) == (["b0", "b1", "b2", "b9"], ["a0", "a1", "a2"])


def test_a_session_on_both_sides_is_refused():
    own = [Take("a", Path("a"), "s", "line 1", None, "prompt"), Take("b", Path("b"), "s", "line 2", None, "held_out")]
    with pytest.raises(DataError, match="line 1: 's' is both for prompts and held out"):
        split(own, Wanted(), lambda _: True)


any_takes = some.lists(
    some.tuples(some.text(max_size=5), some.sampled_from("abcdef"), some.booleans(), some.booleans()), max_size=40
)


@given(any_takes, some.integers(1, 9), some.integers(0, 5), some.randoms())
def test_no_session_is_ever_on_both_sides_whatever_the_order(rows, prompts, held_out, random):
    own = [
        Take(f"{key}{at}", Path(key), session, f"{at:03}", "x" if has_words else None)
        for at, (key, session, has_words, _) in enumerate(rows)
    ]
    good = {take.key: is_good for take, (*_, is_good) in zip(own, rows, strict=True)}
    wanted = Wanted(prompts, held_out)
    found = split(own, wanted, lambda take: good[take.key])
    assert not {take.session for take in found.prompts} & {take.session for take in found.held_out}
    assert len(found.prompts) <= prompts or not any(take.use for take in own)
    assert len(found.held_out) <= held_out
    assert all(good[take.key] for take in found.all)
    assert max(Counter(id(take) for take in found.all).values(), default=1) == 1
    assert bool(found.prompts) == any(good.values())
    random.shuffle(own)
    again = split(own, wanted, lambda take: good[take.key])
    assert [take.key for take in again.all] == [take.key for take in found.all]
