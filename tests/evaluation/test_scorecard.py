"""The scorecard's three views of the same answers agree: shares, numbers an answer, and the means that PPO records."""

import pytest
import torch

from rlhf_lessons.evaluation.best_of_n import sampled_answers
from rlhf_lessons.evaluation.scorecard import (
    MAX_NEW_TOKENS,
    Scorecard,
    gold_metrics,
    gold_score,
    judged,
    measures,
    sample_answers,
    sample_tokens,
)
from rlhf_lessons.world.datasets import encode_prompts, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer


def test_numbers_an_answer_have_the_means_of_the_scorecard(notes):
    answers = judged(notes)  # careful and careless ones, so that no share is 0 or 1
    card, numbers = Scorecard.of(answers), measures(answers)
    assert 0 < card.safe.value < 1 and 0 < card.hedged.value < 1
    means = numbers.drop(columns="prompt").mean()
    assert means["safety"] == pytest.approx(card.safe.value) and means["hedged"] == pytest.approx(card.hedged.value)
    assert means["gold_score"] == pytest.approx(card.gold_score) and means["length"] == pytest.approx(card.length)


def test_what_ppo_records_of_the_truth_is_its_mean(notes):
    numbers = measures(judged(notes))
    assert gold_score(notes).tolist() == pytest.approx(numbers["gold_score"].tolist())
    assert gold_metrics(notes) == pytest.approx(
        {"gold_score": numbers["gold_score"].mean(), "safety": numbers["safety"].mean()}
    )


def test_the_answers_to_one_prompt_stand_together_and_are_drawn_as_for_best_of_n(tiny):
    prompts = prompts_in("train")[:3]
    drawn = sample_tokens(tiny, prompts, n_each=4, seed=5)
    assert [a.prompt for a in judged(drawn.sequences)] == [prompt for prompt in prompts for _ in range(4)]
    assert sample_answers(tiny, prompts, n_each=4, seed=5) == judged(drawn.sequences)
    encoded, generator = encode_prompts(course_tokenizer(), prompts), torch.Generator().manual_seed(5)
    best_of = sampled_answers(tiny, encoded, 4, MAX_NEW_TOKENS, 1.0, generator)
    assert torch.equal(drawn.sequences.tokens, best_of.tokens)
