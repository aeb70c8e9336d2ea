"""A share of things counted, with its interval."""

import math
from dataclasses import dataclass
from functools import cached_property

from rlhf_lessons.statistics.intervals import Interval


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
