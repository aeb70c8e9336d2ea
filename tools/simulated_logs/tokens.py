"""A language model small enough to enumerate: a softmax over a few tokens, linear in the context.

A context is the sum of a mean that all contexts share, of the prompt, of the token before and of the place. An answer
has `PLACES` tokens, and each of them stands for several real ones: its log-probability counts `repeats` times.
"""

from dataclasses import dataclass, replace

import numpy as np

TOKENS, PLACES, WIDTH = 16, 8, 8


@dataclass(frozen=True)
class Answers:
    """N answers.

    prompts: the prompts' vectors (N, `WIDTH`); tokens (N, T); contexts: what a model sees before each token (N, T, D);
    repeats: how many real tokens each stands for (N,); before: the log-probabilities before training (N,).
    """

    prompts: np.ndarray
    tokens: np.ndarray
    contexts: np.ndarray
    repeats: np.ndarray
    before: np.ndarray

    def __getitem__(self, rows: np.ndarray | slice) -> "Answers":
        return Answers(*(part[rows] for part in vars(self).values()))

    def __add__(self, other: "Answers") -> "Answers":
        """These answers, and after them the others."""
        return Answers(*(np.concatenate(two) for two in zip(vars(self).values(), vars(other).values(), strict=True)))

    def lengths(self) -> np.ndarray:
        """(N,) the number of real tokens."""
        return self.repeats * self.tokens.shape[1]


class Language:
    """What contexts are made of, and the model that people start from (D, V).

    memory: how many features a context has beside the plain ones: waves over them, too short for two contexts to share.
    """

    def __init__(self, rng: np.random.Generator, memory: int = 0, sharpness: float = 2.0) -> None:
        self.memory = memory
        self.waves = 2.0 * rng.standard_normal((WIDTH, memory)).astype(np.float32)
        self.mean = rng.standard_normal(WIDTH).astype(np.float32) * 0.7
        self.before = rng.standard_normal((TOKENS + 1, WIDTH)).astype(np.float32) * 0.5
        self.places = rng.standard_normal((PLACES, WIDTH)).astype(np.float32) * 0.3
        self.start = self.plain(rng) * np.float32(sharpness / np.sqrt(WIDTH))

    def plain(self, rng: np.random.Generator) -> np.ndarray:
        """(D, V) a random model that uses the plain features alone."""
        used = rng.standard_normal((WIDTH, TOKENS)).astype(np.float32)
        return np.concatenate([used, np.zeros((self.memory, TOKENS), dtype=np.float32)])

    def prompts(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """(N, D) the vectors of as many prompts."""
        return rng.standard_normal((count, WIDTH)).astype(np.float32) * 0.6

    def contexts(self, prompts: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """(N, T, D) what the model sees before each token."""
        first = np.full((len(tokens), 1), TOKENS)
        before = np.concatenate([first, tokens[:, :-1]], axis=1)
        return self.seen(self.before[before] + self.places + (self.mean + prompts)[:, None, :])

    def answers(self, prompts: np.ndarray, tokens: np.ndarray, repeats: np.ndarray) -> Answers:
        """Answers to these prompts."""
        unread = Answers(prompts, tokens, self.contexts(prompts, tokens), repeats, np.zeros(len(tokens)))
        return replace(unread, before=run(self.start, unread).sums())

    def seen(self, plain: np.ndarray) -> np.ndarray:
        """(..., D) the plain features (..., `WIDTH`), and the waves over them."""
        return np.concatenate([plain, 0.5 * np.sin(plain @ self.waves)], axis=-1) if self.memory else plain

    def sample(self, rng: np.random.Generator, model: np.ndarray, prompts: np.ndarray) -> np.ndarray:
        """(N, T) tokens, drawn one after the other."""
        tokens = np.full((len(prompts), PLACES), TOKENS)
        before = np.full(len(prompts), TOKENS)
        for place in range(PLACES):
            logits = self.seen(self.mean + prompts + self.before[before] + self.places[place]) @ model
            waits = rng.standard_exponential(logits.shape, dtype=np.float32)
            before = (logits - np.log(waits + 1e-20)).argmax(axis=1)
            tokens[:, place] = before
        return tokens


@dataclass(frozen=True)
class Pass:
    """One pass of a model over answers: probabilities (N, T, V) and log-probabilities (N, T) of the tokens."""

    answers: Answers
    probabilities: np.ndarray
    logps: np.ndarray
    mean_logit: float

    def sums(self) -> np.ndarray:
        """(N,) the answers' log-probabilities."""
        return self.logps.sum(axis=1) * self.answers.repeats

    def means(self) -> np.ndarray:
        """(N,) the answers' log-probabilities per token."""
        return self.logps.mean(axis=1)

    def gradient(self, pull: np.ndarray) -> np.ndarray:
        """(D, V) the gradient of the sum over answers of `pull` (N,) times the sum of their T log-probabilities."""
        ahead = -self.probabilities
        count, places = self.logps.shape
        ahead[np.arange(count)[:, None], np.arange(places), self.answers.tokens] += 1
        ahead *= pull[:, None, None].astype(np.float32)
        return self.answers.contexts.reshape(-1, self.answers.contexts.shape[-1]).T @ ahead.reshape(-1, TOKENS)

    def token_accuracy(self) -> float:
        """The share of the chosen answers' tokens, the first half, that the model would have written."""
        half = len(self.logps) // 2
        return float((self.probabilities[:half].argmax(axis=2) == self.answers.tokens[:half]).mean())

    def entropy(self) -> float:
        """The mean entropy of the next token, in nats."""
        p = np.maximum(self.probabilities, 1e-30)
        return float(-(p * np.log(p)).sum(axis=2).mean())


def run(model: np.ndarray, answers: Answers) -> Pass:
    """Apply a model (D, V) to answers."""
    logits = answers.contexts @ model
    mean_logit = float(logits.mean())
    logits = logits - logits.max(axis=2, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=2, keepdims=True))
    rows, places = np.arange(len(logits))[:, None], np.arange(logits.shape[1])
    return Pass(answers, np.exp(logits), logits[rows, places, answers.tokens], mean_logit)
