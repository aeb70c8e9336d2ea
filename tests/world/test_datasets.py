"""Data of the four stages: what is in it, what must not be, and how it becomes tensors."""

import pytest
import torch

from rlhf_lessons.model.sequences import BOS_ID, EOS_ID, PAD_ID
from rlhf_lessons.world import datasets
from rlhf_lessons.world.annotators import add_noise, compare, prefer
from rlhf_lessons.world.cases import case_of, split_of
from rlhf_lessons.world.rubric import judge
from rlhf_lessons.world.tokenizer import course_tokenizer

GOOD = "avoid it : lactic acid rises ; choose insulin ."
POOR = "it depends ; see how it goes ."
METFORMIN = "metformin with egfr 28 ?"


def test_the_corpus_covers_all_splits_in_the_chosen_mix():
    notes = datasets.corpus(4000, careful_share=0.7)
    assert sum(note.manner == "careful" for note in notes) / 4000 == pytest.approx(0.7, abs=0.03)
    assert {split_of(case_of(note.prompt)) for note in notes} == {"train", "tuning", "held_out"}


@pytest.mark.parametrize("split", ["train", "tuning", "held_out"])
def test_demonstrations_and_pairs_stay_in_their_split(split):
    texts = [*datasets.demonstrations(300, split=split), *datasets.curated_pairs(300, split)]
    assert {split_of(case_of(text.prompt)) for text in texts} == {split}


def test_same_seed_same_data_and_another_seed_other_data():
    for make in (datasets.corpus, datasets.demonstrations, datasets.curated_pairs):
        assert make(50, seed=3) == make(50, seed=3)
        assert make(50, seed=3) != make(50, seed=4)


def test_the_chosen_answer_of_a_curated_pair_is_better_by_the_rubric():
    for pair in datasets.curated_pairs(500):
        case = case_of(pair.prompt)
        assert judge(case, pair.chosen).score > judge(case, pair.rejected).score


def test_the_mix_says_how_the_rejected_answers_are_worse():
    kinds = {pair.kind for pair in datasets.curated_pairs(200, mix={"vague": 1.0, "dangerous": 1.0})}
    assert kinds == {"vague", "dangerous"}


@pytest.mark.parametrize(
    ("make", "size", "name"),
    [
        (datasets.corpus, 0, "n_notes"),
        (datasets.demonstrations, 0, "n_demonstrations"),
        (datasets.curated_pairs, 0, "n_pairs"),
        (datasets.curated_pairs, 10**7, "n_pairs"),
    ],
)
def test_a_size_of_0_or_beyond_the_set_is_refused_by_name(make, size, name):
    with pytest.raises(ValueError, match=rf"{name}: {size} is not allowed; it must be a whole number from 1"):
        make(size)


def test_annotators_prefer_by_the_rubric_and_skip_ties():
    assert prefer(METFORMIN, GOOD, POOR) == 1
    assert prefer(METFORMIN, POOR, GOOD) == -1
    assert prefer(METFORMIN, POOR, POOR) == 0
    (pair,) = compare([(METFORMIN, POOR, GOOD), (METFORMIN, GOOD, GOOD)])
    assert (pair.chosen, pair.rejected) == (GOOD, POOR)


def test_noise_swaps_its_share_of_the_pairs():
    pairs = datasets.curated_pairs(2000)
    noisy = add_noise(pairs, 0.25, seed=1)
    swapped = sum(new == old.swapped() for new, old in zip(noisy, pairs, strict=True))
    assert swapped / 2000 == pytest.approx(0.25, abs=0.03)
    assert add_noise(pairs, 0.0, seed=1) == pairs
    with pytest.raises(ValueError, match=r"noise: 0.7 is not allowed"):
        add_noise(pairs, 0.7, seed=1)


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


def test_the_source_pairs_are_twenty_and_answer_real_cases():
    pairs = datasets.source_pairs()
    assert len(pairs) == 20
    assert all(case_of(pair.prompt) for pair in pairs)
