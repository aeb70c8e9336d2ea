"""Where a measured curve is highest, and how sure that is: the highest look of the means, and of bootstrap means."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rlhf_lessons.statistics.intervals import DRAWS, Interval, drawn_counts

FALLS, TURNS, RISES = "falls from the start", "peak", "no peak seen"
CLEAR = 0.95  # of the draws


@dataclass(frozen=True)
class Peak:
    """The highest of L looks.

    look: its place. at: where it is. height: the mean there. before, after: where the looks beside the interval `at`
    are. verdict: `FALLS` where the highest look is the first, `RISES` where it is the last, else `TURNS`. agree: the
    share of bootstrap draws with the same verdict.
    """

    look: int
    at: Interval
    height: Interval
    before: float
    after: float
    verdict: str
    agree: float

    @property
    def turns(self) -> bool:
        """Whether a peak between the first look and the last is clear: 95 % of the draws have one there."""
        return self.verdict == TURNS and self.agree >= CLEAR


def peak(values: ArrayLike, where: ArrayLike, groups: ArrayLike | None = None, seed: int = 0) -> Peak:
    """The peak of the means of `values` (S seeds, L looks, C cases), looked at `where` (S, L).

    Seeds and (groups of) cases are both drawn again, as in `bootstrap`, and each draw has a highest look of its own.
    A largest mean is a little too large, since it was chosen for its size; so is the height.
    Raises ValueError for other shapes, and for fewer than two looks.
    """
    values, where = np.asarray(values, dtype=float), np.asarray(where, dtype=float)
    if values.ndim != 3 or where.shape != values.shape[:2] or values.shape[1] < 2 or not values.size:
        shapes = f"{values.shape} and {where.shape}"
        raise ValueError(f"values, where: shapes {shapes} are not allowed; they must be (S, L, C) and (S, L), L over 1")
    n_seeds, n_looks, n_cases = values.shape
    seeds, cases = drawn_counts(n_seeds, n_cases, groups, seed)
    by_seed = (values.reshape(-1, n_cases) @ cases.T).reshape(n_seeds, n_looks, DRAWS)
    means = np.einsum("ds,sld->dl", seeds, by_seed) / (n_seeds * cases.sum(axis=1, keepdims=True))
    places = seeds @ where / n_seeds  # (DRAWS, L)
    highest, draws = means.argmax(axis=1), np.arange(DRAWS)
    observed, distances = values.mean(axis=(0, 2)), where.mean(axis=0)
    look = int(observed.argmax())
    verdicts = (FALLS, *[TURNS] * (n_looks - 2), RISES)
    low, high = (int(end) for end in np.percentile(highest, [2.5, 97.5], method="nearest"))
    return Peak(
        look,
        _interval(float(distances[look]), places[draws, highest]),
        _interval(float(observed[look]), means.max(axis=1)),
        before=float(distances[max(low - 1, 0)]),
        after=float(distances[min(high + 1, n_looks - 1)]),
        verdict=verdicts[look],
        agree=float(np.mean([verdicts[place] == verdicts[look] for place in highest])),
    )


def _interval(value: float, drawn: np.ndarray) -> Interval:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(value, float(low), float(high))
