"""Training the reward model."""

import math

import pytest
import torch

from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.stages.reward import RewardSettings, evaluate, score, score_pairs, train_reward

SETTINGS = RewardSettings(epochs=2, batch_size=16, learning_rate=1e-3)
REWARD_LOSSES = [0.66944, 0.61936, 0.57202, 0.58567]  # new with the second world: other words, other pairs


def test_a_zero_head_starts_at_ln_2_and_even_odds(tiny, pairs):
    metrics = evaluate(RewardModel.from_policy(tiny), pairs)
    assert metrics == {"loss": pytest.approx(math.log(2)), "accuracy": 0.5, "margin": 0.0}


def test_training_learns_its_pairs_and_leaves_the_policy_alone(tiny, pairs):
    before = [p.clone() for p in tiny.parameters()]
    model = RewardModel.from_policy(tiny)
    history = train_reward(model, pairs, RewardSettings(epochs=60, batch_size=32, learning_rate=3e-3))
    assert history.latest["accuracy"] > 0.8  # 0.984 over 12 seeds, give or take 0.016
    assert history.latest["loss"] < 0.5  # 0.13, give or take 0.04; ln 2 at first
    assert all(torch.equal(a, b) for a, b in zip(before, tiny.parameters(), strict=True))


def test_the_small_trajectory_is_pinned(tiny, pairs):
    """Reference of the first version; a change here means that every reward model changes: write down why."""
    history = train_reward(RewardModel.from_policy(tiny, head_init_scale=1.0), pairs, SETTINGS)
    assert [record["loss"] for record in history] == pytest.approx(REWARD_LOSSES, rel=1e-3)


def test_same_seed_same_run(tiny, pairs):
    runs = [train_reward(RewardModel.from_policy(tiny), pairs, SETTINGS).records for _ in range(2)]
    assert runs[0] == runs[1]


def test_scores_do_not_depend_on_batch_order_or_padding(tiny, pairs):
    model = RewardModel.from_policy(tiny, head_init_scale=1.0)
    alone = torch.cat([score(model, pairs.chosen[torch.tensor([i])]) for i in range(len(pairs))])
    assert torch.allclose(score(model, pairs.chosen), alone, atol=1e-5)
    chosen, rejected = score_pairs(model, pairs)
    assert torch.allclose(chosen, alone, atol=1e-5)
    assert torch.allclose(rejected, score(model, pairs.rejected), atol=1e-5)


def test_held_out_metrics_come_once_an_epoch(tiny, pairs):
    history = train_reward(RewardModel.from_policy(tiny), pairs, SETTINGS, held_out=pairs)
    assert ["held_out_accuracy" in record for record in history] == [False, True, False, True]


def test_centring_pulls_the_mean_reward_to_zero(tiny, pairs):
    """Bradley-Terry alone cannot see a constant added to all rewards; the centring term can."""
    sums = {}
    for coef in (0.0, 0.1):
        model = RewardModel.from_policy(tiny, reward_offset=3.0)
        last = train_reward(model, pairs, SETTINGS.model_copy(update={"epochs": 20, "center_coef": coef})).latest
        sums[coef] = abs(last["reward_chosen"] + last["reward_rejected"])
    assert sums[0.1] < sums[0.0] - 0.5  # 0.76 over 12 seeds, give or take 0.04


def test_it_can_be_stopped(tiny, pairs):
    assert len(train_reward(RewardModel.from_policy(tiny), pairs, SETTINGS, on_step=lambda record: True)) == 1
