"""Likelihood of tokens: what pretraining and supervised fine-tuning maximise.

Shapes: B sequences, T tokens, V words of the vocabulary. Masks are (B, T), true where a token counts.
"""

from torch import Tensor
from torch.nn import functional as F

from rlhf_lessons.objectives.checks import check_logits, check_mask, check_same_shape

IGNORED = -100


def token_logprobs(logits: Tensor, tokens: Tensor) -> Tensor:
    """Log-probability of each token: log p_t = logits_t[token_t] - log sum_v exp(logits_t[v]).

    logits (B, T, V): the predictions for the tokens beside them, already shifted.
    tokens (B, T): the tokens that came.
    Returns (B, T), in nats. Raises ValueError for shapes that do not fit.
    """
    check_logits(logits, tokens=tokens)
    return logits.log_softmax(dim=-1).gather(-1, tokens[..., None]).squeeze(-1)


def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Negative log-likelihood of the marked targets: -mean over the mask of log p_t.

    logits (B, T, V): the predictions for the targets beside them, already shifted.
    targets (B, T): the tokens to predict.
    mask (B, T): true for the targets that count; answers only, in supervised fine-tuning.
    Returns a scalar in nats per token; ln V is the level of chance.
    Raises ValueError for shapes that do not fit and for a mask that marks nothing.
    """
    check_logits(logits, targets=targets, mask=mask)
    check_mask(mask)
    counted = targets.masked_fill(~mask.bool(), IGNORED)
    return F.cross_entropy(logits.flatten(0, 1), counted.flatten(), ignore_index=IGNORED)


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of x (B, T) over the mask (B, T), a scalar; every marked token weighs the same.

    What stands outside the mask, even nan, changes nothing.
    Raises ValueError for unequal shapes and for a mask that marks nothing.
    """
    check_same_shape(x=x, mask=mask)
    check_mask(mask)
    return x.masked_fill(~mask.bool(), 0).sum() / mask.sum()
