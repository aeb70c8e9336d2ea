"""Cases: one question a patient's chart can raise, with its true answer.

A fact of the formulary becomes one case, or several where its situation is a renal band: the band `egfr <30` is
asked about at each of its `EGFR_VALUES`.

Splits are by fact. Alignment (demonstrations, comparisons, PPO) sees the `train` cases alone. `near` holds back one
case of each trained fact that has several: the same drug and band at another value, or the same interaction asked
the other way round. `tuning` and `held_out` are far: alignment sees no case of their facts.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from rlhf_lessons.refusals import check_choice
from rlhf_lessons.world.formulary import Fact, load_facts

# Values at which the fact of every drug's band is true: see `formulary`.
EGFR_VALUES = {"egfr <30": (16, 20, 28), "egfr 30-59": (36, 39, 42), "egfr >=60": (64, 75, 95)}

SPLITS = ("train", "near", "tuning", "held_out")
TRAINED_SHARE, TUNING_SHARE = 0.65, 0.1  # of the cases of each verdict; train and near share the first
# Fixed, so that a case held out in one notebook is never trained on in another, whatever the other seeds.
SPLIT_SEED = 2024


@dataclass(frozen=True)
class Case:
    """A drug and a situation, with the true verdict, reason and advice.

    `advice` is an alternative for `avoid`, a percentage of the usual dose for `reduce`, empty for `safe`.
    `fact`: drug and situation, or drug and renal band, without order: cases with the same fact have the same truth.
    """

    drug: str
    situation: str
    verdict: str
    reason: str
    advice: str
    source: str
    fact: frozenset[str]

    @property
    def prompt(self) -> str:
        return f"{self.drug} with {self.situation} ?"

    @property
    def band(self) -> str:
        """The situation as the formulary names it: the renal band of an eGFR value."""
        return next(iter(self.fact - {self.drug}))


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
    """The split a case belongs to, one of `SPLITS`. Raises ValueError for an unknown case."""
    return _splits()[case_of(case.prompt).prompt]


@cache
def cases_in(split: str) -> tuple[Case, ...]:
    """The cases of one split, in the order of the formulary."""
    check_choice("split", split, SPLITS)
    return tuple(case for case in all_cases() if split_of(case) == split)


def _cases_from(fact: Fact) -> tuple[Case, ...]:
    situations = [f"egfr {value}" for value in EGFR_VALUES.get(fact.situation, ())] or [fact.situation]
    rest = (fact.verdict, fact.reason, fact.advice, fact.source, frozenset((fact.drug, fact.situation)))
    return tuple(Case(fact.drug, situation, *rest) for situation in situations)


@cache
def _cases_by_prompt() -> dict[str, Case]:
    return {case.prompt: case for case in all_cases()}


@cache
def _splits() -> dict[str, str]:
    """Prompt -> split: the facts of each verdict, shuffled and cut where the shares of its cases are reached."""
    splits: dict[str, str] = {}
    for verdict in sorted({case.verdict for case in all_cases()}):
        rng = random.Random(f"{SPLIT_SEED} {verdict}")
        facts = _by_fact(case for case in all_cases() if case.verdict == verdict)
        rng.shuffle(facts)
        n_cases, placed = sum(map(len, facts)), 0
        for cases in facts:
            trained, tuned = placed < TRAINED_SHARE * n_cases, placed < (TRAINED_SHARE + TUNING_SHARE) * n_cases
            where = "train" if trained else "tuning" if tuned else "held_out"
            splits |= {case.prompt: where for case in cases}
            if trained and len(cases) > 1:
                splits[rng.choice(cases).prompt] = "near"
            placed += len(cases)
    return splits


def _by_fact(cases: Iterable[Case]) -> list[list[Case]]:
    facts: dict[frozenset[str], list[Case]] = {}
    for case in cases:
        facts.setdefault(case.fact, []).append(case)
    return list(facts.values())
