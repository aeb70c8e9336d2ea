"""How much better a token turned out than the critic had expected.

Shapes: B answers, T response tokens, right-padded; masks are (B, T), true for response tokens.
"""

import torch
from torch import Tensor

from rlhf_lessons.objectives.checks import check_mask, check_number, check_same_shape
from rlhf_lessons.objectives.likelihood import masked_mean


@torch.no_grad()
def gae(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation:

    delta_t = r_t + gamma * V_{t+1} - V_t
    A_t     = delta_t + gamma * lam * A_{t+1}
    R_t     = A_t + V_t

    rewards (B, T): r_t, given for the token at t.
    values (B, T): V_t, the critic's forecast before the token at t. After the last response token it is 0.
    mask (B, T): what stands outside it changes nothing.
    gamma, lam: discount and trace decay, 0 to 1. lam 0 trusts the critic, lam 1 the rewards alone.
    Returns (advantages, returns), (B, T) each, 0 outside the mask, without gradient.
    Raises ValueError for unequal shapes, a mask that marks nothing, gamma or lam out of range.
    Source: Schulman et al. 2016, equations 11 to 16.
    """
    check_same_shape(rewards=rewards, values=values, mask=mask)
    check_mask(mask)
    check_number("gamma", gamma, 0, 1)
    check_number("lam", lam, 0, 1)
    outside = ~mask.bool()
    rewards, values = rewards.masked_fill(outside, 0), values.masked_fill(outside, 0)
    advantages = torch.zeros_like(values)
    next_advantage = next_value = torch.zeros_like(values[:, 0])  # (B,)
    for t in reversed(range(values.shape[1])):
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        advantages[:, t] = (delta + gamma * lam * next_advantage).masked_fill(outside[:, t], 0)
        next_advantage, next_value = advantages[:, t], values[:, t]
    return advantages, advantages + values


def masked_whiten(x: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
    """Scale x to variance 1 over the mask, and to mean 0 unless shift_mean is false.

    x, mask (B, T). Returns (B, T), 0 outside the mask. The variance is that of the marked values themselves
    (divided by their number); 1e-8 is added to it, so that equal values give 0 and no division by 0.
    Raises ValueError for unequal shapes and a mask that marks nothing.
    """
    mean = masked_mean(x, mask)
    variance = masked_mean((x - mean).square(), mask)
    whitened = (x - mean) * (variance + 1e-8).rsqrt()
    if not shift_mean:
        whitened = whitened + mean
    return whitened.masked_fill(~mask.bool(), 0)
