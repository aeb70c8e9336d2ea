import numpy as np
import pytest

from rlhf_lessons.labs import five_pairs as lab
from rlhf_lessons.world.cases import case_of, cases_in
from rlhf_lessons.world.rubric import judge


def test_presets_are_values_the_knob_allows(check_lab):
    check_lab(lab)


def test_the_pairs_are_about_train_cases_and_the_rubric_chooses_the_better_answer():
    train = {case.prompt for case in cases_in("train")}
    for pair, choice in zip(lab.rounds(), lab.HABITS["as the rubric"], strict=True):
        assert pair.prompt in train
        first, second = (judge(case_of(pair.prompt), answer).score for answer in (pair.first, pair.second))
        assert choice == ("1" if first > second else "2")


def test_the_better_answer_does_not_always_stand_in_the_same_place():
    assert {"1", "2"} == set(lab.HABITS["as the rubric"])


def test_nothing_chosen_nothing_learned():
    result = lab.compute()
    assert result.words == {} and result.margins == []
    assert [share.value for share in result.ranked_right] == [0.5], "a coin"
    assert str(lab.verdict(result)) == "Too early to say. Choose the better answer; 5 pairs to go."
    assert "no weight for 100% of the words" in lab.text(result)


@pytest.mark.parametrize("habit", lab.HABITS)
def test_five_labels_are_learned_by_heart(habit):
    result = lab.compute(lab.HABITS[habit])
    assert len(result.margins) == 5 and min(result.margins) > 0
    assert lab.verdict(result).figures["own pairs right"] == "5 of 5"
    assert list(result.words.values()) == sorted(result.words.values(), reverse=True)


def test_opposite_choices_make_the_opposite_model():
    right, wrong = (lab.compute(lab.HABITS[habit]) for habit in ("as the rubric", "against the rubric"))
    assert np.allclose(right.weights, -wrong.weights)
    assert right.ranked_right[-1].value == pytest.approx(1 - wrong.ranked_right[-1].value)
    assert [lab.verdict(result).mood for result in (right, wrong)] == ["good", "bad"]
    assert lab.verdict(wrong).figures["chosen as the rubric"] == "0 of 5"


def test_the_first_choices_teach_the_same_whatever_follows():
    short, long = lab.compute("12"), lab.compute("12211")
    assert np.array_equal(short.weights, long.weights[:3])


def test_more_labels_help_and_never_reach_the_best():
    more = lab.exam().more
    assert 0.5 < more[0] < more[-1] < lab.exam().best < 1


def test_interval_and_details_say_what_five_labels_cannot_tell():
    result = lab.compute(lab.HABITS["as the rubric"])
    share = result.ranked_right[-1]
    assert share.low < share.value < share.high < lab.exam().best
    details = lab.text(result)
    assert "never reads the question" in details and details.count("you: ") == 5


@pytest.mark.parametrize("choices", ["3", "121212", "1 2", 12, None])
def test_other_texts_are_refused_in_one_line(choices):
    with pytest.raises(ValueError, match=r"^choices: .* is not allowed; it must be a text of at most 5 digits, each 1"):
        lab.compute(choices)


def test_the_picture_shows_both_models_and_what_more_labels_teach():
    canvas = lab.LAB.canvas()
    canvas.begin()
    lab.draw(lab.compute("12211"), canvas)
    canvas.render()
    margins, shares, words = canvas.panels
    assert {line.get_label() for line in margins.lines} >= {"you", "rubric"}
    assert {line.get_label() for line in shares.lines} >= {"you", "rubric", "people", "coin", "best"}
    shown = [text.get_text() for text in words.texts]
    assert shown[:8] == [*lab.compute("12211").words][:4] + [*lab.compute("12211").words][-4:]


def test_the_code_line_gives_the_same_result():
    panel = lab.show(choices="12211")
    scope: dict = {}
    exec(panel.stage.state["code"], scope)
    assert np.array_equal(scope["result"].weights, panel.result.weights)
