"""Careful words besides the grammar's: each is needed, and none changes what the grammar says."""

import itertools

import pytest

from rlhf_lessons.world import answers
from rlhf_lessons.world.cases import all_cases
from rlhf_lessons.world.formulary import load_facts, load_reasons, load_said_otherwise
from rlhf_lessons.world.source_sets import EXPERT_PAIRS, PREFERENCE_PAIRS

PHRASES = load_said_otherwise()
HELD_UP = [pair.preferred for pair in PREFERENCE_PAIRS] + [pair.answer for pair in EXPERT_PAIRS]
ALTERNATIVES = {fact.advice for fact in load_facts() if fact.verdict == "avoid"}
COLUMNS = "kind,value,phrase"


def fillings(row):
    names = ALTERNATIVES | {"doxycycline"} if row.value.startswith("avoid") else {"25", "50", "75"}
    return [row.phrase.replace("{}", name) for name in (names if "{}" in row.phrase else [""])]


def is_within(phrase, text):
    return f" {phrase} " in f" {text} "


@pytest.mark.parametrize("row", PHRASES, ids=lambda row: row.phrase)
def test_every_phrase_is_said_by_a_sentence_that_the_course_holds_up(row):
    assert any(is_within(phrase, text) for phrase in fillings(row) for text in HELD_UP)


def grammar():
    """Every phrase of the grammar with what it means; the endings mean nothing."""
    for verdict, phrases in [*answers.VERDICT_PHRASES.items(), *answers.LOOSE_PHRASES.items()]:
        yield from ((phrase, verdict) for phrase in phrases)
    yield from ((phrase, reason.key) for reason in load_reasons().values() for phrase in reason.phrases)
    for verdict, advice in {(case.verdict, case.advice) for case in all_cases()}:
        yield from ((phrase, f"{verdict} {advice}".strip()) for phrase in answers.advice_phrases(verdict, advice))
    endings = (phrase for phrases in answers.LOOSE_ENDINGS.values() for phrase in phrases)
    for phrase in (*endings, *answers.VAGUE_ENDINGS, *answers.DANGEROUS_ENDINGS):
        yield phrase, ""
    yield from ((phrase, "") for phrase in answers.VAGUE_PHRASES + answers.DANGEROUS_PHRASES)


def test_no_phrase_is_read_in_a_grammar_phrase_with_another_meaning():
    for row, (text, meaning) in itertools.product(PHRASES, grammar()):
        for phrase in fillings(row):
            assert not is_within(phrase, text) or row.value == meaning, (row, text)


def test_no_phrase_is_given_twice():
    assert len({row.phrase for row in PHRASES}) == len(PHRASES)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("mood,avoid,avoid", "kind"),
        ("verdict,perhaps,avoid", "value"),
        ("reason,bad_luck,it builds up", "value"),
        ("advice,avoid,use insulin", "value"),
        ("verdict,avoid,Avoid", "phrase"),
    ],
)
def test_a_bad_value_is_named_with_its_row_and_field(refused, row, field):
    refused(load_said_otherwise, "said_otherwise.csv", COLUMNS, row, field)
