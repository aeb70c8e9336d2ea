"""The losses of PPO: small steps for the policy, small steps for its critic.

Shapes: B answers, T response tokens, V words of the vocabulary. Masks are (B, T), true for response tokens.
"""

import torch
from torch import Tensor

from rlhf_lessons.objectives.checks import check_logits, check_mask, check_number, check_same_shape
from rlhf_lessons.objectives.kl import kl_estimate
from rlhf_lessons.objectives.likelihood import masked_mean

Info = dict[str, float]


def clipped_policy_loss(
    logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, clip_range: float = 0.2
) -> tuple[Tensor, Info]:
    """-mean over the mask of min(ratio * A, clip(ratio, 1 - clip_range, 1 + clip_range) * A).

    ratio = exp(logprobs - old_logprobs).

    logprobs (B, T): of the sampled tokens under the policy in training.
    old_logprobs (B, T): the same when the tokens were sampled; a constant.
    advantages (B, T): a constant. mask (B, T): what stands outside it changes nothing.
    Returns the scalar loss, and
        clip_fraction: share of tokens whose ratio is further than clip_range from 1;
        approx_kl: mean k3 estimate of KL(old || new), in nats per token;
        ratio_mean: 1 at the first step.
    Raises ValueError for unequal shapes, a mask that marks nothing and a negative clip_range.
    Source: Schulman et al. 2017, equation 7.
    """
    check_same_shape(logprobs=logprobs, old_logprobs=old_logprobs, advantages=advantages, mask=mask)
    check_mask(mask)
    check_number("clip_range", clip_range, 0)
    marked = mask.bool()
    advantages = advantages[marked]  # (B, T) -> (marked tokens,), as all that follows
    ratio = (logprobs - old_logprobs)[marked].exp()
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    loss = -torch.minimum(ratio * advantages, clipped * advantages).mean()
    with torch.no_grad():
        info = {
            "clip_fraction": ((ratio - 1).abs() > clip_range).float().mean().item(),
            "approx_kl": masked_mean(kl_estimate(old_logprobs, logprobs, "k3"), mask).item(),
            "ratio_mean": ratio.mean().item(),
        }
    return loss, info


def clipped_value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, clip_range: float = 0.2
) -> tuple[Tensor, Info]:
    """Half the mean over the mask of max((V - R)^2, (V_clipped - R)^2).

    V_clipped = old_V + clip(V - old_V, -clip_range, clip_range).

    values (B, T): of the critic in training. old_values (B, T): when the tokens were sampled; a constant.
    returns (B, T): the targets; a constant. mask (B, T): what stands outside it changes nothing.
    Returns the scalar loss, and clip_fraction: share of values further than clip_range from their old ones.
    Raises ValueError for unequal shapes, a mask that marks nothing and a negative clip_range.
    Source: Schulman et al. 2017, the reference implementation; Ziegler et al. 2019.
    """
    check_same_shape(values=values, old_values=old_values, returns=returns, mask=mask)
    check_mask(mask)
    check_number("clip_range", clip_range, 0)
    marked = mask.bool()
    values, old_values, returns = values[marked], old_values[marked], returns[marked]  # (marked tokens,) each
    step = values - old_values
    clipped = old_values + step.clamp(-clip_range, clip_range)
    error = torch.maximum((values - returns).square(), (clipped - returns).square())
    return 0.5 * error.mean(), {"clip_fraction": (step.abs() > clip_range).float().mean().item()}


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> Tensor:
    """1 - Var(R - V) / Var(R) over the mask: 1 for a perfect critic, 0 for a constant one, less for worse.

    values, returns, mask (B, T). Returns a scalar, nan where the returns do not vary.
    Raises ValueError for unequal shapes and a mask that marks nothing.
    """
    check_same_shape(values=values, returns=returns, mask=mask)
    check_mask(mask)
    values, returns = values[mask.bool()], returns[mask.bool()]
    spread = returns.var(correction=0)
    unexplained = (returns - values).var(correction=0)
    return torch.where(spread > 0, 1 - unexplained / spread, torch.nan)


def entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Mean over the mask of -sum_v p_v log p_v: how open the next token is.

    logits (B, T, V), mask (B, T). Returns a scalar in nats, from 0 (certain) to ln V (even).
    Raises ValueError for shapes that do not fit and a mask that marks nothing.
    """
    check_logits(logits, mask=mask)
    logprobs = logits.log_softmax(dim=-1)
    return masked_mean(-(logprobs.exp() * logprobs).sum(dim=-1), mask)
