"""Group baselines against the true policy gradient, by writing down every group that can be drawn."""

import itertools

import pytest
import torch

from rlhf_lessons.objectives.group import grpo_advantages, rloo_advantages

POLICY = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)  # of three answers to one prompt
REWARDS = torch.tensor([0.0, 1.0, 4.0], dtype=torch.float64)
GROUP = 3


def true_gradient(policy=POLICY, rewards=REWARDS) -> torch.Tensor:
    """Of the expected reward, with respect to the logits: p_k (r_k - mean reward)."""
    return policy * (rewards - (policy * rewards).sum())


def expected_gradient(advantages, policy=POLICY, rewards=REWARDS) -> torch.Tensor:
    """What the estimator gives on average: over all groups, mean over the group of A_i times grad log p(answer i)."""
    total = torch.zeros(len(policy), dtype=torch.float64)
    for group in itertools.product(range(len(policy)), repeat=GROUP):
        drawn = torch.tensor(group)
        scores = torch.eye(len(policy), dtype=torch.float64)[drawn] - policy  # grad log p of each drawn answer
        total += policy[drawn].prod() * (advantages(rewards[drawn][None])[0][:, None] * scores).mean(0)
    return total


def cosine(a, b) -> float:
    return torch.nn.functional.cosine_similarity(a, b, dim=0).item()


def test_rloo_is_unbiased():
    torch.testing.assert_close(expected_gradient(rloo_advantages), true_gradient(), atol=1e-12, rtol=0)


def test_grpo_without_division_is_the_same_a_little_shorter():
    found = expected_gradient(lambda rewards: grpo_advantages(rewards, scale=False))
    torch.testing.assert_close(found, true_gradient() * (GROUP - 1) / GROUP, atol=1e-12, rtol=0)


def test_grpo_with_division_points_elsewhere():
    """By how much, here: by 26 degrees. The rare answer with the high reward loses most of its pull."""
    found = expected_gradient(lambda rewards: grpo_advantages(rewards, eps=1e-12))
    assert cosine(found, true_gradient()) == pytest.approx(0.90186, abs=1e-5)


def test_a_group_of_two():
    """RLOO: the difference. GRPO: half of it, and with division its sign over the root of 2."""
    rewards = torch.tensor([[1.0, 4.0], [0.0, 0.1]], dtype=torch.float64)
    rloo = rloo_advantages(rewards)
    assert rloo.tolist() == [[-3.0, 3.0], [-0.1, 0.1]]
    torch.testing.assert_close(grpo_advantages(rewards, scale=False), rloo / 2)
    torch.testing.assert_close(grpo_advantages(rewards, eps=0), rloo.sign() / 2**0.5)


def test_a_group_without_spread_teaches_nothing():
    alike = torch.full((2, 4), 0.7)
    for advantages in (rloo_advantages(alike), grpo_advantages(alike), grpo_advantages(alike, scale=False)):
        assert (advantages.abs() < 1e-6).all()


def test_division_makes_a_hair_weigh_as_much_as_a_gulf():
    rewards = torch.tensor([[0.0, 1.0, 0.0, 1.0], [0.50, 0.51, 0.50, 0.51]])
    scaled = grpo_advantages(rewards, eps=0)
    torch.testing.assert_close(scaled[0], scaled[1], atol=1e-4, rtol=0)
    assert (rloo_advantages(rewards)[0].abs() > 90 * rloo_advantages(rewards)[1].abs()).all()


@pytest.mark.parametrize("rewards", [torch.zeros(4), torch.zeros(4, 1), torch.zeros(2, 2, 2)])
def test_other_shapes_are_refused(rewards):
    for advantages in (rloo_advantages, grpo_advantages):
        with pytest.raises(
            ValueError, match=r"rewards: shape .* is not allowed; it must be \(P, G\) with G at least 2"
        ):
            advantages(rewards)
    with pytest.raises(ValueError, match="eps: -1 is not allowed"):
        grpo_advantages(torch.zeros(2, 2), eps=-1)
