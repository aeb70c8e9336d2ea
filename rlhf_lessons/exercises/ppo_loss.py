"""Exercises of notebook 06: from the advantages of tokens to the loss of the policy."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rlhf_lessons.exercises.exercise import Exercise, Mistake
from rlhf_lessons.exercises.rows import everywhere, row
from rlhf_lessons.objectives.advantage import masked_whiten
from rlhf_lessons.objectives.policy import clipped_policy_loss


def _scaled(x: Tensor, mask: Tensor, mean: float, spread: float) -> Tensor:
    return ((x - mean) / spread).masked_fill(~mask, 0)


WHITEN = Exercise(
    name="06.whiten",
    stars=2,
    minutes=8,
    task="`advantages` (B, T) and `mask` (B, T), true for real tokens. Shift and scale so that the real tokens of the "
    "whole batch have mean 0 and variance 1 (the mean of their squares: divide by their number), and return 0 for "
    "padding. Add 1e-8 to the variance before its root: equal advantages then give 0.",
    reference=masked_whiten,
    cases=[
        (
            torch.tensor([[1.0, 2.0, 6.0, 9.0], [-1.0, 0.0, 9.0, 9.0]]),
            torch.tensor([[True, True, True, False], [True, True, False, False]]),
        ),
        (torch.tensor([[2.0, 2.0, 0.0]]), torch.tensor([[True, True, False]])),
    ],
    mistakes=[
        Mistake(
            lambda x, mask: (x - x.mean()) / (x.var(correction=0) + 1e-8).sqrt(),
            "Padding is in your mean and variance: whatever stands there moves every advantage.",
        ),
        Mistake(
            lambda x, mask: (x - x[mask].mean()) / (x[mask].var(correction=0) + 1e-8).sqrt(),
            "The real tokens are right. The padding is not 0, and would be learned from.",
        ),
        Mistake(
            lambda x, mask: _scaled(x, mask, float(x[mask].mean()), float(x[mask].var(correction=0) + 1e-8)),
            "You divided by the variance. What has the unit of an advantage is its root.",
        ),
        Mistake(
            lambda x, mask: _scaled(x, mask, float(x[mask].mean()), float((x[mask].var(correction=1) + 1e-8).sqrt())),
            "That variance is divided by n - 1, as for a sample. Here it is that of these tokens themselves.",
        ),
        Mistake(
            lambda x, mask: _scaled(x, mask, 0.0, float((x[mask].var(correction=0) + 1e-8).sqrt())),
            "The variance is 1, the mean is not 0: it was not taken off.",
        ),
        Mistake(
            lambda x, mask: _scaled(x, mask, float(x[mask].mean()), 1.0),
            "The mean is 0, the variance is not 1: nothing was scaled.",
        ),
        Mistake(
            lambda x, mask: (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + 1e-8).sqrt(),
            "You whitened each row by itself: every answer would be as good as every other. The batch is one.",
        ),
    ],
    hints=[
        "advantages[mask] is what counts, in one row: its mean and its variance are what you need.",
        "x.masked_fill(~mask, 0) sets what is outside the mask to 0. x.var(correction=0) divides by the number.",
    ],
)


def clipped_loss(
    logprobs: Sequence[float], old_logprobs: Sequence[float], advantages: Sequence[float], clip_range: float
) -> float:
    new, old, gains = map(row, (logprobs, old_logprobs, advantages))
    return clipped_policy_loss(new, old, gains, everywhere(new), clip_range)[0].item()


def _ratio(logprobs: Sequence[float], old_logprobs: Sequence[float]) -> Tensor:
    return (row(logprobs) - row(old_logprobs)).exp()


def _parts(ratio: Tensor, advantages: Sequence[float], clip_range: float) -> tuple[Tensor, Tensor]:
    """What counts without clipping, and with: (1, T) each."""
    return ratio * row(advantages), ratio.clamp(1 - clip_range, 1 + clip_range) * row(advantages)


CLIPPED_LOSS = Exercise(
    name="06.clipped_loss",
    stars=3,
    minutes=12,
    task="Return PPO's loss of the policy over some tokens. ratio = exp(logprob - old_logprob) says how much likelier "
    "a token has become. Of ratio * advantage and (ratio held within 1 - clip_range and 1 + clip_range) * advantage "
    "the *smaller* counts. PPO raises the mean of what counts; a loss is lowered.",
    reference=clipped_loss,
    source=clipped_policy_loss,
    cases=[
        ([-0.5, -2.0, -0.4, -1.5], [-1.0, -1.0, -1.0, -1.0], [1.0, 1.5, -1.0, -2.0], 0.2),
        ([-1.0, -2.0], [-1.0, -2.0], [0.5, -1.5], 0.2),
    ],
    mistakes=[
        Mistake(
            lambda *inputs: -clipped_loss(*inputs),
            "That is what PPO *raises*. An optimiser lowers a loss.",
        ),
        Mistake(
            lambda new, old, gains, clip: -_parts(_ratio(new, old), gains, clip)[0].mean().item(),
            "Nothing is clipped: a token can gain without end from one batch.",
        ),
        Mistake(
            lambda new, old, gains, clip: -_parts(_ratio(new, old), gains, clip)[1].mean().item(),
            "You always take the clipped one. A good token that has become too *unlikely* then gets no gradient, and "
            "cannot come back.",
        ),
        Mistake(
            lambda new, old, gains, clip: -torch.maximum(*_parts(_ratio(new, old), gains, clip)).mean().item(),
            "You take the larger of the two: clipping then never holds a gain back.",
        ),
        Mistake(
            lambda new, old, gains, clip: len(new) * clipped_loss(new, old, gains, clip),
            "That is the sum over the tokens: the step would grow with the length of the answers.",
        ),
        Mistake(
            lambda new, old, gains, clip: -torch.minimum(*_parts(row(new) - row(old), gains, clip)).mean().item(),
            "Your ratio is the difference of the log-probabilities: 0 where nothing has changed. It should be 1 there.",
        ),
        Mistake(
            lambda new, old, gains, clip: clipped_loss(old, new, gains, clip),
            "Your ratio is turned around: old over new.",
        ),
    ],
    hints=[
        "For each token: the ratio, the ratio held by min(max(ratio, 1 - clip_range), 1 + clip_range), two products.",
        "The smaller of the two products is min(plain, clipped), also where the advantage is negative.",
        "The mean over the tokens of what counts, with a minus.",
    ],
)
