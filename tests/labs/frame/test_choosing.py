"""The learner chooses between two answers, round after round."""

import random

import pytest

from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.controls import Choices, Control, as_text
from rlhf_lessons.labs.frame.lab import Lab, Round, Verdict
from rlhf_lessons.labs.frame.panel import Panel

KNOB = Choices("choices", meaning="What you chose.", rounds=2)


def compute(choices: str = "") -> str:
    return choices


def draw(result: str, canvas: Canvas) -> None:
    canvas.axis(0, "Chosen", "round", "answer", (0, 3), (0, 3))
    canvas.curve(0, "you", range(1, 1 + len(result)), [int(digit) for digit in result], "own")


LAB = Lab(
    title="Two rounds",
    compute=compute,
    draw=draw,
    verdict=lambda result: Verdict("told", "open", {}, result),
    canvas=lambda: Canvas(1),
    ranges={"choices": KNOB},
    presets={"the first": {"choices": "11"}},
    rounds=lambda _: [Round("Well?", "yes", "no"), Round("Sure?", "quite", "hardly")],
)


@pytest.fixture
def panel() -> Panel:
    return Panel(LAB)


def test_the_page_knows_the_rounds_and_how_many_there_are(panel):
    (spec,) = panel.stage.spec["knobs"]
    assert spec["kind"] == "choose" and spec["stops"] == ["11", "12", "21", "22"]
    assert panel.stage.state["rounds"][1] == {"prompt": "Sure?", "first": "quite", "second": "hardly"}


def test_choices_are_made_and_taken_back(panel):
    for said in ("2", "21", "2", ""):
        panel.receive({"do": "type", "knob": "choices", "text": said, "n": 1})
        assert panel.result == said == panel.stage.state["knobs"]["choices"]["text"]
        assert panel.stage.state["message"] == "" and panel.stage.errors == []


def test_presets_and_surprises_choose_in_all_rounds(panel):
    panel.receive({"do": "preset", "name": "the first", "n": 1})
    assert panel.result == "11"
    control, dice = Control(KNOB, ""), random.Random(0)
    for _ in range(9):
        control.set(control.random_stop(dice))
        assert len(control.value) == 2


@pytest.mark.parametrize("said", ["3", "121", "a", "1\n"])
def test_anything_else_is_refused_in_one_line(panel, said):
    with pytest.raises(
        ValueError, match=r"choices: .* is not allowed; it must be a text of at most 2 digits, each 1 or"
    ):
        panel.set(choices=said)


def test_digits_are_no_numbers_of_pairs():
    assert as_text("12") == "12" and as_text("pairs_2000") == "2,000 pairs"
