"""How sure are we of a figure? A value with its 95 % interval, and the ways to find one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

DRAWS = 2_000


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval.

    It prints as `0.412 (0.381 to 0.440)`. A format applies to all three numbers: `f"{interval:.1%}"` gives
    `41.2% (38.1% to 44.0%)`.
    """

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        value, low, high = (format(number, spec or ".3f") for number in (self.value, self.low, self.high))
        return f"{value} ({low} to {high})"

    def __str__(self) -> str:
        return format(self)


def t_interval(values: ArrayLike) -> Interval:
    """The mean of `values` (N,), one a seed, with Student's interval: for a few runs on the same questions.

    Raises ValueError for fewer than two values.
    """
    from scipy import stats  # takes half a second to import, and few callers need it

    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"values: shape {values.shape} is not allowed; it must be (N,), N from 2 up")
    mean = float(values.mean())
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return Interval(mean, mean - half, mean + half)


def bootstrap(values: ArrayLike, seed: int = 0) -> Interval:
    """The mean of `values` (S seeds, C cases), with the range of 95 % of bootstrap means.

    Seeds and cases are both drawn again with replacement, so the interval covers other training runs and other
    questions. A nan (a case that the measure does not apply to) is left out. With one seed the interval covers
    other questions only. Source: Efron and Tibshirani 1993, chapter 13; the two-way draw is that of Owen 2007.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or not np.isfinite(values).any():
        raise ValueError(
            f"values: shape {values.shape} is not allowed; it must be (seeds, cases) with some number in it"
        )
    rng, (n_seeds, n_cases) = np.random.default_rng(seed), values.shape
    # How often each seed and each case was drawn is all that a mean depends on: two products give all the means.
    drawn = [(rng.integers(n_seeds, size=n_seeds), rng.integers(n_cases, size=n_cases)) for _ in range(DRAWS)]
    seeds, cases = (
        np.stack([np.bincount(rows, minlength=n) for rows in part])
        for part, n in zip(zip(*drawn, strict=True), (n_seeds, n_cases), strict=True)
    )
    counted = np.isfinite(values)
    sums, counts = (((seeds @ part) * cases).sum(axis=1) for part in (np.where(counted, values, 0.0), counted))
    means = sums[counts > 0] / counts[counts > 0]
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(np.nanmean(values)), float(low), float(high))
