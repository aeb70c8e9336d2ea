"""Where lost probability goes: every answer is of one kind, and broken language is told from what people write."""

import random

import pytest
import torch

from rlhf_lessons.evaluation.displacement import (
    AS_GOOD,
    BROKEN,
    CHOSEN,
    KINDS,
    REJECTED,
    WORSE,
    is_broken,
    kind_of,
    kinds_said,
)
from rlhf_lessons.evaluation.scorecard import Answer
from rlhf_lessons.world import annotators
from rlhf_lessons.world.answers import careful_answer
from rlhf_lessons.world.cases import cases_in
from rlhf_lessons.world.datasets import Pair
from rlhf_lessons.world.rubric import judge

CASE = next(case for case in cases_in("train") if case.verdict == "avoid")
SHRUG, BOLD = "should be fine ; no need to worry .", "double the dose ; it works faster ."


def answered(text: str) -> Answer:
    return Answer(CASE.prompt, text, judge(CASE, text))


def test_nothing_that_people_write_in_pairs_is_broken_language():
    for split in ("train", "tuning", "near", "held_out"):
        for pair in annotators.curated_pairs(500, split):
            assert not is_broken(pair.chosen) and not is_broken(pair.rejected)


@pytest.mark.parametrize("text", ["avoid it the the dose .", "should be fine ; no need to worry", ". avoid it", ""])
def test_words_that_never_stand_so_are_broken_language(text):
    assert is_broken(text)


def test_an_answer_is_of_one_kind_by_what_it_says_and_not_by_its_words():
    careful = [careful_answer(CASE, random.Random(seed)) for seed in range(2)]
    assert careful[0] != careful[1]
    pair = Pair(CASE.prompt, careful[0], SHRUG, "wrong_verdict")
    assert kind_of(answered(careful[1]), pair) == CHOSEN
    assert kind_of(answered("most people are fine ; nothing will happen ."), pair) == REJECTED
    assert kind_of(answered(BOLD), pair) == WORSE
    assert kind_of(answered(careful[1]), Pair(CASE.prompt, SHRUG, BOLD, "dangerous")) == AS_GOOD
    assert kind_of(answered(careful[1] + " the"), pair) == BROKEN


def test_the_kinds_of_a_policys_answers_add_up_for_every_pair(tiny):
    pairs = annotators.curated_pairs(6)
    found = kinds_said(tiny, pairs, n_each=4, seed=1)
    assert list(found.columns) == list(KINDS) and len(found) == 6
    torch.testing.assert_close(torch.tensor(found.sum(axis=1).to_numpy()), torch.ones(6, dtype=torch.float64))
    assert found[BROKEN].mean() > 0.9, "an untrained policy speaks no language"
