"""Predictions and quizzes: what the panel takes, keeps and says, live and on a page."""

import re

import pytest
from IPython.display import DisplayHandle

from rlhf_lessons import progress, questions
from rlhf_lessons.labs.frame import stage
from rlhf_lessons.questions import asked
from rlhf_lessons.questions.asked import Asking
from rlhf_lessons.questions.bank import Bank, Prediction

QUIZ = {
    "text": "Which way does the loss go?",
    "right": "down",
    "why": "It is minimised.",
    "wrong": [{"answer": "up", "why": "Then the sign is turned."}, {"answer": "nowhere", "why": "Then nothing moves."}],
}
WORDS = {
    "predictions": {
        "loss": {"text": "Where does it end?", "unit": "nats", "within": 0.1, "why": "So it is."},
        "share": {"text": "Which share?", "unit": "%", "within": 5},
        "way": {"text": "Which way?", "choices": ["up", "down"]},
    },
    "quiz": [QUIZ] * 3,
}


@pytest.fixture(autouse=True)
def own_bank(monkeypatch):
    """A notebook 42 with questions of its own, and a session that has asked nothing."""
    monkeypatch.setattr(questions, "bank", lambda notebook: Bank.model_validate(WORDS))
    monkeypatch.setattr(questions, "_ASKED", {})


def say(panel: Asking, text: object, item: object = 0) -> dict:
    panel.receive({"item": item, "text": text})
    return panel.view.state["items"][item if isinstance(item, int) else 0]


@pytest.mark.parametrize(
    ("name", "text", "truth", "mark", "told"),
    [
        ("loss", "0.5", 0.45, "right", "You said 0.5 nats, it is 0.45 nats: right. So it is."),
        ("share", "70", 0.47, "wrong", "You said 70 %, it is 47 %: wrong."),
        ("share", " 60%", 0.5, "close", "You said 60 %, it is 50 %: close."),
        ("way", "up", "up", "right", "You said up, it is up: right."),
        ("way", "up", "down", "wrong", "You said up, it is down: wrong."),
    ],
)
def test_a_prediction_is_kept_and_told_beside_what_was_measured(name, text, truth, mark, told, capsys):
    panel = questions.predict(f"42.{name}")
    assert say(panel, text)["told"] == "Kept. A cell further down measures it."
    assert progress.find("prediction", f"42.{name}")["given"] == text.strip()
    questions.measured(f"42.{name}", truth)
    assert capsys.readouterr().out == f"{told}\n"
    assert panel.view.state["items"] == [{"given": text.strip(), "mark": mark, "told": told, "refused": ""}]
    assert progress.find("prediction", f"42.{name}")["mark"] == mark


def test_without_a_prediction_the_answer_is_told_all_the_same(capsys):
    questions.measured("42.share", 0.47)
    assert capsys.readouterr().out == "Predict first, answered: 47 %.\n"
    assert progress.kept("prediction") == {}


def test_a_mind_may_change_until_the_answer_is_known():
    panel = questions.predict("42.loss")
    say(panel, "1")
    assert say(panel, "2")["given"] == "2"
    questions.measured("42.loss", 1)
    assert say(panel, "1") == {
        "given": "2",
        "mark": "wrong",
        "told": "You said 2 nats, it is 1 nats: wrong. So it is.",
        "refused": "your prediction: it stands; the answer is known",
    }


def test_who_ran_all_first_can_still_answer():
    panel = questions.predict("42.loss")
    questions.measured("42.loss", 1)
    assert say(panel, "1.05")["mark"] == "right"


def test_to_see_a_prediction_again_does_not_take_its_mark_away():
    say(questions.predict("42.loss"), "1")
    questions.measured("42.loss", 1)
    assert questions.predict("42.loss").view.state["items"][0]["told"] == "Kept. A cell further down measures it."
    assert progress.find("prediction", "42.loss")["mark"] == "right"


def test_what_is_measured_is_told_in_the_panel_that_asked(monkeypatch):
    panel = questions.predict("42.loss")
    monkeypatch.setattr(questions, "Asking", None)  # no second one is made
    questions.measured("42.loss", 1)
    assert panel.view.state["items"][0]["told"] == "Predict first, answered: 1 nats. So it is."


