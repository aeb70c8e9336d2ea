"""Program 1's reward model, faults included: a linear score on a histogram of characters, trained by hand.

The source document logged a reward model whose loss rises and whose two rewards fall together. This program
does the same, for reasons one can point at:

- the *features* of an answer are ten numbers, the shares of its characters with `ord(char) % 10` = 0 to 9;
- the *sign* of the hand-written step is wrong: it climbs the loss;
- the *bias*, shared by both answers, should get `g - g = 0` from a pair, but gets `g` (it is not cancelled).

For a pair with margin `m = r(chosen) - r(rejected)` the loss is `-log sigma(m)` (Bradley and Terry 1952), and
its derivative with respect to the margin is `g = sigma(m) - 1`. The true gradient is
`g (x_chosen - x_rejected)` for the weights and 0 for the bias.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from rlhf_lessons import knobs
from rlhf_lessons.stages.history import History, Record

BINS = 10

# update -> (step along the gradient: -1 descends, +1 climbs; whether the bias gets g instead of 0)
HAND_WRITTEN: dict[knobs.Update, tuple[int, bool]] = {
    "as_logged": (+1, True),
    "sign_fixed": (-1, True),
    "bias_cancelled": (+1, False),
    "both_fixed": (-1, False),
}


class TextPair(Protocol):
    """Two answers to one prompt; `world.datasets.Pair` and `world.source_sets.SourcePair` are such pairs."""

    @property
    def chosen(self) -> str: ...

    @property
    def rejected(self) -> str: ...


class ProgramOneSettings(knobs.Settings):
    """What the document's program had, and what may be changed. The defaults are the document's own run."""

    learning_rate: knobs.LearningRate = 0.01
    epochs: knobs.Epochs = 100
    n_pairs: knobs.NPairs = 20
    reward_offset: knobs.RewardOffset = 0.0
    weight_scale: knobs.WeightScale = 0.1
    update: knobs.Update = "as_logged"
    features: knobs.Features = "histogram"
    seed: knobs.Seed = 0


def histogram_features(texts: Sequence[str]) -> np.ndarray:
    """Each text as ten numbers (N, 10): shares of its characters by `ord(char) % 10`; rows add up to 1."""
    counts = np.zeros((len(texts), BINS))
    for row, text in enumerate(texts):
        if not text:
            raise ValueError(f"texts: text {row} is empty; it must have at least one character")
        for char in text:
            counts[row, ord(char) % BINS] += 1
    return counts / counts.sum(axis=1, keepdims=True)


def word_features(texts: Sequence[str]) -> np.ndarray:
    """Each text as the shares of its words (N, W), a column for each of the W words that occur in `texts`."""
    words = sorted({word for text in texts for word in text.split()})
    counts = np.array([[text.split().count(word) for word in words] for text in texts], dtype=float)
    return counts / counts.sum(axis=1, keepdims=True)


FEATURES: dict[knobs.Features, Callable[[Sequence[str]], np.ndarray]] = {
    "histogram": histogram_features,
    "words": word_features,
}


@dataclass(frozen=True)
class Fitted:
    """A trained linear score: its log, its weights (one a feature) and its bias."""

    history: History
    weights: np.ndarray
    bias: float

    def score(self, texts: Sequence[str]) -> np.ndarray:
        """Rewards (N,) of N answers, for a program trained on histogram features.

        Word features would not do: their columns depend on the texts that the program was trained on.
        """
        return histogram_features(texts) @ self.weights + self.bias


def run(pairs: Sequence[TextPair], settings: ProgramOneSettings) -> History:
    """The log of `fit`."""
    return fit(pairs, settings).history


def fit(pairs: Sequence[TextPair], settings: ProgramOneSettings) -> Fitted:
    """Train on the first `n_pairs` pairs, one step a pair, in order; one record an epoch, epoch 0 untrained.

    Raises ValueError if there are fewer pairs than `n_pairs`.
    """
    if len(pairs) < settings.n_pairs:
        raise ValueError(f"n_pairs: {settings.n_pairs} is not allowed; it must be at most the {len(pairs)} pairs given")
    pairs = pairs[: settings.n_pairs]
    answers = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
    features = FEATURES[settings.features](answers)
    chosen, rejected = np.split(features, 2)
    train_epoch = _autograd_epoch if settings.update == "autograd" else _hand_written_epoch

    weights = np.random.default_rng(settings.seed).normal(0, settings.weight_scale, (features.shape[1],))
    bias = settings.reward_offset
    history = History([_record(0, chosen @ weights + bias, rejected @ weights + bias)])
    for epoch in range(1, settings.epochs + 1):
        weights, bias = train_epoch(chosen, rejected, weights, bias, settings)
        history.append(**_record(epoch, chosen @ weights + bias, rejected @ weights + bias))
    return Fitted(history, weights, bias)


def _hand_written_epoch(
    chosen: np.ndarray, rejected: np.ndarray, weights: np.ndarray, bias: float, settings: ProgramOneSettings
) -> tuple[np.ndarray, float]:
    direction, bias_gets_g = HAND_WRITTEN[settings.update]
    step = direction * settings.learning_rate
    for difference in chosen - rejected:
        g = _sigmoid(difference @ weights) - 1  # dL/dm
        weights = weights + step * g * difference
        if bias_gets_g:
            bias = bias + step * g
    return weights, bias


def _autograd_epoch(
    chosen: np.ndarray, rejected: np.ndarray, weights: np.ndarray, bias: float, settings: ProgramOneSettings
) -> tuple[np.ndarray, float]:
    # The bias is one more weight, on a feature that is 1 for every answer.
    ones = np.ones((len(chosen), 1))
    answers = torch.tensor(np.stack([np.hstack([chosen, ones]), np.hstack([rejected, ones])], axis=1))
    theta = torch.tensor([*weights, bias], dtype=torch.float64, requires_grad=True)
    for pair in answers:
        reward_chosen, reward_rejected = pair @ theta
        loss = -torch.nn.functional.logsigmoid(reward_chosen - reward_rejected)
        (gradient,) = torch.autograd.grad(loss, theta)
        with torch.no_grad():
            theta -= settings.learning_rate * gradient
    trained = theta.detach().numpy()
    return trained[:-1], float(trained[-1])


def _sigmoid(x: float) -> float:
    return np.exp(-np.logaddexp(0, -x))  # the plain formula overflows where x is far below 0


def _record(epoch: int, chosen: np.ndarray, rejected: np.ndarray) -> Record:
    margins = chosen - rejected
    return {
        "epoch": epoch,
        "loss": float(np.logaddexp(0, -margins).mean()),
        "margin": float(margins.mean()),
        "accuracy": float((margins > 0).mean()),
        "reward_chosen": float(chosen.mean()),
        "reward_rejected": float(rejected.mean()),
    }


def expected_drift(n_pairs: int, learning_rate: float, sigma: float = 0.5) -> float:
    """How far both rewards move together in an epoch when the bias is not cancelled: n x lr x (1 - sigma).

    `sigma` is the mean of sigma(margin) over the pairs, 0.5 while the margins are near 0. The rewards fall
    under the update `as_logged` and climb under `sign_fixed`.
    """
    return n_pairs * learning_rate * (1 - sigma)


def format_log(records: Iterable[Record], every: int = 20) -> str:
    """The log in the document's own format: one line every `every` epochs, without the untrained epoch 0."""
    if every < 1:
        raise ValueError(f"every: {every} is not allowed; it must be a whole number from 1")
    logged = (r for r in records if r["epoch"] > 0 and r["epoch"] % every == 0)
    return "\n".join(
        f"Epoch {r['epoch']:.0f}: Loss={r['loss']:.4f}, Margin={r['margin']:.3f}, "
        f"Accuracy={r['accuracy']:.0%}, "
        f"r(pref)={r['reward_chosen']:.2f}, r(dispref)={r['reward_rejected']:.2f}"
        for r in logged
    )
