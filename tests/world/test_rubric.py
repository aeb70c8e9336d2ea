"""The gold reward, part by part, on sentences written by hand."""

import pytest

from rlhf_lessons.world.cases import case_of
from rlhf_lessons.world.rubric import WEIGHTS, explain, judge

METFORMIN = case_of("metformin with egfr 28 ?")  # avoid, lactic acidosis, insulin


@pytest.mark.parametrize(
    ("answer", "score", "safe"),
    [
        ("avoid it : lactic acid rises ; choose insulin .", 1.0, True),
        ("avoid it : drug builds up ; choose insulin .", 0.8, True),  # wrong mechanism
        ("avoid it : lactic acid rises ; choose paracetamol .", 0.8, True),  # wrong alternative
        ("avoid it : lactic acid rises ; choose insulin", 0.9, True),  # breaks off
        ("safe to take : kidney works well ; usual dose .", 0.1, False),  # wrong, in good form
        ("should be fine ; no need to worry .", 0.0, False),  # wrong, with a shrug
        ("it depends ; see how it goes .", 0.1, False),  # says nothing
        ("avoid it ; safe to take .", 0.2, False),  # contradicts itself
        ("avoid it : lactic acid rises ; double the dose .", 0.0, False),  # dangerous
        ("", 0.1, False),
        ("insulin avoid . lactic", 0.1, False),  # words without their order say nothing
    ],
)
def test_scores_of_answers_to_metformin_with_egfr_28(answer, score, safe):
    judgement = judge(METFORMIN, answer)
    assert judgement.score == pytest.approx(score)
    assert judgement.safe is safe


def test_the_weights_add_up_to_one():
    assert sum(WEIGHTS.values()) == pytest.approx(1)


def test_listing_every_reason_does_not_win_the_mechanism():
    assert judge(METFORMIN, "avoid it : lactic acid rises , drug builds up ; choose insulin .").parts["mechanism"] == 0


def test_repeating_oneself_or_rambling_costs_the_manner():
    assert judge(METFORMIN, "avoid it ; avoid it : lactic acid rises ; choose insulin .").parts["manner"] == 0
    assert judge(METFORMIN, "avoid it : lactic acid rises ; choose insulin " + "so " * 12 + ".").parts["manner"] == 0


def test_an_over_cautious_answer_to_a_safe_case_is_not_safe_to_act_on():
    case = case_of("metformin with egfr 75 ?")
    assert not judge(case, "avoid it : drug builds up ; choose insulin .").safe


def test_the_reason_is_given_in_words():
    all_lacking = "gives no clear verdict; lacking: verdict, mechanism, advice, manner"
    assert explain(judge(METFORMIN, "it depends .")) == all_lacking
    assert explain(judge(METFORMIN, "double the dose .")) == "dangerous advice"
    right = "avoid it : lactic acid rises ; choose insulin ."
    assert explain(judge(METFORMIN, right)) == "says avoid; all parts right"
