"""An ensemble computes what its members would compute alone, and combines their scores as it says."""

import copy

import pytest
import torch

from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.stages.reward import RewardSettings, score
from rlhf_lessons.stages.reward_ensemble import (
    RewardEnsemble,
    clip_members,
    combine,
    ensemble_reward,
    score_all,
    train_ensemble,
)

SETTINGS = RewardSettings(epochs=3, batch_size=16, learning_rate=1e-2)


@pytest.fixture
def members(tiny):
    return [RewardModel.from_policy(tiny, head_init_scale=1.0, seed=seed) for seed in range(3)]


def test_one_pass_gives_the_rewards_of_all_members(members, pairs):
    scores = score_all(RewardEnsemble(members), pairs.chosen)
    expected = torch.stack([score(member, pairs.chosen) for member in members])
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-5)


def test_members_learn_apart(members, pairs):
    """A member's loss does not reach another: one that starts elsewhere leaves the first member's course alone."""
    ensemble = RewardEnsemble(members)
    other = RewardEnsemble([members[0], copy.deepcopy(members[2]), members[2]])
    for one in (ensemble, other):
        train_ensemble(one, pairs, SETTINGS)
    torch.testing.assert_close(score_all(ensemble, pairs.chosen)[0], score_all(other, pairs.chosen)[0])


def test_all_members_learn_and_their_bootstraps_differ(members, pairs):
    twins = RewardEnsemble([members[0], copy.deepcopy(members[0])])  # alike but for the pairs they count
    before = score_all(twins, pairs.chosen) - score_all(twins, pairs.rejected)
    train_ensemble(twins, pairs, SETTINGS.model_copy(update={"epochs": 8}))
    margins = score_all(twins, pairs.chosen) - score_all(twins, pairs.rejected)
    gained = (margins - before).mean(1)
    assert (gained > 0.4).all()  # 4.8 over 12 seeds, give or take 1.1
    assert not torch.allclose(margins[0], margins[1])


def test_each_member_is_clipped_on_its_own(members):
    ensemble = RewardEnsemble(members)
    for weights in ensemble.stacked:
        weights.grad = torch.zeros_like(weights)
    ensemble.stacked[0].grad[0].fill_(1.0)
    ensemble.stacked[0].grad[1].fill_(1e-6)
    before = ensemble.stacked[0].grad.clone()
    clip_members(ensemble, 1.0)
    after = ensemble.stacked[0].grad
    assert after[0].norm() == pytest.approx(1.0, abs=1e-4)
    assert torch.equal(after[1:], before[1:])


def test_combinations_by_hand():
    scores = torch.tensor([[1.0, 4.0], [3.0, 4.0]])
    assert combine(scores, "mean").tolist() == [2, 4]
    assert combine(scores, "worst").tolist() == [1, 4]
    assert combine(scores, "uncertainty", 0.5).tolist() == [1.5, 4]
    with pytest.raises(ValueError, match="how: 'best'"):
        combine(scores, "best")


def test_members_are_standardised_before_they_are_combined(members, pairs):
    """A constant added to one member, which its loss cannot see, must not make it the worst everywhere."""
    ensemble = RewardEnsemble(members)
    before = ensemble_reward(ensemble, pairs.chosen, "worst")(pairs.rejected)
    bias = ensemble.names.index("head.bias")
    with torch.no_grad():
        ensemble.stacked[bias][1] -= 100.0
    after = ensemble_reward(ensemble, pairs.chosen, "worst")(pairs.rejected)
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)


def test_training_can_be_stopped(members, pairs):
    assert len(train_ensemble(RewardEnsemble(members), pairs, SETTINGS, on_step=lambda record: True)) == 1
