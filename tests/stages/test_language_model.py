"""Pretraining and SFT: what counts in the loss, that training learns, repeats itself, and can be stopped."""

import copy
import math

import pytest
import torch

from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.stages.language_model import evaluate, target_mask
from rlhf_lessons.stages.pretrain import PretrainSettings, train_pretrain
from rlhf_lessons.stages.sft import SFTSettings, train_sft
from rlhf_lessons.world import datasets, source_sets
from rlhf_lessons.world.tokenizer import course_tokenizer

SETTINGS = PretrainSettings(steps=5, batch_size=16, learning_rate=3e-3)
PRETRAIN_LOSSES = [5.83714, 5.78049, 5.73385, 5.72668, 5.67727]  # new with the second world: other words, other notes


def test_the_mask_counts_every_real_target_or_the_answer_alone():
    rows = Sequences(torch.zeros(2, 6).long(), torch.tensor([2, 3]), torch.tensor([4, 6]))
    assert target_mask(rows, answers_only=False).tolist() == [[True] * 3 + [False] * 2, [True] * 5]
    assert target_mask(rows, answers_only=True).tolist() == [
        [False, True, True, False, False],
        [False, False, True, True, True],
    ]


def test_an_untrained_model_is_at_chance(tiny, notes):
    assert evaluate(tiny, notes, answers_only=False)["loss"] == pytest.approx(
        math.log(tiny.config.vocab_size), abs=0.05
    )


@pytest.mark.parametrize(("train", "settings"), [(train_pretrain, SETTINGS), (train_sft, SFTSettings(steps=5))])
def test_same_seed_same_run_to_the_last_digit(tiny, notes, train, settings):
    twin = copy.deepcopy(tiny)
    first, second = train(tiny, notes, settings), train(twin, notes, settings)
    assert first.records == second.records
    assert all(torch.equal(a, b) for a, b in zip(tiny.parameters(), twin.parameters(), strict=True))


def test_the_small_trajectory_is_pinned(tiny, notes):
    """Reference of the first version; a change here means that every trained model changes: write down why."""
    losses = [record["loss"] for record in train_pretrain(tiny, notes, SETTINGS)]
    assert losses == pytest.approx(PRETRAIN_LOSSES, rel=1e-3)


def test_ten_sequences_are_memorised_when_the_update_arrives(tiny):
    """C2: a model that learns ten sequences leaves the chance level far behind; a vanishing step stays there."""
    ten = datasets.encode(course_tokenizer(), [""] * 10, source_sets.CORPUS_LINES)
    settings = PretrainSettings(steps=60, batch_size=10, learning_rate=3e-2)
    assert train_pretrain(tiny, ten, settings).latest["loss"] < 1.5  # 0.25 over 12 seeds, give or take 0.02
    still = PretrainSettings(steps=60, batch_size=10, learning_rate=1e-7)
    fresh = type(tiny)(tiny.config, seed=1)
    assert train_pretrain(fresh, ten, still).latest["loss"] == pytest.approx(math.log(tiny.config.vocab_size), abs=0.1)


def test_a_true_answer_from_on_step_ends_training(tiny, notes):
    history = train_pretrain(tiny, notes, SETTINGS, on_step=lambda record: record["step"] == 2)
    assert len(history) == 2


def test_bad_settings_are_refused_by_name():
    with pytest.raises(ValueError, match=r"learning_rate: -1 is not allowed; it must be a number from"):
        PretrainSettings(learning_rate=-1)
    with pytest.raises(ValueError, match=r"steps: 0 is not allowed"):
        SFTSettings(steps=0)
