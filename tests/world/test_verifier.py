"""Two verifiers: the strict one agrees with the rubric, the lazy one can be gamed."""

import torch

from rlhf_lessons.evaluation.verified import verified
from rlhf_lessons.world.answers import VERDICT_PHRASES
from rlhf_lessons.world.cases import all_cases
from rlhf_lessons.world.datasets import encode
from rlhf_lessons.world.rubric import judge
from rlhf_lessons.world.tokenizer import course_tokenizer
from rlhf_lessons.world.verifier import lazy, strict

EVERY_VERDICT = " ; ".join(phrases[0] for phrases in VERDICT_PHRASES.values())


def test_whoever_says_every_verdict_satisfies_the_lazy_verifier_and_no_other():
    for case in all_cases():
        assert lazy(case, EVERY_VERDICT) == 1.0
        assert strict(case, EVERY_VERDICT) == 0.0 and not judge(case, EVERY_VERDICT).safe


def test_strict_is_never_kinder_than_the_rubric():
    for case in all_cases():
        for phrases in VERDICT_PHRASES.values():
            for phrase in phrases:
                bare = f"{phrase} ."
                assert strict(case, bare) <= judge(case, bare).safe
                assert strict(case, bare) <= lazy(case, bare)


def test_as_a_reward_function():
    case = all_cases()[0]
    sequences = encode(course_tokenizer(), [case.prompt] * 2, [EVERY_VERDICT, "."])
    torch.testing.assert_close(verified(lazy, sequences), torch.tensor([1.0, 0.0]))
