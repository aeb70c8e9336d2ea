"""The curves of Gao, Schulman and Hilton (2022): how the gold score goes with the distance from the SFT model.

With d = sqrt(KL), a policy that climbs a proxy gains, in gold score,

    best of n:  R(d) = d (alpha - beta d)
    PPO:        R(d) = d (alpha - beta log d)

alpha is how well the proxy leads at first, beta how fast it leads astray. Both are linear in alpha and beta, so
least squares fits them exactly.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rlhf_lessons.refusals import check_choice

SHAPES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "best_of_n": lambda d: d**2,
    "ppo": lambda d: d * np.log(np.where(d > 0, d, 1.0)),  # 0 at d = 0, its limit
}


@dataclass(frozen=True)
class Fit:
    """gain(d) = d (alpha - beta f(d)), with the share of the gains' variance that it explains."""

    method: str
    alpha: float
    beta: float
    r_squared: float

    def gain(self, d: np.ndarray) -> np.ndarray:
        """The fitted gain in gold score at the distances d = sqrt(KL)."""
        return self.alpha * d - self.beta * SHAPES[self.method](d)

    @property
    def turn(self) -> float:
        """The distance at which the gain is largest; infinity where it never turns down, 0 where it only falls."""
        if self.beta <= 0:
            return math.inf
        return math.exp(self.alpha / self.beta - 1) if self.method == "ppo" else max(self.alpha / (2 * self.beta), 0.0)


def fit(method: str, d: np.ndarray, gain: np.ndarray) -> Fit:
    """Fit the curve of `method` (`best_of_n` or `ppo`) to gains in gold score at distances d = sqrt(KL nats).

    Raises ValueError for another method, unequal shapes and fewer than three points.
    """
    check_choice("method", method, SHAPES)
    d, gain = np.asarray(d, dtype=float), np.asarray(gain, dtype=float)
    if d.shape != gain.shape or d.ndim != 1 or len(d) < 3:
        raise ValueError(f"d, gain: shapes {d.shape} and {gain.shape} are not allowed; both must be (N,), N from 3 up")
    columns = np.stack([d, -SHAPES[method](d)], axis=1)
    (alpha, beta), *_ = np.linalg.lstsq(columns, gain, rcond=None)
    left = gain - columns @ (alpha, beta)
    spread = float(((gain - gain.mean()) ** 2).sum())
    return Fit(method, float(alpha), float(beta), 1 - float((left**2).sum()) / spread if spread else float("nan"))
