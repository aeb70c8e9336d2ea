from dataclasses import replace

import pytest

from rlhf_lessons import progress
from rlhf_lessons.labs.frame.lab import POINTS, Question, Sketch
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.labs.frame.predictions import judge, read_guess, score, told
from tests.labs.frame.a_line import LAB, QUESTION, SILENT, marks

SHARE = Question("Which share?", float, {}, number_format="{:.0%}")
WAY = Question("Which way?", str, {}, choices=("up", "down"))
CURVE = Question("How does it go?", tuple, {}, sketch=Sketch(0, (0, 9), (-1, 1), "step", "reward"))
FLAT = (0.0,) * POINTS


@pytest.fixture
def panel() -> Panel:
    return Panel(LAB)


def do(panel: Panel, action: str, **given) -> dict:
    """What the page is told of the question after the learner has done something."""
    panel.receive({"do": action, **given})
    return panel.stage.state["question"]


@pytest.mark.parametrize(
    ("question", "typed", "guess"),
    [(SHARE, "0.7", 0.7), (SHARE, " 70% ", 0.7), (SHARE, "-1e-3", -0.001), (WAY, "up ", "up"),
     (CURVE, str(list(FLAT)), FLAT)],
)  # fmt: skip
def test_a_guess_is_read(question, typed, guess):
    assert read_guess(question, typed) == guess


@pytest.mark.parametrize(
    ("question", "typed", "told"),
    [
        *((SHARE, typed, "a number, such as 0.7 or 70%") for typed in ("a lot", "nan", "1e999", "%", "", "1,2,3")),
        (SHARE, "0,7", "write 0.7"),
        (SHARE, "70,5%", "write 70.5%"),
        (WAY, "sideways", "your prediction: 'sideways' is not allowed; it must be one of up, down"),
        *((CURVE, typed, "it is not whole") for typed in ("", "[0]", "7", str([*FLAT[1:], None]).replace("N", "n"))),
        (CURVE, str([*FLAT[1:], "NaN"]).replace("'", ""), "it is not whole"),
    ],
)
def test_what_is_no_guess_is_refused_with_what_is_allowed(question, typed, told):
    with pytest.raises(ValueError) as refusal:
        read_guess(question, typed)
    assert told in str(refusal.value) and ("; write" in str(refusal.value)) == told.startswith("write")


@pytest.mark.parametrize(
    ("question", "guess", "truth", "mark", "sentence"),
    [
        (SHARE, 0.74, 0.7, "right", "You said 74%, it is 70%: right."),
        (SHARE, 0.6, 0.7, "close", "You said 60%, it is 70%: close."),
        (SHARE, 0.9, 0.7, "wrong", "You said 90%, it is 70%: wrong."),
        (WAY, "up", "up", "right", "You said up, it is up: right."),
        (WAY, "up", "down", "wrong", "You said up, it is down: wrong."),
        (CURVE, FLAT, (0.04,) * POINTS, "right", "Your curve is off by 0.04 on average: right."),
        (CURVE, FLAT, (0.1, -0.1) * (POINTS // 2) + (0.1,), "close", "Your curve is off by 0.10 on average: close."),
        (CURVE, FLAT, (1.0,) * POINTS, "wrong", "Your curve is off by 1.00 on average: wrong."),
    ],
)
def test_a_guess_is_right_close_or_wrong(question, guess, truth, mark, sentence):
    assert judge(question, guess, truth) == mark and told(question, guess, truth, mark) == sentence


def test_the_score_counts_all_predictions():
    assert score() == ""
    for number, mark in enumerate(["right", "right", "close", "wrong", ""]):  # one waits for its answer
        progress.keep("prediction", f"06.p{number}", mark=mark)
    assert score() == "Your predictions so far: 2 right, 1 close, 1 wrong."


def test_the_picture_is_veiled_until_the_learner_commits_or_skips(panel):
    assert panel.stage.state["question"]["veiled"] and panel.stage.spec["question"]["text"] == "How steep?"
    assert do(panel, "commit", guess="many")["veiled"] and "'many' is not allowed" in panel.stage.state["message"]
    assert (
        not do(panel, "skip")["veiled"] and panel.settings == panel.first_settings and progress.kept("prediction") == {}
    )
    assert do(panel, "ask")["veiled"]
    found = do(panel, "commit", guess="-0.12")
    score_now = "Your predictions so far: 0 right, 1 close, 0 wrong."
    told = "You said -0.12, it is -0.10: close."
    assert found == {"veiled": False, "told": told, "mark": "close", "score": score_now}
    assert do(panel, "ask") == {"veiled": True, "told": "", "mark": "", "score": score_now}


def test_it_runs_and_judges_what_was_asked_about_whatever_the_knobs_say(panel):
    panel.set(update="both_fixed", n_pairs=5)
    assert "it is -0.10: right" in do(panel, "commit", guess="-0.1")["told"]
    assert panel.settings == panel.first_settings | QUESTION.settings
    panel.set(n_pairs=20)
    assert "it is -0.10: right" in panel.stage.state["question"]["told"] and marks() == ["right"], "judged once"


def test_settings_that_do_not_work_judge_nothing_now_or_later():
    panel = Panel(replace(LAB, question=replace(QUESTION, settings={"n_pairs": 13})))
    assert do(panel, "commit", guess="-0.1")["veiled"] and "thirteen" in panel.stage.state["message"]
    panel.set(n_pairs=12)
    assert progress.kept("prediction") == {} and panel.stage.state["question"]["veiled"]


@pytest.mark.parametrize("action", ["ask", "commit"])
def test_a_lab_without_a_question_says_so_and_veils_nothing(action):
    panel = Panel(SILENT)
    assert do(panel, action, **({"guess": "1"} if action == "commit" else {})) is None
    assert panel.stage.state["message"] == "A line: it asks nothing" and panel.stage.spec["question"] is None


def test_a_drawn_curve_stands_beside_the_truth_that_it_was_drawn_for_and_no_other():
    question = replace(CURVE, answer=lambda result: FLAT, settings={"n_pairs": 10})
    panel = Panel(replace(LAB, question=question))

    def is_drawn() -> bool:
        return any(line.get_label() == "you" and line.get_visible() for line in panel.canvas.panels[0].lines)

    assert panel.stage.spec["question"]["sketch"]["points"] == POINTS and not is_drawn()
    assert do(panel, "commit", guess=str(list(FLAT)))["mark"] == "right" and is_drawn()
    panel.set(n_pairs=20)
    assert not is_drawn()
