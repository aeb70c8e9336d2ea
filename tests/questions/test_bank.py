"""The questions that ship."""

import pytest

from rlhf_lessons import reruns
from rlhf_lessons.questions.bank import bank

NOTEBOOKS = [path.stem[:2] for path in reruns.list_notebooks(reruns.NOTEBOOKS)]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_notebook_has_questions_whose_answers_differ_and_are_explained(notebook):
    for question in bank(notebook).quiz:
        answers = [question.right, *(wrong.answer for wrong in question.wrong)]
        assert len(set(answers)) == len(answers) and question.explained.keys() == set(answers)
        assert len(set(question.explained.values())) == len(answers), "each has an explanation of its own"
        assert question.text.endswith(("?", ".", ")")) and all(why[-1] in ".?)" for why in question.explained.values())


def test_the_right_answer_has_no_place_of_its_own():
    places = [list(q.explained).index(q.right) for notebook in NOTEBOOKS for q in bank(notebook).quiz]
    assert set(places) >= {0, 1, 2} and max(map(places.count, set(places))) < 0.6 * len(places)


def test_a_notebook_that_is_none_is_refused():
    with pytest.raises(ValueError, match="notebook: '42' is not allowed; it must be one of 0"):
        bank("42")
