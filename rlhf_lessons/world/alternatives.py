"""What a patient can take, or do, instead: which alternative can stand in for a drug, and which would harm.

In a case with an interaction either of the two can be replaced; what remains is the other one. Elsewhere the drug is
replaced, and the situation remains.

Teaching simplification, not medical advice.
"""

from functools import cache

from rlhf_lessons.world.cases import Case
from rlhf_lessons.world.formulary import StandIn, load_facts, load_stand_ins


def stands_in(case: Case, alternative: str) -> bool:
    """Whether the alternative serves the same purpose, and may be used beside what remains."""
    return any(
        row.fits(_names(remains)) and not _clash(alternative, remains)
        for replaced, remains in _replacements(case)
        for row in _rows(replaced, alternative)
    )


def is_contraindicated(case: Case, alternative: str) -> bool:
    """Whether it is itself to be avoided here: it clashes with what would remain, or is what the case warns of."""
    if stands_in(case, alternative):
        return False
    return any(
        alternative == replaced
        or _clash(alternative, remains)
        or any(row.never_with.intersection(_names(remains)) for row in _rows(replaced, alternative))
        for replaced, remains in _replacements(case)
    )


@cache
def every_alternative() -> tuple[str, ...]:
    """All that an answer can name instead: each alternative of the tables, and each drug."""
    named = {row.alternative for row in load_stand_ins()} | {fact.drug for fact in load_facts()}
    return tuple(sorted(named | {fact.advice for fact in load_facts() if fact.verdict == "avoid"}))


def _replacements(case: Case) -> tuple[tuple[str, str], tuple[str, str]]:
    """Both ways to see the case, as (what is replaced, what remains)."""
    return (case.drug, case.band), (case.band, case.drug)


def _rows(replaced: str, alternative: str) -> list[StandIn]:
    return [r for r in load_stand_ins() if r.alternative == alternative and r.drug_or_class in _names(replaced)]


def _clash(alternative: str, remains: str) -> bool:
    return alternative == remains or bool({(alternative, remains), (remains, alternative)} & _avoided())


def _names(thing: str) -> set[str]:
    return {thing, _classes().get(thing, thing)}


@cache
def _avoided() -> frozenset[tuple[str, str]]:
    return frozenset((fact.drug, fact.situation) for fact in load_facts() if fact.verdict == "avoid")


@cache
def _classes() -> dict[str, str]:
    return {fact.drug: fact.drug_class for fact in load_facts()}
