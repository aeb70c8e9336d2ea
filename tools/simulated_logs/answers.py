"""What a policy in reinforcement learning can answer: a few answers to each prompt, all listed, so all is enumerable.

An answer has hidden features; on them depend whether it is right, whether it keeps the format, and how long it is.
"""

from dataclasses import dataclass

import numpy as np

PROMPTS, CHOICES, WIDTH = 64, 24, 12
DECISIONS = 8  # tokens of an answer in which the policy decides something; the others are bound to follow


@dataclass(frozen=True)
class Menu:
    """P prompts with K answers each.

    features (P, K, D); start (P, K): the logits of the policy before training; right, shaped (P, K): whether the
    answer is correct and keeps the format; liked (P, K): a reward model's score; lengths (P, K) in tokens, those over
    `longest` cut off; prompts (P, D): what a critic sees of a prompt; copies: how often an answer takes the same
    decision again, so that its log-probability counts as often.
    """

    features: np.ndarray
    start: np.ndarray
    right: np.ndarray
    shaped: np.ndarray
    liked: np.ndarray
    lengths: np.ndarray
    longest: int
    prompts: np.ndarray
    copies: int

    def cut(self) -> np.ndarray:
        """(P, K) whether the answer is cut off."""
        return self.lengths >= self.longest


def menu(
    rng: np.random.Generator,
    solved: float = 0.35,
    spread: float = 1.0,
    rivalry: float = 0.0,
    wordy: float = 0.0,
    longest: float = 4.0,
    phrasings: int = 1,
    copies: int = 1,
) -> Menu:
    """Draw a menu.

    solved: the share of answers that are right; spread: standard deviation of the policy's logits; rivalry: how far
    what keeps the format goes with being wrong; wordy: how far long answers are liked; longest: the limit on the
    length, as a multiple of the usual one; phrasings: how many answers share their features; copies: as in `Menu`.
    """
    distinct = rng.standard_normal((PROMPTS, CHOICES // phrasings, WIDTH)).astype(np.float32)
    features = np.repeat(distinct, phrasings, axis=1)
    prompts = rng.standard_normal((PROMPTS, WIDTH)).astype(np.float32)
    ease = 0.8 * prompts[:, :1]
    worth = features[..., 0] + 0.6 * rng.standard_normal((PROMPTS, CHOICES)) + ease
    neat = features[..., 1] - rivalry * features[..., 0]
    words = features[..., 2]
    usual = rng.uniform(80, 400)
    lengths = np.maximum(4, usual * np.exp(0.45 * words)).astype(int)
    limit = int(usual * longest)
    return Menu(
        features=features,
        start=spread * (0.5 * features[..., 3] + 0.85 * rng.standard_normal((PROMPTS, CHOICES))),
        right=(worth > np.quantile(worth, 1 - solved)) & (lengths < limit),
        shaped=neat > np.quantile(neat, 0.6),
        liked=worth + wordy * words,
        lengths=np.minimum(lengths, limit),
        longest=limit,
        prompts=prompts,
        copies=copies,
    )


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """(..., K) log-probabilities."""
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


class Policy:
    """A softmax over the answers: the logits before training, plus weights times features."""

    def __init__(self, listed: Menu) -> None:
        self.menu = listed
        self.weights = np.zeros(WIDTH, dtype=np.float32)
        self.start = log_softmax(listed.start)

    def logps(self, prompts: np.ndarray) -> np.ndarray:
        """(B, K) log-probabilities of all answers to these prompts."""
        return log_softmax(self.menu.start[prompts] + self.menu.features[prompts] @ self.weights)

    def log_ratio(self, prompts: np.ndarray, logps: np.ndarray) -> np.ndarray:
        """(B, K) how far the log-probabilities of whole answers are from those before training."""
        return self.menu.copies * (logps - self.start[prompts])

    def gradient(self, prompts: np.ndarray, logps: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """(D,) the gradient of the sum of pull (B, K) times log-probability; logps: those of the policy (B, K)."""
        ahead = pull - np.exp(logps) * pull.sum(axis=1, keepdims=True)
        return np.einsum("bk,bkd->d", ahead, self.menu.features[prompts])

    def reward(self, rewards: np.ndarray) -> float:
        """The exact mean of rewards (P, K) under the policy."""
        return float((np.exp(self.logps(np.arange(PROMPTS))) * rewards).sum(axis=1).mean())


def entropy(logps: np.ndarray) -> float:
    """The mean entropy of an answer, in nats."""
    return float(-(np.exp(logps) * logps).sum(axis=1).mean())


def k3(log_ratio: np.ndarray) -> np.ndarray:
    """Schulman's estimate of KL from log(pi / pi_ref) of samples of pi: exp(-x) - 1 + x, never negative."""
    return np.exp(-np.clip(log_ratio, -30, 30)) - 1 + log_ratio
