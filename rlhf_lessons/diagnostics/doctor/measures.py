"""What can be measured of any reward function on preference pairs, without looking inside it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from rlhf_lessons.model.sequences import PairSet, Sequences
from rlhf_lessons.objectives.preference import bradley_terry_loss
from rlhf_lessons.statistics.shares import Share
from rlhf_lessons.world.datasets import Pair
from rlhf_lessons.world.tokenizer import Tokenizer

# Sequences, or a list of (prompt, answer) texts, of N answers -> rewards (N,)
ScoreFunction = Callable[[Any], Any]
TextPair = tuple[str, str, str]  # prompt, chosen, rejected
BINS = 5
HEDGES = frozenset(
    ("depends", "maybe", "probably", "perhaps", "possibly", "might", "could", "should", "hard", "usually")
)


@dataclass(frozen=True)
class Margins:
    """How far the chosen answer of each of N pairs is ahead of the rejected one, and what follows from that alone."""

    margins: Tensor  # (N,)

    def __len__(self) -> int:
        return len(self.margins)

    @cached_property
    def accuracy(self) -> Share:
        return self.accuracy_where(torch.ones(len(self), dtype=torch.bool))

    def accuracy_where(self, rows: Tensor) -> Share:
        """Accuracy on the pairs where `rows` (N,) is true; two ties count as one hit."""
        margins = self.margins[rows]
        return Share(int((margins > 0).sum()) + int((margins == 0).sum()) // 2, len(margins))

    @cached_property
    def nll(self) -> float:
        """Mean of -log sigma(margin), in nats; a coin's is ln 2."""
        return float(bradley_terry_loss(self.margins, torch.zeros_like(self.margins)))


@dataclass(frozen=True)
class ScoredPairs(Margins):
    """N pairs as texts (prompt, chosen, rejected), with the rewards (N,) of their two answers."""

    margins: Tensor = field(init=False)
    texts: Sequence[TextPair]
    chosen: Tensor
    rejected: Tensor

    def __post_init__(self) -> None:
        object.__setattr__(self, "margins", self.chosen - self.rejected)

    @cached_property
    def rewards(self) -> Tensor:
        """The rewards of all 2N answers, the chosen ones first."""
        return torch.cat([self.chosen, self.rejected])

    @cached_property
    def word_leads(self) -> Tensor:
        """By how many words the chosen answer is the longer one, (N,)."""
        return torch.tensor([len(chosen.split()) - len(rejected.split()) for _, chosen, rejected in self.texts])

    @property
    def answers(self) -> list[str]:
        """All 2N answers, in the order of `rewards`."""
        return [chosen for _, chosen, _ in self.texts] + [rejected for _, _, rejected in self.texts]


def score_pairs(score: ScoreFunction, pairs: PairSet | Sequence[Pair], tokenizer: Tokenizer) -> ScoredPairs:
    """Score both answers of every pair.

    A `PairSet` is handed to `score` as `Sequences`, a list of text pairs as a list of (prompt, answer).
    Raises ValueError if there are no pairs or `score` does not give one number an answer.
    """
    if not len(pairs):
        raise ValueError("pairs: 0 is not allowed; there must be at least one pair")
    texts = pair_texts(pairs, tokenizer)
    both: tuple[Any, Any] = ([(p, chosen) for p, chosen, _ in texts], [(p, rejected) for p, _, rejected in texts])
    if isinstance(pairs, PairSet):
        both = pairs.chosen, pairs.rejected
    chosen, rejected = (_rewards(score, answers, len(pairs)) for answers in both)
    return ScoredPairs(texts, chosen, rejected)


@torch.no_grad()
def _rewards(score: ScoreFunction, answers: Any, n: int) -> Tensor:
    rewards = torch.as_tensor(score(answers), dtype=torch.float64)
    if rewards.shape != (n,):
        raise ValueError(
            f"score: shape {tuple(rewards.shape)} is not allowed; it must give ({n},), one reward an answer"
        )
    return rewards


