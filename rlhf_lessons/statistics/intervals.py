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


def t_interval(values: ArrayLike, groups: ArrayLike | None = None) -> Interval:
    """The mean of `values` (N,) with Student's interval: for a few runs on the same questions, one value a seed.

    groups (N,), whole numbers from 0: values of one group go together, and the spread is that of the groups' sums
    (Liang and Zeger 1986). Without them each value counts alone. Raises ValueError for fewer than two groups.
    """
    from scipy import stats  # takes half a second to import, and few callers need it

    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"values: shape {values.shape} is not allowed; it must be (N,), N from 2 up")
    mean = float(values.mean())
    sums = np.bincount(_numbered(groups, len(values)), values - mean)
    n = len(sums)
    if n < 2:
        raise ValueError("groups: one group is not allowed; there must be two or more")
    half = float(stats.t.ppf(0.975, n - 1) * np.sqrt(n / (n - 1) * (sums**2).sum()) / len(values))
    return Interval(mean, mean - half, mean + half)


def drawn_counts(
    n_seeds: int, n_cases: int, groups: ArrayLike | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """How often each seed (DRAWS, S) and each case (DRAWS, C) is drawn: all that a bootstrap mean depends on.

    groups (C,), whole numbers from 0: cases of one group are drawn together.
    """
    numbers, rng = _numbered(groups, n_cases), np.random.default_rng(seed)
    n_groups = int(numbers.max()) + 1
    drawn = [(rng.integers(n_seeds, size=n_seeds), rng.integers(n_groups, size=n_groups)) for _ in range(DRAWS)]
    seeds, cases = (
        np.stack([np.bincount(rows, minlength=n) for rows in part])
        for part, n in zip(zip(*drawn, strict=True), (n_seeds, n_groups), strict=True)
    )
    return seeds, cases[:, numbers]


def _numbered(groups: ArrayLike | None, n: int) -> np.ndarray:
    return np.arange(n) if groups is None else np.asarray(groups)


def bootstrap(values: ArrayLike, groups: ArrayLike | None = None, seed: int = 0) -> Interval:
    """The mean of `values` (S seeds, C cases), with the range of 95 % of bootstrap means.

    Seeds and cases are both drawn again with replacement, so the interval covers other training runs and other
    questions; with one seed, other questions only. Cases that stand and fall together are drawn together: `groups`, as
    in `drawn_counts`. A nan (a case that the measure does not apply to) is left out.
    Source: Efron and Tibshirani 1993, chapter 13; the two-way draw is that of Owen 2007.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or not np.isfinite(values).any():
        raise ValueError(
            f"values: shape {values.shape} is not allowed; it must be (seeds, cases) with some number in it"
        )
    n_seeds, n_cases = values.shape
    seeds, cases = drawn_counts(n_seeds, n_cases, groups, seed)
    counted = np.isfinite(values)
    sums, counts = (((seeds @ part) * cases).sum(axis=1) for part in (np.where(counted, values, 0.0), counted))
    means = sums[counts > 0] / counts[counts > 0]
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(np.nanmean(values)), float(low), float(high))
