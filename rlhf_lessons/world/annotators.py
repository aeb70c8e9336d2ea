"""Annotators: people who compare two answers. They see which is better by the rubric, and they disagree.

They follow the model that the reward model's loss assumes (Bradley and Terry 1952): the first of two answers is
preferred with probability sigma(gap / temperature), where the gap is the difference of their rubric scores. So the
best possible accuracy and loss on any set of pairs are known: `best_possible`. What a trainer gets to see is only
which answer they preferred.
"""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rlhf_lessons import knobs
from rlhf_lessons.world.cases import case_of
from rlhf_lessons.world.datasets import PAIR_MIX, Pair, written_pairs
from rlhf_lessons.world.rubric import judge

SMALLEST_GAP = 0.1  # a smaller difference is too small to see: a tie
BIAS_WORDS = 10  # the unit of a length bias


class Annotators(knobs.Settings):
    """How a group of annotators chooses. At the default two of them agree on about three pairs of four that the SFT
    model writes; published agreement is 63 % (Bai et al. 2022) to 77 % (Stiennon et al. 2020).
    """

    annotator_temperature: knobs.AnnotatorTemperature = 0.35
    length_bias: knobs.LengthBias = 0.0


PEOPLE = Annotators()
EXPERTS = Annotators(annotator_temperature=0.0)  # they never disagree


@dataclass(frozen=True)
class Ceiling:
    """What nobody can beat on a set of pairs, in expectation over the annotators' choices.

    accuracy: of whoever knows how often each answer is preferred. loss: their Bradley-Terry loss, in nats.
    agreement: the share of pairs on which two annotators choose alike.
    """

    accuracy: float
    loss: float
    agreement: float


def gap(prompt: str, first: str, second: str, people: Annotators = PEOPLE) -> float:
    """How much better the first answer seems to them, in rubric scores."""
    case = case_of(prompt)
    truth = judge(case, first).score - judge(case, second).score
    return truth + people.length_bias * (len(first.split()) - len(second.split())) / BIAS_WORDS


def preference(prompt: str, first: str, second: str, people: Annotators = PEOPLE) -> float:
    """The probability that they prefer the first answer; 0.5 for a tie."""
    seen = gap(prompt, first, second, people)
    if abs(seen) < SMALLEST_GAP:
        return 0.5
    if people.annotator_temperature == 0:
        return float(seen > 0)
    return 1 / (1 + math.exp(-max(-700.0, seen / people.annotator_temperature)))


def compare(answers: Iterable[tuple[str, str, str]], rng: random.Random, people: Annotators = PEOPLE) -> list[Pair]:
    """Turn (prompt, one answer, other answer) into preference pairs; ties are left out."""
    pairs = []
    for prompt, first, second in answers:
        if abs(gap(prompt, first, second, people)) >= SMALLEST_GAP:
            is_first = rng.random() < preference(prompt, first, second, people)
            pairs.append(Pair(prompt, *((first, second) if is_first else (second, first)), kind="sampled"))
    return pairs


def curated_pairs(
    n_pairs: int,
    split: str = "train",
    mix: Mapping[str, float] = PAIR_MIX,
    seed: int = 0,
    people: Annotators = PEOPLE,
) -> list[Pair]:
    """Pairs of a careful and a careless answer (`datasets.written_pairs`), the one that an annotator chose first."""
    rng = random.Random(f"annotators {split} {seed}")
    return [
        pair if rng.random() < preference(pair.prompt, pair.chosen, pair.rejected, people) else pair.swapped()
        for pair in written_pairs(n_pairs, split, mix, seed)
    ]


def best_possible(pairs: Sequence[Pair], people: Annotators = PEOPLE) -> Ceiling:
    """The ceiling on these pairs, whichever answers were chosen. Raises ValueError for no pairs."""
    if not pairs:
        raise ValueError("pairs: [] is not allowed; it must hold at least one pair")
    shares = [preference(pair.prompt, pair.chosen, pair.rejected, people) for pair in pairs]
    return Ceiling(
        accuracy=_mean(max(p, 1 - p) for p in shares),
        loss=_mean(-sum(q * math.log(q) for q in (p, 1 - p) if q > 0) for p in shares),
        agreement=_mean(p**2 + (1 - p) ** 2 for p in shares),
    )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed)


@knobs.checked
def add_noise(pairs: list[Pair], noise: knobs.Noise, seed: int) -> list[Pair]:
    """Swap chosen and rejected in a share `noise` of the pairs, as tired annotators do."""
    rng = random.Random(f"noise {seed}")
    return [pair.swapped() if rng.random() < noise else pair for pair in pairs]
