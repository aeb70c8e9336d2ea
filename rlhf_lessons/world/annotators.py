"""Annotators: people who compare two answers. They consult the rubric, and sometimes err.

What a trainer gets to see is only which answer they preferred.
"""

import random
from collections.abc import Iterable

from rlhf_lessons import knobs
from rlhf_lessons.world.cases import case_of
from rlhf_lessons.world.datasets import Pair
from rlhf_lessons.world.rubric import judge

SMALLEST_GAP = 0.25  # a smaller difference in score is a tie: one right part more or less is easily missed


def prefer(prompt: str, first: str, second: str) -> int:
    """Which answer is better by the rubric: 1 the first, -1 the second, 0 a tie."""
    case = case_of(prompt)
    gap = judge(case, first).score - judge(case, second).score
    return 0 if abs(gap) < SMALLEST_GAP else (1 if gap > 0 else -1)


def compare(answers: Iterable[tuple[str, str, str]]) -> list[Pair]:
    """Turn (prompt, one answer, other answer) into preference pairs; ties are left out."""
    pairs = []
    for prompt, first, second in answers:
        preference = prefer(prompt, first, second)
        if preference:
            chosen, rejected = (first, second) if preference > 0 else (second, first)
            pairs.append(Pair(prompt, chosen, rejected, "sampled"))
    return pairs


@knobs.checked
def add_noise(pairs: list[Pair], noise: knobs.Noise, seed: int) -> list[Pair]:
    """Swap chosen and rejected in a share `noise` of the pairs, as tired annotators do."""
    rng = random.Random(f"noise {seed}")
    return [pair.swapped() if rng.random() < noise else pair for pair in pairs]