def pair_texts(pairs: PairSet | Sequence[Pair], tokenizer: Tokenizer) -> list[TextPair]:
    """Pairs as (prompt, chosen, rejected), as a model reads them: what was cut off is gone."""
    if not isinstance(pairs, PairSet):
        return [(pair.prompt, pair.chosen, pair.rejected) for pair in pairs]
    rows = zip(_texts(pairs.chosen, tokenizer), _texts(pairs.rejected, tokenizer), strict=True)
    return [(prompt, chosen, rejected) for (prompt, chosen), (_, rejected) in rows]


def _texts(sequences: Sequences, tokenizer: Tokenizer) -> list[tuple[str, str]]:
    columns = (sequences.tokens, sequences.prompt_lengths, sequences.lengths)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(tokenizer.decode(row[:split]), tokenizer.decode(row[split:end])) for row, split, end in rows]


def reliability(pairs: Margins) -> pd.DataFrame:
    """How sure against how right, in bins of confidence sigma(|margin|) from 0.5 to 1.

    Columns confidence and accuracy (means) and pairs (count); empty bins are left out.
    """
    confidence = torch.sigmoid(pairs.margins.abs())
    bins = ((confidence - 0.5) * 2 * BINS).floor().clamp(max=BINS - 1)  # NaN, for a margin of NaN, is in no bin
    rows = []
    for number in range(BINS):
        inside = bins == number
        share = pairs.accuracy_where(inside)
        if share.n:
            rows.append({"confidence": float(confidence[inside].mean()), "accuracy": share.value, "pairs": share.n})
    return pd.DataFrame(rows, columns=["confidence", "accuracy", "pairs"])


def calibration_error(bins: pd.DataFrame) -> float:
    """Expected calibration error (ECE): mean distance of confidence and accuracy, weighted by pairs; NaN without bins.

    Source: Guo et al. 2017, equation 3.
    """
    if bins.empty:
        return math.nan
    return float(((bins.confidence - bins.accuracy).abs() * bins.pairs).sum() / bins.pairs.sum())


def mean_confidence(bins: pd.DataFrame) -> float:
    """How sure the rewards are on average: the mean of sigma(|margin|), from 0.5 to 1; NaN without bins."""
    return float((bins.confidence * bins.pairs).sum() / bins.pairs.sum()) if len(bins) else math.nan


def length_correlation(pairs: ScoredPairs) -> float:
    """Correlation of the reward with the number of words over all answers; NaN where one of them never varies."""
    return correlation(pairs.rewards, torch.tensor([float(len(answer.split())) for answer in pairs.answers]))


def hedging_correlation(pairs: ScoredPairs) -> float:
    """Correlation of the reward with the presence of a hedging word (`HEDGES`) over all answers."""
    return correlation(pairs.rewards, torch.tensor([float(not HEDGES.isdisjoint(a.split())) for a in pairs.answers]))


def correlation(first: Tensor, second: Tensor) -> float:
    """Pearson's correlation of two vectors (N,); NaN where one of them never varies."""
    if float(first.std()) < 1e-12 or float(second.std()) < 1e-12:
        return math.nan
    return float(torch.corrcoef(torch.stack([first.double(), second.double()]))[0, 1])


def identical(texts: Sequence[TextPair]) -> Share:
    """Pairs whose two answers are the same text, as the model reads them."""
    return Share(sum(chosen == rejected for _, chosen, rejected in texts), len(texts))


def seen_pairs(texts: Sequence[TextPair], train: Sequence[TextPair]) -> Share:
    """Pairs that are among the training pairs, word for word."""
    known = set(train)
    return Share(sum(text in known for text in texts), len(texts))


def seen_prompts(texts: Sequence[TextPair], train: Sequence[TextPair]) -> Share:
    """Pairs whose prompt is among the training prompts."""
    known = {prompt for prompt, _, _ in train}
    return Share(sum(prompt in known for prompt, _, _ in texts), len(texts))


def shift_gradient(pairs: ScoredPairs) -> float:
    """Derivative of the loss with respect to a constant added to all rewards: 0, whatever the rewards are."""
    constant = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    loss = -F.logsigmoid((pairs.chosen + constant) - (pairs.rejected + constant)).mean()
    (gradient,) = torch.autograd.grad(loss, constant)
    return float(gradient)
