"""Pairs of answers: features whose variance falls as a power law, and annotators who follow Bradley and Terry."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def preference_loss(margins: np.ndarray, smoothing: float = 0.0) -> np.ndarray:
    """-(1 - s) log sigmoid(m) - s log sigmoid(-m): Bradley and Terry's, with the labels smoothed by s."""
    with np.errstate(invalid="ignore"):  # margins that are not numbers have losses that are none
        return np.logaddexp(0, -margins) + smoothing * margins


def ceiling(margins: np.ndarray) -> float:
    """The accuracy of who knows the true margins: the mean over the pairs of max(p, 1 - p), p = sigmoid(margin)."""
    return float(sigmoid(np.abs(margins)).mean())


@dataclass(frozen=True)
class Pairs:
    """What a model sees of pairs: features of the chosen and of the rejected answer (N, D), and the true margins (N,).

    The true margin is that of the answer called chosen: negative where the annotator chose the worse one.
    """

    chosen: np.ndarray
    rejected: np.ndarray
    true: np.ndarray


@dataclass(frozen=True)
class World:
    """Where pairs come from: the features' standard deviations (D,), what each is worth (D,), the features' mean (D,).

    hidden: the standard deviation of the part of a pair's true margin that no feature shows; prompts: how far prompts
    differ, against how far answers to one prompt do.
    """

    spread: np.ndarray
    worth: np.ndarray
    level: np.ndarray
    hidden: float
    prompts: float = 1.0

    def pairs(self, rng: np.random.Generator, count: int) -> Pairs:
        """Pairs of two answers to one prompt, each labelled by an annotator who follows Bradley and Terry."""
        width = len(self.spread)
        apart = rng.standard_normal((count, width), dtype=np.float32) * self.spread
        middle = rng.standard_normal((count, width), dtype=np.float32) * (self.prompts * self.spread) + self.level
        true = apart @ self.worth + self.hidden * rng.standard_normal(count)
        sign = np.where(rng.random(count) < sigmoid(true), 1.0, -1.0)
        apart *= sign[:, None].astype(np.float32)
        return Pairs(middle + apart / 2, middle - apart / 2, true * sign)


def batches(rng: np.random.Generator, count: int, size: int) -> Iterator[np.ndarray]:
    """The rows of each batch, without end: all of them shuffled anew in every epoch, an incomplete batch left out."""
    while True:
        shuffled = rng.permutation(count)
        for start in range(0, count - size + 1, size):
            yield shuffled[start : start + size]
