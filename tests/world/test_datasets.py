"""Data of the four stages: what is in it, what must not be, and how it becomes tensors."""

import random

import pytest
import torch

from rlhf_lessons.model.sequences import BOS_ID, EOS_ID, PAD_ID
from rlhf_lessons.world import datasets
from rlhf_lessons.world.cases import SPLITS, all_cases, case_of, split_of
from rlhf_lessons.world.rubric import judge
from rlhf_lessons.world.tokenizer import course_tokenizer

GOOD = "avoid it : lactic acid rises ; choose insulin ."
POOR = "it depends ; see how it goes ."
METFORMIN = "metformin with egfr 28 ?"


def test_the_corpus_covers_all_splits_in_the_chosen_mix():
    notes = datasets.corpus(4000, careful_share=0.7, popular_share=0.0)
    assert sum(note.manner == "careful" for note in notes) / 4000 == pytest.approx(0.7, abs=0.04)
    assert {split_of(case_of(note.prompt)) for note in notes} == set(SPLITS)


def test_a_popular_error_is_heard_more_often_than_the_truth_and_nowhere_else():
    popular = datasets.popular_facts(0.25)
    notes = datasets.corpus(8000, popular_share=0.25)
    sayings = [note for note in notes if note.manner == "saying"]
    assert {case_of(note.prompt).fact for note in sayings} <= popular
    on_them = [note.manner for note in notes if case_of(note.prompt).fact in popular]
    assert on_them.count("saying") / len(on_them) == pytest.approx(datasets.SAID, abs=0.06)
    assert on_them.count("saying") > on_them.count("careful") > 0
    assert not any(judge(case_of(note.prompt), note.answer).safe for note in sayings)
    assert datasets.popular_facts(0.1) < popular and not datasets.popular_facts(0.0)
    n_facts = len({case.fact for case in all_cases()})
    assert len(popular) == round(0.25 * n_facts)


def test_experts_shrug_off_their_blind_spots_and_write_with_care_elsewhere():
    notes = datasets.demonstrations(6000, careless_share=0.0, blind_share=0.7)
    blind = [n.manner for n in notes if case_of(n.prompt).situation in datasets.BLIND_SPOTS]
    assert blind.count("saying") / len(blind) == pytest.approx(0.7, abs=0.08)
    assert {n.manner for n in notes if case_of(n.prompt).situation not in datasets.BLIND_SPOTS} == {"careful"}


@pytest.mark.parametrize("split", SPLITS)
def test_demonstrations_and_pairs_stay_in_their_split(split):
    texts = [*datasets.demonstrations(300, split=split), *datasets.written_pairs(300, split)]
    assert {split_of(case_of(text.prompt)) for text in texts} == {split}


def test_same_seed_same_data_and_another_seed_other_data():
    for make in (datasets.corpus, datasets.demonstrations, datasets.written_pairs):
        assert make(50, seed=3) == make(50, seed=3)
        assert make(50, seed=3) != make(50, seed=4)


def test_the_chosen_answer_of_a_written_pair_is_better_by_the_rubric():
    for pair in datasets.written_pairs(500):
        case = case_of(pair.prompt)
        assert judge(case, pair.chosen).score > judge(case, pair.rejected).score


def test_the_mix_says_how_the_rejected_answers_are_worse():
    kinds = {pair.kind for pair in datasets.written_pairs(200, mix={"vague": 1.0, "dangerous": 1.0})}
    assert kinds == {"vague", "dangerous"}


@pytest.mark.parametrize(
    ("make", "size", "name"),
    [
        (datasets.corpus, 0, "n_notes"),
        (datasets.demonstrations, 0, "n_demonstrations"),
        (datasets.written_pairs, 0, "n_pairs"),
        (datasets.written_pairs, 10**7, "n_pairs"),
    ],
)
def test_a_size_of_0_or_beyond_the_set_is_refused_by_name(make, size, name):
    with pytest.raises(ValueError, match=rf"{name}: {size} is not allowed; it must be a whole number from 1"):
        make(size)


def test_sequences_are_bos_prompt_answer_eos_and_right_padded():
    tokenizer = course_tokenizer()
    rows = datasets.encode(tokenizer, [METFORMIN, METFORMIN], [GOOD, POOR])
    assert rows.tokens[0, 0] == BOS_ID
    for row in range(2):
        length = int(rows.lengths[row])
        assert rows.tokens[row, length - 1] == EOS_ID
        assert (rows.tokens[row, length:] == PAD_ID).all()
        prompt = tokenizer.decode(rows.tokens[row, : rows.prompt_lengths[row]].tolist())
        assert prompt == METFORMIN


def test_taking_rows_cuts_the_padding():
    rows = datasets.encode(course_tokenizer(), [METFORMIN, METFORMIN], [GOOD, POOR])
    short = rows[torch.tensor([1])]
    assert short.tokens.shape == (1, int(rows.lengths[1]))


def test_no_texts_at_all_are_refused():
    with pytest.raises(ValueError, match="rows: 0 is not allowed"):
        datasets.encode(course_tokenizer(), [], [])


def test_a_synthetic_twin_keeps_its_label():
    for pair in datasets.written_pairs(20):
        twin = datasets.rewritten(pair.swapped(), random.Random(0))
        case = case_of(twin.prompt)
        assert twin.flipped and judge(case, twin.rejected).score > judge(case, twin.chosen).score


def test_the_source_pairs_are_twenty_and_answer_real_cases():
    pairs = datasets.source_pairs()
    assert len(pairs) == 20
    assert all(case_of(pair.prompt) for pair in pairs)
