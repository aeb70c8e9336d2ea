"""The three logs in the forms of other programs: the learner's choices, and that the reader sees what was planted."""

import pytest

from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.logs import examples
from rlhf_lessons.exercises.other_logs import DEEPSPEED_LOG, DPO_LOG, GRPO_LOG, PAIRS, POLICY, menu

EXERCISES = {"deepspeed_reward_model": DEEPSPEED_LOG, "trl_dpo": DPO_LOG, "trl_grpo": GRPO_LOG}
MENUS = {"deepspeed_reward_model": PAIRS, "trl_dpo": PAIRS, "trl_grpo": POLICY}
PLANTED = {
    "deepspeed_reward_model": ("reward_model", "held-out"),
    "trl_dpo": ("dpo", "chosen"),
    "trl_grpo": ("grpo", "group"),
}


@pytest.mark.parametrize("name", examples.NAMES)
def test_the_right_number_is_right_and_every_other_one_is_told_what_to_look_at(name, capsys):
    exercise, right = EXERCISES[name], EXERCISES[name].reference(name)
    assert exercise.cases == [(name,)]
    assert exercise.check(lambda log: right)(name) == right
    assert "\nRight, on its case" in capsys.readouterr().out
    for number in {*range(1, len(MENUS[name]) + 1)} - {right}:
        exercise.check(lambda log, number=number: number)
        said = capsys.readouterr().out
        assert "\nNot yet. " in said and "it should give" not in said


def test_a_menu_has_one_numbered_line_a_cause():
    assert menu(POLICY).splitlines()[1] == f"2  {POLICY[1]}"


@pytest.mark.parametrize("name", examples.NAMES)
def test_the_reader_names_first_what_was_planted(name):
    kind, word = PLANTED[name]
    found = diagnose(examples.read(name))
    assert found.kind == kind and found.state != "healthy"
    assert word in str(found.findings[0]).lower()
