from evalkit.reports.labels import labels
from evalkit.trial import Trial


def trial(version="1", **settings):
    return Trial.of("tone", {key.replace("__", "."): value for key, value in settings.items()}, version)


def test_a_label_has_what_varies_by_the_last_part_of_its_name():
    trials = [
        trial(prompt__seconds=seconds, engine__top_k=top, engine__x=1) for seconds in (3.0, 8.5) for top in (1, None)
    ]
    assert list(labels(trials).values()) == [
        "seconds=3, top_k=1", "seconds=3, top_k=null", "seconds=8.5, top_k=1", "seconds=8.5, top_k=null",
    ]  # fmt: skip


def test_last_parts_that_two_settings_share_are_told_apart():
    trials = [trial(prompt__cut="word", engine__cut=1), trial(prompt__cut="hard", engine__cut=2)]
    assert list(labels(trials).values()) == ["prompt.cut=word, engine.cut=1", "prompt.cut=hard, engine.cut=2"]


def test_long_values_lose_their_middle_and_those_that_are_alike_then_have_their_id():
    first, second = trial(engine__dir="a" * 30 + "1" + "a" * 30), trial(engine__dir="a" * 30 + "2" + "a" * 30)
    other = trial(engine__dir="b")
    assert labels([first, second, other]) == {
        first.id: f"dir=aaaaaaaaa ... aaaaaaaaa ({first.id})",
        second.id: f"dir=aaaaaaaaa ... aaaaaaaaa ({second.id})",
        other.id: "dir=b",
    }


def test_one_trial_is_called_by_its_id():
    alone = trial(engine__x=1)
    assert labels([alone]) == {alone.id: alone.id}
