"""Each wrong answer to "name that fault" gets its own advice."""

import pytest

from rlhf_lessons.diagnostics.doctor import signs
from rlhf_lessons.diagnostics.doctor.fault_bank import FAULTS
from rlhf_lessons.diagnostics.findings import HEALTHY
from rlhf_lessons.exercises import diagnosis


@pytest.fixture
def exercise(patient):
    return diagnosis.name_that_fault(patient("saturated head"))


def number(name):
    return diagnosis.NAMES.index(name) + 1


def test_the_reference_is_right_and_undone_falls_back_to_it(exercise, capsys):
    (report,) = exercise.cases[0]
    assert diagnosis.NAMES[exercise.reference(report) - 1] == "saturated head"
    assert exercise.check(lambda report: None) is exercise.reference
    assert "Not done yet" in capsys.readouterr().out
    exercise.check(lambda report: number("saturated head"))
    assert "Right" in capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "saturated head"])
def test_every_wrong_cause_is_answered_by_what_it_would_show(exercise, name, capsys):
    exercise.check(lambda report: number(name))
    advice = signs.CONFUSIONS.get(("saturated head", name), signs.SIGNS[name])
    assert advice in capsys.readouterr().out


def test_confusions_and_signs_name_faults_of_the_bank():
    assert set(signs.SIGNS) == {*FAULTS, HEALTHY}
    assert {name for pair in signs.CONFUSIONS for name in pair} <= set(FAULTS)


def test_the_menu_numbers_all_causes():
    assert len(diagnosis.menu().splitlines()) == len(FAULTS)
