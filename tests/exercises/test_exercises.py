"""Every exercise knows the mistakes it claims to know, and stops a learner's *Run All* in a strict run alone."""

import copy
import importlib
import pkgutil
import re

import pytest
import torch

from rlhf_lessons import exercises, progress, reruns
from rlhf_lessons.exercises.exercise import STRICT_VARIABLE, Exercise, NotSolved, same

EXERCISES = exercises.all_exercises()
MISTAKES = [(name, number) for name, each in EXERCISES.items() for number in range(len(each.mistakes))]
SOURCES = {path.stem[:2]: path.read_text("utf-8") for path in (reruns.NOTEBOOKS / "sources").glob("*.md")}

each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)


def last_line(capsys) -> str:
    return capsys.readouterr().out.rstrip().rpartition("\n")[2]


def test_each_is_the_variable_that_its_name_says():
    for found in pkgutil.iter_modules(exercises.__path__):
        module = importlib.import_module(f"{exercises.__name__}.{found.name}")
        for variable, value in vars(module).items():
            if isinstance(value, Exercise):
                assert re.fullmatch(r"0[1-9]\.[a-z0-9_]+", value.name) and value.name[3:].upper() == variable


def test_each_stands_once_in_its_notebook_under_its_decorator():
    for name in EXERCISES:
        assert SOURCES[name[:2]].count(f"@{name[3:].upper()}.check\n") == 1, name


@pytest.mark.parametrize(("name", "number"), MISTAKES)
def test_a_known_mistake_is_named(name, number, capsys):
    exercise = EXERCISES[name]
    mistake = exercise.mistakes[number]
    used = exercise.check(mistake.gives)
    assert used is exercise.reference
    assert capsys.readouterr().out.endswith(f"\nNot yet. {mistake.advice}\n")
    assert progress.find("exercise", name)["state"] == "mistake named"


@each_exercise
def test_each_mistake_can_be_computed_from_every_case(exercise):
    for inputs in exercise.cases:
        for mistake in exercise.mistakes:
            assert mistake.gives(*copy.deepcopy(inputs)) is not None


@each_exercise
def test_each_mistake_has_a_message_of_its_own(exercise):
    assert len({mistake.advice for mistake in exercise.mistakes}) == len(exercise.mistakes) >= 2


@each_exercise
def test_the_reference_is_right_and_its_twin_is_kept(exercise, capsys):
    def attempt(*inputs):
        return exercise.reference(*inputs)

    assert exercise.check(attempt) is attempt
    assert "\nRight, on " in capsys.readouterr().out
    assert progress.find("exercise", exercise.name)["state"] == "right"


@each_exercise
def test_left_undone_the_reference_stands_in_and_says_where_help_is(exercise, capsys):
    assert exercise.check(lambda *inputs: None) is exercise.reference
    said = capsys.readouterr().out
    assert said.startswith("★") and exercise.task in said
    assert "Not done yet" in said and f"{exercise.name[3:].upper()}.hint(1)" in said


@each_exercise
def test_a_blank_copy_takes_nothing_back(exercise):
    exercise.check(lambda *inputs: exercise.reference(*inputs))
    exercise.check(lambda *inputs: None)
    assert progress.find("exercise", exercise.name)["state"] == "right"


@each_exercise
def test_what_stops_is_told_and_stops_nothing_else(exercise, capsys):
    assert exercise.check(lambda *inputs: 1 / 0) is exercise.reference
    assert last_line(capsys) == "Not yet: it stops with ZeroDivisionError: division by zero"


@each_exercise
def test_an_unknown_wrong_answer_is_shown_beside_the_right_one(exercise, capsys):
    assert exercise.check(lambda *inputs: 123.456) is exercise.reference
    assert "it gives 123.456; it should give" in last_line(capsys)


@each_exercise
def test_a_strict_run_ends_where_one_is_undone_or_wrong(exercise, monkeypatch):
    monkeypatch.setenv(STRICT_VARIABLE, "1")
    with pytest.raises(NotSolved, match=rf"exercise {exercise.name}: undone\. Not done yet"):
        exercise.check(lambda *inputs: None)
    with pytest.raises(NotSolved, match=f"exercise {exercise.name}: wrong"):
        exercise.check(lambda *inputs: 123.456)
    with pytest.raises(NotSolved, match=f"exercise {exercise.name}: mistake named"):
        exercise.check(exercise.mistakes[0].gives)
    assert exercise.check(exercise.reference) is exercise.reference


@each_exercise
def test_hints_and_the_solution_are_there_for_the_asking(exercise, capsys):
    for number, text in enumerate(exercise.hints, start=1):
        exercise.hint(number)
        assert text in capsys.readouterr().out
    assert exercise.hints
    with pytest.raises(ValueError, match=f"hints 1 to {len(exercise.hints)}"):
        exercise.hint(len(exercise.hints) + 1)
    exercise.reveal()
    assert "def " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        (0.50001, 0.5, True),
        (0.51, 0.5, False),
        ([1.0, 2.0], [1.0, 2.0], True),
        ([1.0], 1.0, False),
        ([True, False], [1, 0], True),
        ("word", 1.0, False),
        ("word", "word", True),
        (1.0, "word", False),
        ([[1.0], [2.0, 3.0]], 1.0, False),
        ([[1.0], [2.0, 3.0]], ([1.0], [2.0, 3.0]), True),
        ([[1.0], [2.0, 4.0]], [[1.0], [2.0, 3.0]], False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"b": 1}, {"a": 1}, False),
        (1, {"a": 1}, False),
        (torch.tensor([1.0, 2.0]), [1.0, 2.0], True),
        ([1.0, 2.0], torch.tensor([[1.0, 2.0]]), False),
        ((torch.tensor([1.0, 2.0]), 3), ([1.0, 2.0], 3.0), True),
        (torch.tensor([1.0, 2.0]), 1.0, False),
        (float("nan"), float("nan"), True),
        (float("nan"), 1.0, False),
        ([None], [1.0], False),
    ],
)
def test_answers_agree_in_shape_and_to_the_fourth_decimal(given, wanted, expected):
    assert same(given, wanted) is expected


def test_numbers_are_shown_in_six_digits_and_tensors_as_lists(capsys):
    def thirds(x):
        return [x / 3]

    def halves(x):
        return x / 2

    Exercise("01.thirds", 1, 1, "Thirds.", thirds, [(torch.tensor([1.0, 2.0]),)], hints=["3"]).check(halves)
    assert last_line(capsys) == (
        "Not yet: for the inputs [1.0, 2.0] it gives [0.5, 1.0]; it should give [[0.333333, 0.666667]]."
    )


def test_nothing_returned_for_a_later_case_is_wrong_not_undone(capsys):
    def root(x):
        return x**0.5

    exercise = Exercise("01.root", 1, 1, "The root.", root, [(4.0,), (0.0,)], hints=["2"])
    exercise.check(lambda x: root(x) or None)
    assert last_line(capsys) == "Not yet: for the inputs 0.0 it gives None; it should give 0.0."
    assert progress.find("exercise", "01.root")["state"] == "wrong"
