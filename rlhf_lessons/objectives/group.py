"""A baseline without a critic: an answer is as good as it is better than its siblings, the answers to its own prompt.

Shapes: P prompts with G answers each; rewards are those of whole answers.
"""

import torch
from torch import Tensor


@torch.no_grad()
def rloo_advantages(rewards: Tensor) -> Tensor:
    """A_i = r_i - mean of the rewards of the other G - 1 answers to the same prompt (leave one out).

    The baseline does not depend on the answer it is taken from, so the policy gradient stays unbiased.
    rewards (P, G), G at least 2. Returns (P, G), without gradient. Raises ValueError for another shape.
    Source: Kool et al. 2019; Ahmadian et al. 2024, equation 8.
    """
    group = _size(rewards)
    return (rewards - rewards.mean(dim=1, keepdim=True)) * group / (group - 1)


@torch.no_grad()
def grpo_advantages(rewards: Tensor, scale: bool = True, eps: float = 1e-4) -> Tensor:
    """A_i = (r_i - mean of the group) / (standard deviation of the group + eps).

    The mean contains r_i, which shrinks the gradient by (G - 1) / G and changes nothing else. The division makes
    every group weigh alike, whether its rewards differ by much or by a hair; it is what biases the gradient.
    rewards (P, G), G at least 2. scale: whether to divide (Dr. GRPO does not). The deviation is the sample's, divided
    by G - 1. Returns (P, G), without gradient; 0 for a group whose rewards are all alike. Raises ValueError for
    another shape and an eps under 0.
    Source: Shao et al. 2024, section 4.1.2; Liu et al. 2025, "Dr. GRPO", section 3.1.
    """
    _size(rewards)
    if not eps >= 0:
        raise ValueError(f"eps: {eps} is not allowed; it must be a number from 0 up")
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    return centred / (rewards.std(dim=1, keepdim=True) + eps) if scale else centred


def _size(rewards: Tensor) -> int:
    if rewards.ndim != 2 or rewards.shape[1] < 2:
        raise ValueError(f"rewards: shape {tuple(rewards.shape)} is not allowed; it must be (P, G) with G at least 2")
    return rewards.shape[1]
