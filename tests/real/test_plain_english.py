import pytest

from rlhf_lessons.real import plain_english as english
from rlhf_lessons.world.cases import all_cases


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("metformin with egfr 28 ?", "Can metformin be taken with an eGFR of 28?"),
        ("warfarin with ibuprofen ?", "Can warfarin be taken with ibuprofen?"),
        ("codeine with cyp2d6 poor metaboliser ?", "Can codeine be taken with poor CYP2D6 metabolism?"),
    ],
)
def test_a_prompt_is_a_question(prompt, asked):
    assert english.question(prompt) == asked


def test_no_two_cases_ask_the_same():
    assert len({english.question(case.prompt) for case in all_cases()}) == len(all_cases())


def test_an_answer_is_a_sentence():
    assert english.sentence("avoid it : acid builds up .") == "Avoid it: acid builds up."
    assert english.sentence("") == ""


def test_a_conversation_has_an_answer_or_waits_for_one():
    roles = [[message["role"] for message in english.conversation("Why?", answer)] for answer in ("", "So.")]
    assert roles == [["system", "user"], ["system", "user", "assistant"]]
