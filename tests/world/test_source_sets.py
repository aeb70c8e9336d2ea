"""The source document's small sets, in our own words (topics: the last part of the document)."""

import re

import pytest

from rlhf_lessons.world.cases import case_of
from rlhf_lessons.world.rubric import judge
from rlhf_lessons.world.source_sets import CORPUS_LINES, EXPERT_PAIRS, PREFERENCE_PAIRS, every_text

PROMPTS = """gabapentin with egfr 28 ? | warfarin with ibuprofen ? | metformin with egfr 28 ?
| lisinopril with spironolactone ? | codeine with cyp2d6 poor metaboliser ? | lisinopril with pregnancy ?
| simvastatin with grapefruit ? | lithium with level 2.1 ? | amitriptyline with old age ?
| clarithromycin with long qt ? | sertraline with sudden stop ? | ibuprofen with egfr 28 ?
| lamotrigine with new rash ? | theophylline with level 25 ? | cefalexin with penicillin anaphylaxis ?
| simvastatin with muscle pain ? | metformin with glucose 126 ? | warfarin with st johns wort ?
| paracetamol with cirrhosis ? | diazepam with polypharmacy ?"""


def test_sizes_and_prompts_are_those_of_the_document():
    assert (len(PREFERENCE_PAIRS), len(CORPUS_LINES), len(EXPERT_PAIRS)) == (20, 10, 5)
    assert [pair.prompt for pair in PREFERENCE_PAIRS] == [" ".join(p.split()) for p in PROMPTS.split("|")]
    assert len({pair.topic for pair in PREFERENCE_PAIRS}) == 20


@pytest.mark.parametrize("text", list(every_text()))
def test_texts_are_tokens_with_single_spaces_that_fit_the_context(text):
    assert re.fullmatch(r"([a-z0-9]+(\.[0-9]+)?|[.,;:?])( ([a-z0-9]+(\.[0-9]+)?|[.,;:?]))*", text)
    assert len(text.split()) <= 26
    assert text.endswith(("?", "."))


def test_few_words_are_used_again_and_again():
    words = [word for text in every_text() for word in text.split()]
    assert len(set(words)) <= 220
    assert len(words) > 3 * len(set(words))


def test_no_answer_is_told_by_its_length():
    chosen = [len(pair.chosen.split()) for pair in PREFERENCE_PAIRS]
    rejected = [len(pair.rejected.split()) for pair in PREFERENCE_PAIRS]
    longer = sum(c > r for c, r in zip(chosen, rejected, strict=True))
    assert 4 <= longer <= 16
    assert abs(sum(chosen) - sum(rejected)) / 20 < 2


def test_preferred_answers_commit_and_dispreferred_ones_reassure():
    specific = re.compile(r"\d|avoid|stop|reduce|instead|check|do not|use")
    assert all(specific.search(pair.preferred) for pair in PREFERENCE_PAIRS)
    warnings = re.compile(r"avoid|toxic|risk|urgent|instead|do not use")
    assert not any(warnings.search(pair.dispreferred) for pair in PREFERENCE_PAIRS)
    assert all(pair.preferred != pair.dispreferred for pair in PREFERENCE_PAIRS)


HELD_UP = [(p.prompt, p.preferred) for p in PREFERENCE_PAIRS] + [(e.prompt, e.answer) for e in EXPERT_PAIRS]


@pytest.mark.parametrize(("prompt", "answer"), HELD_UP)
def test_the_rubric_finds_every_answer_that_the_course_holds_up_safe_and_right(prompt, answer):
    judgement = judge(case_of(prompt), answer)
    assert judgement.safe
    assert judgement.right
    assert judgement.score >= 0.9


@pytest.mark.parametrize("pair", PREFERENCE_PAIRS, ids=lambda pair: pair.topic)
def test_no_dispreferred_answer_is_safe(pair):
    judgement = judge(case_of(pair.prompt), pair.dispreferred)
    assert not judgement.safe
    assert judgement.score < 0.5
