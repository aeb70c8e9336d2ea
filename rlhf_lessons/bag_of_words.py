"""The simplest reward model: the reward of an answer is the sum of its words' weights. It never reads the question."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

STEPS, LEARNING_RATE = 200, 0.2


def words(answer: str) -> list[str]:
    """The words of an answer, without its punctuation."""
    return [word for word in answer.split() if word.isalnum()]


def columns(answers: Iterable[str]) -> dict[str, int]:
    """A number for each word of these answers."""
    return {word: number for number, word in enumerate(sorted({word for text in answers for word in words(text)}))}


def differences(pairs: Sequence[tuple[str, str]], numbers: Mapping[str, int]) -> np.ndarray:
    """How often each word stands in the first answer minus in the second, (pairs, words). `numbers` has them all."""
    counts = np.zeros((len(pairs), len(numbers)))
    for row, (first, second) in zip(counts, pairs, strict=True):
        for sign, answer in ((1, first), (-1, second)):
            for word in words(answer):
                row[numbers[word]] += sign
    return counts


def fit(labels: np.ndarray) -> np.ndarray:
    """Weights (words,) from `differences` (pairs, words) whose first answer was chosen; all 0 for no pairs.

    Gradient descent from 0 on the mean of -log sigma(margin), the loss of Bradley and Terry (1952).
    """
    weights = np.zeros(labels.shape[1])
    for _ in range(STEPS if len(labels) else 0):
        weights += LEARNING_RATE * (1 / (1 + np.exp(labels @ weights))) @ labels / len(labels)
    return weights
