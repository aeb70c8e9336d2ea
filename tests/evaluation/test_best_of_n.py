"""Best of n: the choice, its expected value, and its distance from the policy, each against brute force."""

import itertools
import math

import pytest
import torch

from rlhf_lessons.evaluation.best_of_n import best_of_n, expected_of_best, sampled_answers
from rlhf_lessons.objectives.kl import best_of_n_kl


def length(sequences):
    return sequences.lengths.float()


def test_the_best_of_each_prompt_is_chosen(tiny, prompts):
    drawn = sampled_answers(tiny, prompts, 4, 6, 1.0, torch.Generator().manual_seed(3))
    best = best_of_n(tiny, prompts, 4, length, torch.Generator().manual_seed(3), max_new_tokens=6)
    assert len(best) == len(prompts)
    assert torch.equal(length(best), length(drawn).reshape(-1, 4).amax(dim=1))
    assert torch.equal(best.prompt_lengths, prompts.prompt_lengths)
    width = prompts.tokens.shape[1]
    real = torch.arange(width) < prompts.prompt_lengths[:, None]
    assert torch.equal(best.tokens[:, :width][real], prompts.tokens[real])


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_expected_of_best_is_the_mean_over_all_choices_of_n(n):
    generator = torch.Generator().manual_seed(0)
    scores, values = (torch.randn(3, 5, generator=generator) for _ in range(2))
    for row, expected in enumerate(expected_of_best(scores, values, n).tolist()):
        chosen = [max(c, key=lambda i: scores[row, i].item()) for c in itertools.combinations(range(5), n)]
        assert expected == pytest.approx(values[row, chosen].mean().item(), abs=1e-6)


def test_the_kl_of_best_of_n_is_exact_on_a_policy_that_can_be_enumerated():
    """Ten answers, all of another score: the best of n is rank i with chance (i/10)^n - ((i-1)/10)^n.

    With few answers draws repeat, so the formula is an upper bound; with 20,000 it is met to 1e-3.
    """
    for answers, n, close in ((10, 4, 0.2), (20_000, 4, 1e-3), (20_000, 16, 2e-3)):
        ranks = torch.arange(answers + 1, dtype=torch.float64) / answers
        chances = (ranks**n).diff()
        exact = float((chances * (chances * answers).log()).sum())
        assert exact <= best_of_n_kl(n) and best_of_n_kl(n) - exact < close


def test_one_answer_is_no_choice():
    assert best_of_n_kl(1) == 0
    assert best_of_n_kl(16) == pytest.approx(math.log(16) - 15 / 16)


def test_bad_input_is_refused(tiny, prompts):
    with pytest.raises(ValueError, match="n: 0"):
        best_of_n(tiny, prompts, 0, length, torch.Generator())
    with pytest.raises(ValueError, match="n: 0"):
        best_of_n_kl(0)
    with pytest.raises(ValueError, match="n: 6"):
        expected_of_best(torch.zeros(2, 5), torch.zeros(2, 5), 6)
    with pytest.raises(ValueError, match="scores, values"):
        expected_of_best(torch.zeros(2, 5), torch.zeros(2, 4), 2)
