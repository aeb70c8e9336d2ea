"""How sure are we of a mean over seeds and cases? A bootstrap that draws both anew."""

from dataclasses import dataclass

import numpy as np

DRAWS = 2_000


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        return self.low, self.high

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def bootstrap(values: np.ndarray, seed: int = 0) -> Interval:
    """The mean of `values` (S seeds, C cases), with the range of 95 % of bootstrap means.

    Seeds and cases are drawn anew with replacement, so the interval covers other training runs and other questions.
    A nan (a case that the measure does not apply to) is left out. With one seed it covers other questions alone.
    Source: Efron and Tibshirani 1993, chapter 13; the two-way draw is that of Owen 2007.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or not np.isfinite(values).any():
        raise ValueError(
            f"values: shape {values.shape} is not allowed; it must be (seeds, cases) with some number in it"
        )
    rng, (n_seeds, n_cases) = np.random.default_rng(seed), values.shape
    means = [
        np.nanmean(values[rng.integers(n_seeds, size=n_seeds)][:, rng.integers(n_cases, size=n_cases)])
        for _ in range(DRAWS)
    ]
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(np.nanmean(values)), float(low), float(high))
