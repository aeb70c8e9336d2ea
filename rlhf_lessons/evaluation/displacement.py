"""Where probability goes that training took away: what a policy answers, beside the two answers of a pair."""

import itertools
from collections.abc import Sequence
from functools import cache

import pandas as pd

from rlhf_lessons.evaluation.scorecard import Answer, sample_answers
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.world.cases import case_of
from rlhf_lessons.world.datasets import Pair, corpus
from rlhf_lessons.world.rubric import find_phrases, judge

CHOSEN, REJECTED = "says what the chosen one says", "says what the rejected one says"
AS_GOOD, WORSE, BROKEN = "something else, as good", "something else, worse", "broken language"
KINDS = (CHOSEN, REJECTED, AS_GOOD, WORSE, BROKEN)
NOTES = 40_000  # as many as the pretrained model has read


def kinds_said(policy: GPT, pairs: Sequence[Pair], n_each: int = 8, seed: int = 0) -> pd.DataFrame:
    """The shares of `KINDS` among `n_each` answers to the prompt of each pair, sampled at temperature 1: a row a pair.

    *Says what the chosen one says*: in any words. *As good*: as the chosen one, or better, by the rubric. An answer in
    broken language is of that kind alone, whatever it says.
    """
    answers = sample_answers(policy, [pair.prompt for pair in pairs], n_each, seed=seed)
    asked = [pair for pair in pairs for _ in range(n_each)]
    kinds = pd.Series([kind_of(answer, pair) for answer, pair in zip(answers, asked, strict=True)])
    flags = pd.DataFrame({kind: (kinds == kind).astype(float) for kind in KINDS})
    return flags.groupby(flags.index // n_each).mean()


def kind_of(answer: Answer, pair: Pair) -> str:
    """Which of `KINDS` an answer to the prompt of a pair is."""
    if is_broken(answer.text):
        return BROKEN
    said = sorted(find_phrases(answer.text))
    for kind, text in ((CHOSEN, pair.chosen), (REJECTED, pair.rejected)):
        if said == sorted(find_phrases(text)):
            return kind
    return AS_GOOD if answer.judgement.score >= judge(case_of(pair.prompt), pair.chosen).score else WORSE


def is_broken(text: str) -> bool:
    """Whether two words stand side by side, or one at an end, as in none of the notes. The rubric does not see it."""
    return not _neighbours(text) <= _written()


def _neighbours(text: str) -> set[tuple[str, str]]:
    return set(itertools.pairwise(["", *text.split(), ""]))


@cache
def _written() -> set[tuple[str, str]]:
    return set().union(*(_neighbours(note.answer) for note in corpus(NOTES)))
