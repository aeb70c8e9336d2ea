"""Learning from pairs without a reward model: the policy's own log-probabilities are the reward.

Shapes: B pairs. Log-probabilities are of whole answers, the sum over their tokens, in nats.
"""

from torch import Tensor
from torch.nn import functional as F

from rlhf_lessons.objectives.checks import check_same_shape
from rlhf_lessons.objectives.preference import accuracy

Info = dict[str, float]


def dpo_loss(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    ref_chosen: Tensor,
    ref_rejected: Tensor,
    beta: float = 0.1,
    label_smoothing: float = 0.0,
) -> tuple[Tensor, Info]:
    """-mean of (1 - e) log sigma(m) + e log sigma(-m), with m = r_chosen - r_rejected, r = beta (log pi - log pi_ref).

    policy_chosen, policy_rejected (B,): log-probabilities of whole answers under the policy in training.
    ref_chosen, ref_rejected (B,): the same under the frozen reference; constants.
    beta: the price of moving away from the reference; over 0.
    label_smoothing: e, the share of labels that are thought to be flipped; from 0 to under 0.5. It puts the loss's
        minimum at the margin ln((1 - e) / e); without it there is none.
    Returns the scalar loss (ln 2 while the policy is its reference), and
        reward_chosen, reward_rejected, margin: means of the implicit rewards r and of their difference;
        accuracy: share of pairs in the right order.
    Raises ValueError for unequal shapes, an empty batch, a beta of 0 or less and a label_smoothing out of range.
    Source: Rafailov et al. 2023, equation 7; Mitchell 2023, "conservative DPO", on label smoothing.
    """
    chosen, rejected, info = _implicit_rewards(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta)
    if not 0 <= label_smoothing < 0.5:
        raise ValueError(f"label_smoothing: {label_smoothing} is not allowed; it must be a number from 0 to under 0.5")
    margin = chosen - rejected
    loss = -(1 - label_smoothing) * F.logsigmoid(margin) - label_smoothing * F.logsigmoid(-margin)
    return loss.mean(), info


def ipo_loss(
    policy_chosen: Tensor, policy_rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor, beta: float = 0.1
) -> tuple[Tensor, Info]:
    """mean (h - 1 / (2 beta))^2, with h = log pi/pi_ref (chosen) - log pi/pi_ref (rejected).

    A square in place of a sigmoid: it wants the same lead of every pair and stops there, while DPO wants ever more of
    pairs on which annotators agree. Arguments, info and errors as for `dpo_loss`;
    at the reference the loss is 1 / (4 beta^2).
    Source: Azar et al. 2023, equation 17.
    """
    chosen, rejected, info = _implicit_rewards(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta)
    return ((chosen - rejected) / beta - 1 / (2 * beta)).square().mean(), info


def _implicit_rewards(
    policy_chosen: Tensor, policy_rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor, beta: float
) -> tuple[Tensor, Tensor, Info]:
    check_same_shape(
        policy_chosen=policy_chosen,
        policy_rejected=policy_rejected,
        ref_chosen=ref_chosen,
        ref_rejected=ref_rejected,
    )
    if not policy_chosen.numel():
        raise ValueError("policy_chosen: an empty batch is not allowed; there must be at least one pair")
    if not beta > 0:
        raise ValueError(f"beta: {beta} is not allowed; it must be a number over 0")
    chosen = beta * (policy_chosen - ref_chosen)
    rejected = beta * (policy_rejected - ref_rejected)
    info = {
        "reward_chosen": chosen.mean().item(),
        "reward_rejected": rejected.mean().item(),
        "margin": (chosen - rejected).mean().item(),
        "accuracy": accuracy(chosen, rejected).item(),
    }
    return chosen, rejected, info
