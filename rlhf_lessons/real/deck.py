"""Which pair of answers is shown next, and on which side each stands: blind, sides in balance, some pairs again."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rlhf_lessons.real.kept_answers import AnswerPair
from rlhf_lessons.real.labels import Label, PairKey, pair_of

AGAIN_EVERY, APART = 6, 4  # each sixth pair is an old one, with so many others since
BLOCK = 4  # of these pairs, half change sides


@dataclass(frozen=True)
class Shown:
    """A pair as it is shown: `answers` 1 and 2. again: whether it was labelled before."""

    question: str
    answers: tuple[str, str]
    source: str
    again: bool = False

    @property
    def pair(self) -> PairKey:
        return pair_of(self.question, *self.answers)


def change_sides(seed: int, n: int) -> bool:
    """Whether the answers of the n-th pair, from 0, change sides: at random, in half of each four pairs."""
    block = [True, False] * (BLOCK // 2)
    random.Random(f"sides {seed} {n // BLOCK}").shuffle(block)
    return block[n % BLOCK]


def next_shown(labels: Sequence[Label], pool: Iterable[AnswerPair], seed: int) -> Shown | None:
    """The pair to show after these labels: an old one if it is time for it, else the first of the pool without a label.

    An old one comes once, its sides changed. None where there is nothing left.
    """
    times = Counter(label.pair for label in labels)
    old = [label for label in labels[:-APART] if label.opinion and times[label.pair] == 1]
    if len(labels) % AGAIN_EVERY == AGAIN_EVERY - 1 and old:
        return Shown(old[0].question, old[0].answers[::-1], old[0].source, again=True)
    for new in pool:
        if pair_of(new.question, *new.answers) not in times:
            answers = new.answers[::-1] if change_sides(seed, len(labels)) else new.answers
            return Shown(new.question, answers, new.source)
    return None
