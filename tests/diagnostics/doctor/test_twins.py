"""Near twins of training prompts among held-out ones: in words of any subject, and what the doctor makes of them."""

import pytest

from rlhf_lessons.diagnostics.doctor import causes
from rlhf_lessons.diagnostics.doctor.twins import has_twin
from rlhf_lessons.diagnostics.findings import HEALTHY
from rlhf_lessons.diagnostics.reward_report import reward_report
from rlhf_lessons.world.datasets import Pair

TRAIN = [
    ("May I take aspirin at 20 weeks?", "No, not in the last months; ask for paracetamol.", "Sure."),
    ("Can ibuprofen go with warfarin?", "Better not: both thin the blood.", "Yes."),
    ("What is 12 + 30?", "42", "41"),
    ("Write a poem.", "Roses are red", "no"),
]


@pytest.mark.parametrize(
    ("prompt", "chosen", "twin"),
    [
        ("May I take aspirin at 35 weeks?", "No; paracetamol is better in the last months.", True),  # another number
        ("May I take aspirin at 1,200.5 weeks?", "No; paracetamol is better in the last months.", True),
        ("may i take  ASPIRIN, at 35 weeks", "No; paracetamol is better in the last months.", True),  # case, commas
        ("Can warfarin go with ibuprofen?", "Better not: it would thin the blood.", True),  # the other way round
        ("Write a poem.", "Violets of blue", True),  # word for word, whatever the answer
        ("May I take aspirin at 3 weeks?", "Yes, that early a low dose is harmless.", False),  # another answer is right
        ("What is 17 + 4?", "21", False),
        ("May I take codeine at 20 weeks?", "No, not in the last months; ask for paracetamol.", False),
        ("Can ibuprofen go with warfarin and tea?", "Better not: both thin the blood.", False),
        ("", "", False),
    ],
)
def test_a_twin_asks_the_same_at_another_number_or_the_other_way_round_and_is_answered_alike(prompt, chosen, twin):
    assert has_twin([(prompt, chosen, "")], TRAIN) == [twin]


def asked(topics, week, split):
    return [Pair(f"may {t} go at {week} weeks ?", f"no, {t} harms in {split}", f"sure, take {t}", "") for t in topics]


TOPICS = [f"drug{letter}{other}" for letter in "abcdefgh" for other in "abcdefghij"]
KNOWN, NEW = TOPICS[:40], TOPICS[40:]
TRAINED = asked(KNOWN, 20, "may")
HELD_OUT = asked(KNOWN, 35, "june") + asked(NEW, 35, "june")


def report(knows, held_out=HELD_OUT):
    """The report on a score that ranks rightly what is about a topic in `knows`, and half of the rest."""

    def right(prompt):
        topic = prompt.split()[1]
        return topic in knows or TOPICS.index(topic) % 2 == 0

    def score(answers):
        return [3.0 * (answer.startswith("no") == right(prompt)) for prompt, answer in answers]

    return reward_report(score, held_out, train_pairs=TRAINED)


def test_no_prompt_was_seen_word_for_word_yet_half_have_a_twin():
    e = report(TOPICS).examination
    assert e.seen_prompts.hits == e.seen_pairs.hits == 0
    assert (e.with_twin.n, e.without_twin.n) == (40, 40)
    assert report(TOPICS).table().value["near twins of training prompts"] == "40 of 80"


def test_a_score_that_only_knows_the_twins_is_a_leak():
    leaked = report(KNOWN)
    assert leaked.names[0] == causes.LEAK and not leaked.ready_for_ppo
    assert "100.0% (91.2% to 100.0%) on the 40 test pairs with a near twin" in leaked.findings[0].evidence
    assert "50.0% (35.2% to 64.8%) on the 40 without" in leaked.findings[0].evidence


def test_a_score_that_knows_the_new_ones_as_well_is_healthy_and_the_reader_is_told_of_the_twins():
    healthy = report(TOPICS)
    assert healthy.names == (HEALTHY,) and healthy.ready_for_ppo
    note = next(caution for caution in healthy.cautions if "near twin" in caution)
    assert "40 of 80 test prompts have a near twin in training" in note
    assert f"report both accuracies: {healthy.examination.with_twin} with a twin" in note
    assert f"Note: {note}." in str(healthy)


def test_a_handful_without_a_twin_is_too_few_to_compare():
    few = report(KNOWN, asked(KNOWN, 35, "june") + asked(NEW[:5], 35, "june"))
    assert causes.LEAK not in few.names
    assert any("the 5 without a twin are too few to compare accuracies" in caution for caution in few.cautions)


def test_new_questions_are_told_nothing_of_twins():
    assert not any("twin" in caution for caution in report(TOPICS, asked(NEW, 35, "june")).cautions)
