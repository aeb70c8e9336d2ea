"""Best of n: no training, only choice. The policy answers n times, and the reward model's favourite is kept."""

import math

import torch
from torch import Tensor

from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sampling import sample
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.stages.rollout import RewardFunction


def sampled_answers(
    policy: GPT, prompts: Sequences, n: int, max_new_tokens: int, temperature: float, generator: torch.Generator
) -> Sequences:
    """`n` answers to each of P prompts, as P * n sequences: all answers to the first prompt come first."""
    rows = torch.arange(len(prompts)).repeat_interleave(n)
    return sample(policy, prompts[rows], max_new_tokens, temperature, generator).sequences


def best_of_n(
    policy: GPT,
    prompts: Sequences,
    n: int,
    reward: RewardFunction,
    generator: torch.Generator,
    max_new_tokens: int = 16,
    temperature: float = 1.0,
) -> Sequences:
    """The answer that `reward` scores highest among `n` to each prompt (Stiennon et al. 2020, section 4.2)."""
    if n < 1:
        raise ValueError(f"n: {n} is not allowed; it must be a whole number from 1 up")
    drawn = sampled_answers(policy, prompts, n, max_new_tokens, temperature, generator)
    best = reward(drawn).reshape(len(prompts), n).argmax(dim=1)
    return drawn[torch.arange(len(prompts)) * n + best]


def expected_of_best(scores: Tensor, values: Tensor, n: int) -> Tensor:
    """The mean value, (P,), of the answer that best-of-n would choose by its score, from N >= n answers.

    scores, values (P, N): of N answers to each of P prompts.
    The mean is over every choice of n among the N answers: the answer of rank i (1 the worst) is the best in
    C(i - 1, n - 1) of the C(N, n) choices.
    Raises ValueError for unequal shapes and an n outside 1 to N.
    Source: Nakano et al. 2021, section 5.2; Gao, Schulman and Hilton 2022, section 3.1.
    """
    if scores.shape != values.shape or scores.ndim != 2:
        shapes = f"{tuple(scores.shape)} and {tuple(values.shape)}"
        raise ValueError(f"scores, values: shapes {shapes} are not allowed; both must be (P, N)")
    n_answers = scores.shape[1]
    if not 1 <= n <= n_answers:
        raise ValueError(f"n: {n} is not allowed; it must be a whole number from 1 to {n_answers}")
    ranked = values.gather(1, scores.argsort(dim=1, stable=True))
    cases = [math.comb(rank, n - 1) / math.comb(n_answers, n) for rank in range(n_answers)]
    return (ranked.double() * torch.tensor(cases, dtype=torch.float64)).sum(dim=1)
