"""A share of things counted, with its interval."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from rlhf_lessons.statistics.intervals import Interval, drawn_counts


@dataclass(frozen=True)
class Share:
    """`hits` of `n`. It prints as its interval does: `84.0% (78.3% to 88.4%)`."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        return self.hits / self.n if self.n else math.nan

    @cached_property
    def interval(self) -> Interval:
        """The share with its 95 % Wilson interval (Wilson 1927); NaN where nothing was counted."""
        if not self.n:
            return Interval(math.nan, math.nan, math.nan)
        from scipy.stats import binomtest  # takes half a second to import, and few callers need it

        wilson = binomtest(self.hits, self.n).proportion_ci(method="wilson")
        return Interval(self.value, float(wilson.low), float(wilson.high))

    def __str__(self) -> str:
        return f"{self.interval:.1%}"


def share_over_seeds(hits: ArrayLike, counts: ArrayLike, seed: int = 0) -> Interval:
    """A share of runs, sum(hits) / sum(counts), each (S,) by seed, with the range of 95 % of bootstrap shares.

    Runs of one seed share what they start from, so whole seeds are drawn again. Where every seed that counts says 0, or
    every one says 1, draws show no spread: the interval is then Wilson's, each seed counted once. NaN if none counts.
    """
    hits, counts = np.asarray(hits, dtype=float), np.asarray(counts, dtype=float)
    if not counts.sum():
        return Interval(math.nan, math.nan, math.nan)
    value = float(hits.sum() / counts.sum())
    if value in (0.0, 1.0):
        n = int((counts > 0).sum())
        return Share(int(value) * n, n).interval
    drawn, _ = drawn_counts(len(hits), 1, seed=seed)
    among = drawn @ counts
    low, high = np.percentile((drawn @ hits)[among > 0] / among[among > 0], [2.5, 97.5])
    return Interval(value, float(low), float(high))