def test_a_prediction_is_there_again_in_the_next_session_unless_its_question_has_changed(monkeypatch):
    say(questions.predict("42.way"), "up")
    say(questions.predict("42.loss"), "2")
    monkeypatch.setattr(questions, "_ASKED", {})
    assert questions.predict("42.loss").view.state["items"][0]["given"] == "2"
    changed = WORDS | {"predictions": {"way": {"text": "Which way?", "choices": ["left", "right"]}}}
    monkeypatch.setattr(questions, "bank", lambda notebook: Bank.model_validate(changed))
    assert questions.predict("42.way").view.state["items"][0] == {"given": "", "mark": "", "told": "", "refused": ""}


@pytest.mark.parametrize(
    ("name", "text", "refused"),
    [
        ("loss", "much", "your prediction: 'much' is not allowed; it must be a number"),
        ("loss", "", "your prediction: '' is not allowed"),
        ("way", "left", "your prediction: 'left' is not allowed; it must be one of up, down"),
    ],
)
def test_what_is_no_answer_is_refused_in_one_line(name, text, refused):
    found = say(questions.predict(f"42.{name}"), text)
    assert refused in found["refused"] and "\n" not in found["refused"] and found["given"] == ""
    assert progress.kept("prediction") == {}


def test_a_truth_that_is_none_of_the_choices_is_a_fault_of_the_notebook():
    with pytest.raises(ValueError, match=r"the answer to 42\.way: 'left' is not allowed; it must be one of up, down"):
        questions.measured("42.way", "left")
    with pytest.raises(ValueError, match="prediction: 'nothing' is not allowed"):
        questions.predict("42.nothing")


def test_each_answer_of_a_quiz_is_explained_and_may_be_given_again():
    panel = questions.quiz("42")
    for answer, mark, told in (
        ("up", "wrong", "Wrong. Then the sign is turned."),
        ("nowhere", "wrong", "Wrong. Then nothing moves."),
        ("down", "right", "Right. It is minimised."),
    ):
        assert say(panel, answer, item=2) == {"given": answer, "mark": mark, "told": told, "refused": ""}
    assert progress.kept("quiz").keys() == {"42.3"} and progress.find("quiz", "42.3")["mark"] == "right"
    assert "it must be one of" in say(panel, "", item=0)["refused"]
    assert questions.quiz("42").view.state["items"][2]["given"] == "down"


def test_on_a_page_question_and_answer_stand_without_a_kernel(monkeypatch):
    shown: list[dict] = []

    def display(bundle, display_id=False, **_):
        shown.append(bundle)
        return DisplayHandle() if display_id else None

    monkeypatch.setattr(stage, "display", display)
    monkeypatch.setattr(DisplayHandle, "update", lambda self, bundle, **_: shown.append(bundle))
    questions.predict("42.share")._ipython_display_()
    assert "<p>Which share?</p><details><summary>Answer</summary>A cell further down" in shown[-1]["text/html"]
    questions.measured("42.share", 0.47)
    assert "<summary>Answer</summary>Predict first, answered: 47 %.</details>" in shown[-1]["text/html"]
    page = questions.quiz("42").page
    assert page.count("<details>") == 3 and "<i>up</i> Wrong. Then the sign is turned." in page
    assert 'class="rlhf-asked" aria-label="Quiz"' in page
    assert 'class: "rlhf-ask"' in asked.SCRIPT and asked.HIDES in page
    assert {*re.findall(r"rlhf-\w+", asked.HIDES)} == {"rlhf-ask", "rlhf-asked"}


@pytest.mark.parametrize(
    "words", [{"text": "Which?"}, {"text": "Which?", "within": 1, "choices": ["a", "b"]}, {"text": "?", "within": 1}]
)
def test_a_prediction_has_one_kind_of_answer(words):
    with pytest.raises(ValueError, match=r"choices, or a number|at least 2 characters"):
        Prediction.model_validate(words)
