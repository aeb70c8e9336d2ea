"""How far the policy has moved from its reference, and what that should cost."""

import math

from torch import Tensor

from rlhf_lessons.objectives.checks import check_number, check_same_shape

KINDS = ("k1", "k2", "k3")
LARGEST_ERROR = 0.2


def kl_estimate(logprobs: Tensor, ref_logprobs: Tensor, kind: str = "k1") -> Tensor:
    """Estimates of KL(policy || ref) from tokens that the *policy* sampled; with d = log pi - log pi_ref:

    k1 = d               unbiased, noisy, often negative for a single token;
    k2 = d^2 / 2         biased, never negative;
    k3 = exp(-d) - 1 + d unbiased, never negative.

    logprobs, ref_logprobs (B, T): log-probabilities of the sampled tokens under the two models.
    Returns (B, T), in nats. The sign matters: -d would estimate minus the KL.
    Raises ValueError for unequal shapes and an unknown kind.
    Source: Schulman 2020, "Approximating KL Divergence".
    """
    check_same_shape(logprobs=logprobs, ref_logprobs=ref_logprobs)
    difference = logprobs - ref_logprobs
    if kind == "k1":
        return difference
    if kind == "k2":
        return difference.square() / 2
    if kind == "k3":
        return (-difference).expm1() + difference
    raise ValueError(f"kind: {kind!r} is not allowed; it must be one of {', '.join(KINDS)}")


def adaptive_kl_coef(kl_coef: float, measured_kl: float, target: float, horizon_steps: float, n: float) -> float:
    """The next price of KL, raised where the measured KL is over its target and lowered where it is under.

    error = clip(measured_kl / target - 1, -0.2, 0.2);  kl_coef * (1 + error * n / horizon_steps).

    measured_kl, target: nats per answer. n: answers since the last call; horizon_steps: answers over which an
    error at the clip changes the price by a fifth. Raises ValueError for a target or horizon of 0 or less.
    Source: Ziegler et al. 2019, section 2.2.
    """
    if not target > 0:
        raise ValueError(f"target: {target} is not allowed; it must be a number over 0")
    if not horizon_steps > 0:
        raise ValueError(f"horizon_steps: {horizon_steps} is not allowed; it must be a number over 0")
    check_number("kl_coef", kl_coef, 0)
    error = min(max(measured_kl / target - 1, -LARGEST_ERROR), LARGEST_ERROR)
    return kl_coef * (1 + error * n / horizon_steps)


def best_of_n_kl(n: int) -> float:
    """KL(best-of-n || policy) in nats, from its formula: log n - (n - 1) / n.

    Exact where no two answers score the same; where some do, the true KL is lower.
    Raises ValueError for an n under 1.
    Source: Stiennon et al. 2020, appendix G.3; Beirami et al. 2024 on ties.
    """
    if n < 1:
        raise ValueError(f"n: {n} is not allowed; it must be a whole number from 1 up")
    return math.log(n) - (n - 1) / n
