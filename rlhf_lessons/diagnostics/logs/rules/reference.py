"""DPO, ORPO and KTO beside the reference they are measured from, and the rate at which they leave it."""

import numpy as np

from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.losses import has_reference
from rlhf_lessons.diagnostics.logs.rule import DIRECT, Signs, rule
from rlhf_lessons.diagnostics.logs.trends import FEWEST_POINTS, late

REFERENCED = frozenset({"dpo", "kto"})
RATE_FULL, RATE_LORA = 1e-5, 1e-4


@rule(
    "DPO004",
    "the policy is its own reference",
    REFERENCED,
    alternatives=("a learning rate of 0", "weights that are frozen, or an adapter that is not switched on"),
    tell_apart="compare the weights after ten steps with the first ones: if they differ, the reference moved along",
    advice="give the trainer a frozen copy as reference (ref_model), or None with an adapter",
)
def own_reference(log: Log) -> Signs | None:
    """Both rewards, or all margins, are exactly 0 throughout: policy and reference are one and the same model.

    A reward is beta (log p - log p_ref), so it is 0 only where the two agree, and the loss is then ln 2 for every pair.
    Example: rewards 0.0 and 0.0, margin 0.0, loss 0.6931 in every row.
    """
    margins = log.values("margin")
    if len(margins) < FEWEST_POINTS or any(margins):
        return None
    loss = log.values("loss")
    paid = f", and the loss ends at {loss[-1]:.4f}" if loss else ""
    return Signs(
        f"the margin is exactly 0 in all {len(margins)} rows{paid}: the policy never leaves its reference", 0.95
    )


@rule(
    "DPO005",
    "not measured from the policy's own start",
    REFERENCED,
    alternatives=("a loss without a reference", "a run that was resumed", "a reference in another precision"),
    tell_apart="log the rewards before the first step: with the same weights on both sides they are exactly 0",
    advice="use as reference the very model that training starts from (after SFT), with the same chat template",
    early=True,
)
def other_reference(log: Log) -> Signs | None:
    """Rewards far from 0 before anything was trained: the reference is another model than the start.

    beta (log p - log p_ref) is 0 at the first step if the two are the same. Example: rewards of 4.2 and 3.9 in step 1.
    """
    rows, rates = log.finite("step", "reward_chosen"), log.values("learning_rate")
    if not rows or rows[0][0] > 1 or abs(rows[0][1]) < 1 or max(rates, default=0.0) > RATE_LORA:
        return None
    if not has_reference(log):
        return None
    return Signs(
        f"in step {rows[0][0]:g} the reward of the chosen answers is {rows[0][1]:.3f}, where it should be 0", 0.8
    )


@rule(
    "DPO006",
    "high learning rate",
    DIRECT,
    advice="try a tenth of it and compare the held-out loss",
    grave=False,
    early=True,
)
def high_rate(log: Log) -> Signs | None:
    """A rate far over what works for others. Not wrong in itself.

    Rafailov et al. 2023 trained with 1e-6, Zephyr (Tunstall et al. 2023) with 5e-7, both all weights; TRL starts from
    1e-6. For LoRA adapters ten to a hundred times as much is usual. Example: 3e-4.
    """
    rates = log.values("learning_rate") or [log.reading.settings.get("learning_rate", 0.0)]
    if max(rates) <= RATE_FULL:
        return None
    over = "over 1e-4, much even for LoRA" if max(rates) > RATE_LORA else "over 1e-5, usual for LoRA alone"
    return Signs(
        f"the learning rate is {max(rates):.3g}, {over}; DPO of all weights was published with 5e-7 to 1e-6 "
        "(Rafailov et al. 2023, Tunstall et al. 2023)",
        0.35 if max(rates) > RATE_LORA else 0.3,
    )


@rule(
    "DPO007",
    "margin under 0",
    DIRECT,
    alternatives=("chosen and rejected swapped, in the data or in the metric", "far too little training"),
    tell_apart="read ten pairs: if `chosen` is the better answer, the policy is only not there yet",
    advice="read ten pairs with their log-probabilities, then train longer or at a higher rate",
)
def margin_under_zero(log: Log) -> Signs | None:
    """The rejected answers are more likely, row after row, and it does not get better than that.

    For DPO and KTO a margin under 0 means that training went the wrong way; for ORPO, SimPO and CPO, which have no
    reference, a margin under 0 is only where the base model started. Example: DPO margins of -0.3 to -0.8 in the last
    half of the run.
    """
    margins = log.values("eval_margin") or log.values("margin")
    accuracy = log.values("eval_accuracy") or log.values("accuracy")
    half = np.asarray(margins[len(margins) // 2 :])
    if not has_reference(log) or len(half) < FEWEST_POINTS or not accuracy or late(accuracy) > 0.45:
        return None
    if half.mean() + 3 * half.std(ddof=1) / np.sqrt(len(half)) > -0.05:
        return None
    return Signs(
        f"the margin is {half.mean():.3f} on average over the last {len(half)} rows, and the accuracy "
        f"{late(accuracy):.3f}: training goes the wrong way",
        0.85,
    )


@rule(
    "KTO001",
    "KL of exactly 0",
    frozenset({"kto"}),
    alternatives=("a batch of one answer, from which no KL can be estimated", "a policy that has not moved yet"),
    tell_apart="raise the batch size to four or more: an estimate that was cut at 0 becomes positive",
    advice="give each device at least four answers a batch, as TRL's KTO trainer asks",
    grave=False,
)
def kl_of_zero(log: Log) -> Signs | None:
    """KTO's reference point, an estimate of the KL that is cut off at 0, stays at 0.

    KTO compares each reward with the KL between policy and reference, estimated from mismatched answers of the same
    batch and cut at 0 from below (Ethayarajh et al. 2024). At 0 every answer is compared with the reference alone.
    Example: kl 0.21, 0.09, 0.0, while the chosen reward is 0.8.
    """
    values = log.values("kl")
    if len(values) < 3 or values[-1] != 0:
        return None
    start = "in every row" if not any(values) else f"after {values[0]:.4g} at the start"
    return Signs(f"the KL falls to exactly 0 {start}", 0.4)
