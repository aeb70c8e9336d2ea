"""Learning from pairs: which of two answers did the annotator choose?"""

from torch import Tensor
from torch.nn import functional as F

from rlhf_lessons.objectives.checks import check_number, check_same_shape


def bradley_terry_loss(
    chosen: Tensor, rejected: Tensor, center_coef: float = 0.0, margin: Tensor | None = None
) -> Tensor:
    """-mean log sigma(chosen - rejected - margin) + center_coef * mean (chosen + rejected)^2.

    chosen, rejected (B,): rewards of the two answers of each pair.
    center_coef: weight of the term that keeps rewards around 0 (Eisenstein et al. 2023, section 2.1).
        Without it a constant added to all rewards changes neither the loss nor its gradient.
    margin (B,): by how much the chosen answer should win (Touvron et al. 2023, Llama 2, equation 2).
    Returns a scalar in nats; ln 2 where the rewards of each pair are equal.
    Raises ValueError for unequal shapes, an empty batch and a negative center_coef.
    Source: Bradley and Terry 1952; Ouyang et al. 2022, equation 1.
    """
    _check_pairs(chosen, rejected)
    check_number("center_coef", center_coef, 0)
    difference = chosen - rejected
    if margin is not None:
        check_same_shape(chosen=chosen, margin=margin)
        difference = difference - margin
    loss = -F.logsigmoid(difference).mean()
    if center_coef:
        loss = loss + center_coef * (chosen + rejected).square().mean()
    return loss


def accuracy(chosen: Tensor, rejected: Tensor) -> Tensor:
    """Share of pairs whose chosen answer has the higher reward; a tie counts half, as a coin flip would.

    chosen, rejected (B,): rewards. Returns a scalar from 0 to 1; 0.5 is chance.
    Raises ValueError for unequal shapes and an empty batch.
    """
    _check_pairs(chosen, rejected)
    return (chosen > rejected).float().mean() + 0.5 * (chosen == rejected).float().mean()


def _check_pairs(chosen: Tensor, rejected: Tensor) -> None:
    check_same_shape(chosen=chosen, rejected=rejected)
    if not chosen.numel():
        raise ValueError(f"chosen: shape {tuple(chosen.shape)} is not allowed; there must be at least one pair")
