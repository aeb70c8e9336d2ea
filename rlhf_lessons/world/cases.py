"""Cases: one question a patient's chart can raise, with its true answer.

A fact of the formulary becomes one case, or two where its situation is a renal band: the band
`egfr <30` is asked about as `egfr 15` and as `egfr 28`.
"""

import random
from dataclasses import dataclass
from functools import cache

from rlhf_lessons.refusals import check_choice
from rlhf_lessons.world.formulary import Fact, load_facts

EGFR_VALUES = {"egfr <30": (12, 20, 28), "egfr 30-59": (34, 42, 56), "egfr >=60": (64, 75, 95)}

SPLIT_SHARES = {"train": 0.65, "tuning": 0.1, "held_out": 0.25}
# Fixed, so that a case held out in one notebook is never trained on in another, whatever the other seeds.
SPLIT_SEED = 2024


@dataclass(frozen=True)
class Case:
    """A drug and a situation, with the true verdict, reason and advice.

    `advice` is an alternative for `avoid`, a percentage of the usual dose for `reduce`, empty for `safe`.
    """

    drug: str
    situation: str
    verdict: str
    reason: str
    advice: str
    source: str

    @property
    def prompt(self) -> str:
        return f"{self.drug} with {self.situation} ?"


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case, in the order of the formulary."""
    return tuple(case for fact in load_facts() for case in _cases_from(fact))


def case_of(prompt: str) -> Case:
    """The case a prompt asks about. Raises ValueError for a prompt that asks about none."""
    try:
        return _cases_by_prompt()[prompt]
    except KeyError:
        example = all_cases()[0].prompt
        raise ValueError(f"prompt: {prompt!r} is not allowed; it must be that of a case, such as {example!r}") from None


def split_of(case: Case) -> str:
    """The split a case belongs to: `train`, `tuning` or `held_out`. Raises ValueError for an unknown case."""
    return _splits()[case_of(case.prompt).prompt]


@cache
def cases_in(split: str) -> tuple[Case, ...]:
    """The cases of one split, in the order of the formulary."""
    check_choice("split", split, SPLIT_SHARES)
    return tuple(case for case in all_cases() if split_of(case) == split)


def _cases_from(fact: Fact) -> tuple[Case, ...]:
    situations = [f"egfr {value}" for value in EGFR_VALUES.get(fact.situation, ())] or [fact.situation]
    rest = (fact.verdict, fact.reason, fact.advice, fact.source)
    return tuple(Case(fact.drug, situation, *rest) for situation in situations)


@cache
def _cases_by_prompt() -> dict[str, Case]:
    return {case.prompt: case for case in all_cases()}


@cache
def _splits() -> dict[str, str]:
    """Prompt -> split: the cases of each verdict, shuffled and cut by the shares."""
    splits = {}
    for verdict in sorted({case.verdict for case in all_cases()}):
        cases = [case for case in all_cases() if case.verdict == verdict]
        random.Random(f"{SPLIT_SEED} {verdict}").shuffle(cases)
        train_end = round(SPLIT_SHARES["train"] * len(cases))
        tuning_end = round((SPLIT_SHARES["train"] + SPLIT_SHARES["tuning"]) * len(cases))
        for place, case in enumerate(cases):
            splits[case.prompt] = "train" if place < train_end else "tuning" if place < tuning_end else "held_out"
    return splits
