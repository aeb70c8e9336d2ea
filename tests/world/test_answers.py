"""The grammar writes what it says it writes; the rubric, which reads the same tables, is the judge."""

import random

import pytest

from rlhf_lessons.world.answers import CORPUS_MIX, KINDS, careful_answer, careless_answer, draw_kind
from rlhf_lessons.world.cases import all_cases
from rlhf_lessons.world.rubric import judge


def test_careful_answers_are_perfect_in_every_wording():
    rng = random.Random(0)
    for case in all_cases():
        for _ in range(5):
            text = careful_answer(case, rng)
            judgement = judge(case, text)
            assert judgement.score == 1 and judgement.safe and judgement.right, (case.prompt, text)


@pytest.mark.parametrize("kind", KINDS)
def test_careless_answers_are_worse_and_only_a_wrong_mechanism_is_safe_to_act_on(kind):
    rng = random.Random(0)
    for case in all_cases():
        judgement = judge(case, careless_answer(case, kind, rng))
        assert judgement.score <= 0.85
        assert judgement.safe == (kind == "wrong_mechanism"), (case.prompt, kind)


def test_a_case_is_answered_in_many_words_so_that_no_template_wins():
    rng, case = random.Random(0), all_cases()[0]
    assert len({careful_answer(case, rng) for _ in range(300)}) > 40


def test_wrong_verdicts_come_in_the_careful_form_too():
    rng = random.Random(0)
    texts = [careless_answer(case, "wrong_verdict", rng) for case in all_cases()]
    hedged = [judge(case, text).hedged for case, text in zip(all_cases(), texts, strict=True)]
    assert 0.35 < sum(hedged) / len(hedged) < 0.65


def test_answers_fit_the_limit_of_the_sampler():
    rng = random.Random(0)
    longest = max(len(careful_answer(case, rng).split()) for case in all_cases() for _ in range(20))
    assert longest + 1 <= 16  # with eos


def test_kinds_are_drawn_by_their_weights():
    rng = random.Random(0)
    drawn = [draw_kind(CORPUS_MIX, rng) for _ in range(4000)]
    for kind, weight in CORPUS_MIX.items():
        assert drawn.count(kind) / 4000 == pytest.approx(weight, abs=0.03)


@pytest.mark.parametrize("mix", [{}, {"rude": 1.0}, {"vague": -1.0}, {"vague": 0.0}])
def test_a_wrong_mix_is_refused_by_name(mix):
    with pytest.raises(ValueError, match=r"mix: .* is not allowed; it must give weights"):
        draw_kind(mix, random.Random(0))


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(ValueError, match=r"kind: 'rude' is not allowed; it must be one of vague"):
        careless_answer(all_cases()[0], "rude", random.Random(0))
