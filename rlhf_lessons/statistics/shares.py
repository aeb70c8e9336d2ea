"""A share of things counted, with its interval."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """`hits` of `n`, with a 95 % Wilson interval (Wilson 1927)."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        return self.hits / self.n if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        if not self.n:
            return math.nan, math.nan
        z, p = 1.96, self.value
        middle, spread = (
            p + z * z / (2 * self.n),
            z * math.sqrt(p * (1 - p) / self.n + (z / (2 * self.n)) ** 2),
        )
        return (middle - spread) / (1 + z * z / self.n), (middle + spread) / (1 + z * z / self.n)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} ({low:.1%} to {high:.1%})"
