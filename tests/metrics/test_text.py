import pytest

from evalkit.text import NORMALIZERS, REMEMBERED, normalizer


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("whisper_english", "Mr. Smith's forty-two colours won't do!", "mister smith is 42 colors will not do"),
        ("whisper_english", "🎉 ?!", ""),
        ("whisper_basic", "Hello, World.", "hello world"),
        ("seed_tts", "It's 42, isn't it — “so”?", "it's 42 isn't it so"),
        ("f5_tts", "It's 42, isn't it — “so”?", "its 42 isnt it so"),
        ("none", "  Hello,   World. ", "Hello, World."),
    ],
)
def test_normalizers(name, text, expected):
    assert normalizer(name)(text) == expected


def test_an_unknown_normalizer_names_the_known():
    with pytest.raises(Exception, match=", ".join(NORMALIZERS)):
        normalizer("loud")


def test_a_text_is_normalised_once_and_only_so_many_are_remembered():
    normalise = normalizer("seed_tts")
    before = normalise.cache_info()
    assert normalise("Said once, said twice.") == normalise("Said once, said twice.") == "said once said twice"
    after = normalise.cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) == (1, 1)
    assert after.maxsize == REMEMBERED
    assert normalizer("seed_tts") is normalise
