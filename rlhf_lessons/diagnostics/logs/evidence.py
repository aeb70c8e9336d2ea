"""How much a printed share can prove: of how many pairs it is, and how far chance reaches."""

import math
from collections.abc import Sequence

import numpy as np

from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.trends import late
from rlhf_lessons.diagnostics.logs.wording import percent

LARGEST_SAMPLE = 2_000
MOST_PAIRS = 10_000_000  # beyond it, seconds and pairs a second are not what they seem
ENOUGH_THROWS = 1_000
MOST_DECIMALS = 9  # of a share; more are those of a division
Z95 = 1.959964  # the 97.5th percentile of the normal distribution


def printed_to(shares: Sequence[float]) -> float:
    """Half a unit of the last decimal with which any of these shares was printed."""
    decimals = (len(f"{share:.{MOST_DECIMALS}f}".rstrip("0").partition(".")[2]) for share in shares)
    return 0.5 * 10.0 ** -max(decimals, default=0)


def smallest_sample(shares: Sequence[float], precision: float | None = None) -> int:
    """The smallest number of pairs, at most 2,000, that gives all these shares to within `precision`.

    Without a precision, that of the printed digits: .6151, .6508 and .7421 are shares of at least 126 pairs.
    """
    distinct = np.unique(np.asarray(shares, dtype=float))
    within = (printed_to(distinct.tolist()) if precision is None else precision) + 1e-9
    n = np.arange(1, LARGEST_SAMPLE)[:, None]
    fits = (np.abs(np.round(distinct * n) / n - distinct) <= within).all(axis=1)
    return int(np.argmax(fits)) + 1 if fits.any() else LARGEST_SAMPLE


def coin_at_most(share: float, n: int) -> float:
    """The probability of heads in at most `share` of `n` (at most 1,000) throws of a coin."""
    from scipy.special import bdtr  # the binomial distribution; imported only for logs that need it

    n = max(1, min(n, ENOUGH_THROWS))
    return float(bdtr(math.floor(share * n + 1e-9), n, 0.5))


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of `n` pairs (Wilson 1927)."""
    middle = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * math.sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def held_out_pairs(log: Log) -> tuple[int, str]:
    """The number of held-out pairs and how it is known; the least that the printed accuracies allow if none is said.

    0 where there is no held-out accuracy.
    """
    said, accuracy = log.values("eval_n_pairs"), log.values("eval_accuracy")
    if not accuracy:
        return 0, ""
    if said:
        return max(int(said[-1]), 1), f"{said[-1]:,.0f} pairs"
    if timed := log.finite("eval_runtime", "eval_samples_per_second"):
        counted = round(timed[-1][0] * timed[-1][1])  # transformers divides the number of samples by the seconds
        if 0 < counted < MOST_PAIRS:
            return counted, f"about {counted:,} pairs, as its seconds and pairs a second say"
    n = smallest_sample(accuracy)
    return n, f"at least {n:,} pairs, as its digits show"


def held_out_interval(log: Log) -> tuple[float, float]:
    """The 95 % interval of the last held-out accuracies; from 0 to 1 where there are none."""
    n, _ = held_out_pairs(log)
    return wilson(late(log.values("eval_accuracy")), n) if n else (0.0, 1.0)


def training_interval(log: Log) -> tuple[float, float]:
    """The 95 % interval of the training accuracy over the second half of its rows, by how far the rows scatter.

    From 0 to 1 for under eight rows.
    """
    accuracy = log.values("accuracy")
    half = np.asarray(accuracy[len(accuracy) // 2 :])
    if len(half) < 4:
        return 0.0, 1.0
    error = Z95 * max(float(half.std(ddof=1)), 0.01) / math.sqrt(len(half))
    return float(half.mean()) - error, float(half.mean()) + error


def over_a_coin(log: Log) -> bool:
    """Whether held-out accuracy, or training accuracy where none was held out, is no coin's."""
    return max(held_out_interval(log)[0], training_interval(log)[0]) > 0.5


def shown_interval(log: Log) -> str:
    """The held-out accuracy as a sentence has it: the share, its interval, and of how many pairs."""
    low, high = held_out_interval(log)
    accuracy = percent(late(log.values("eval_accuracy")))
    return f"{accuracy} ({percent(low)} to {percent(high)} on {held_out_pairs(log)[1]})"
