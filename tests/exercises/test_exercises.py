"""Every exercise knows the mistakes it claims to know, and never stops a learner's *Run All*."""

import importlib
import pkgutil

import pytest

from rlhf_lessons import exercises
from rlhf_lessons.exercises.exercise import same

MODULES = [importlib.import_module(f"{exercises.__name__}.{m.name}") for m in pkgutil.iter_modules(exercises.__path__)]
EXERCISES = {module.__name__.split(".")[-1]: module.EXERCISE for module in MODULES if hasattr(module, "EXERCISE")}
MISTAKES = [(name, number) for name, e in EXERCISES.items() for number in range(len(e.mistakes))]

each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)


def test_each_notebook_from_01_has_an_exercise():
    assert EXERCISES.keys() >= {"pretraining", "sft", "reward_failure", "preference", "ppo"}


@pytest.mark.parametrize(("name", "number"), MISTAKES)
def test_a_known_mistake_is_named(name, number, capsys):
    exercise = EXERCISES[name]
    mistake = exercise.mistakes[number]
    used = exercise.check(mistake.gives)
    assert used is exercise.reference
    assert capsys.readouterr().out == f"Not yet. {mistake.advice}\n"


@each_exercise
def test_the_reference_is_right_and_its_twin_is_kept(exercise, capsys):
    def attempt(*inputs):
        return exercise.reference(*inputs)

    assert exercise.check(attempt) is attempt
    assert capsys.readouterr().out.startswith("Right")


@each_exercise
def test_left_undone_the_reference_stands_in(exercise, capsys):
    assert exercise.check(lambda *inputs: None) is exercise.reference
    assert "Not done yet" in capsys.readouterr().out


@each_exercise
def test_an_unknown_wrong_answer_is_shown_beside_the_right_one(exercise, capsys):
    assert exercise.check(lambda *inputs: 123.456) is exercise.reference
    assert "it gives 123.456; it should give" in capsys.readouterr().out


@each_exercise
def test_hints_and_the_solution_are_there_for_the_asking(exercise, capsys):
    for number, text in enumerate(exercise.hints, start=1):
        exercise.hint(number)
        assert text in capsys.readouterr().out
    with pytest.raises(ValueError, match=f"hints 1 to {len(exercise.hints)}"):
        exercise.hint(len(exercise.hints) + 1)
    exercise.reveal()
    assert f"def {exercise.reference.__name__}(" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        (0.50001, 0.5, True),
        (0.51, 0.5, False),
        ([1.0, 2.0], [1.0, 2.0], True),
        ([1.0], 1.0, False),
        ([True, False], [1, 0], True),
        ("word", 1.0, False),
        ([[1.0], [2.0, 3.0]], 1.0, False),
    ],
)
def test_answers_agree_in_shape_and_to_the_fourth_decimal(given, wanted, expected):
    assert same(given, wanted) is expected
