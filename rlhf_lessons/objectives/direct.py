"""Learning from pairs without a reward model."""

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
) -> tuple[Tensor, Info]:
    """-mean log sigma(r_chosen - r_rejected), with the implicit reward r = beta * (log pi - log pi_ref).

    policy_chosen, policy_rejected (B,): log-probabilities of whole answers under the policy in training.
    ref_chosen, ref_rejected (B,): the same under the frozen reference; constants.
    beta: the price of moving away from the reference; over 0.
    Returns the scalar loss (ln 2 while the policy is its reference), and
        reward_chosen, reward_rejected, margin: means of the implicit rewards and of their difference;
        accuracy: share of pairs in the right order.
    Raises ValueError for unequal shapes, an empty batch and a beta of 0 or less.
    Source: Rafailov et al. 2023, equation 7.
    """
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
    return -F.logsigmoid(chosen - rejected).mean(), info
