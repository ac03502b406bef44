from evalkit.errors import SynthesisError
from evalkit.pipeline.attempts import Clock, Failure, answers


def halves(numbers):
    """Answers with half of each number; an odd one makes it raise, a zero makes it end early."""
    for number in numbers:
        if number == 0:
            return
        if number % 2:
            raise SynthesisError(f"{number} is odd")
        yield number // 2


def test_a_failure_is_about_the_first_item_without_an_answer():
    got = list(answers(halves, [2, 3, 4, 5, 7, 8], Clock()))
    assert got == [
        1,
        Failure("SynthesisError", "3 is odd"),
        2,
        Failure("SynthesisError", "5 is odd"),
        Failure("SynthesisError", "7 is odd"),
        4,
    ]


def test_a_model_that_ends_early_fails_one_item_and_is_asked_for_the_rest():
    early = Failure("SynthesisError", "the model ended before every item was answered")
    assert list(answers(halves, [2, 0, 4], Clock())) == [1, early, 2]


def test_a_model_that_fails_before_its_first_answer_fails_each_item():
    def refuses(items):
        raise SynthesisError(f"no {items[0]}")

    assert [failure.message for failure in answers(refuses, ["a", "b"], Clock())] == ["no a", "no b"]


def test_no_items_are_no_calls():
    assert list(answers(halves, [], Clock())) == []
