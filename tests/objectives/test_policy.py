import math

import pytest
import torch

from rlhf_lessons.objectives.policy import clipped_policy_loss, clipped_value_loss, entropy, explained_variance

MASK = torch.tensor([[True, True, True], [True, False, False]])
ADVANTAGES = torch.tensor([[1.0, -2.0, 3.0], [4.0, 50.0, 60.0]])
ZEROS = torch.zeros(2, 3)


def with_ratios(*ratios: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Log-probabilities with these ratios over old ones of 0, and a mask that marks all of them."""
    logprobs = torch.tensor([ratios], dtype=torch.float64).log().requires_grad_()
    return logprobs, torch.zeros_like(logprobs), torch.ones_like(logprobs).bool()


def test_ratio_1_gives_minus_the_mean_advantage():
    loss, info = clipped_policy_loss(ZEROS, ZEROS, ADVANTAGES, MASK)
    assert loss.item() == pytest.approx(-(1 - 2 + 3 + 4) / 4)
    assert info == {"clip_fraction": 0.0, "approx_kl": 0.0, "ratio_mean": 1.0}


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected", "gradient_flows"),
    [
        (1.5, 1.0, -1.2, False),
        (1.5, -1.0, 1.5, True),
        (0.5, 1.0, -0.5, True),
        (0.5, -1.0, 0.8, False),
        (1.1, 1.0, -1.1, True),
    ],
)
def test_the_clip_stops_only_what_has_gone_far_enough(ratio, advantage, expected, gradient_flows):
    logprobs, old, mask = with_ratios(ratio)
    loss, _ = clipped_policy_loss(logprobs, old, torch.tensor([[advantage]]).double(), mask)
    assert loss.item() == pytest.approx(expected)
    loss.backward()
    assert (logprobs.grad.item() != 0) == gradient_flows


def test_policy_info_by_hand():
    logprobs, old, mask = with_ratios(1.5, 1.1, 0.5, 1.0)
    _, info = clipped_policy_loss(logprobs, old, torch.ones_like(old), mask)
    assert info["clip_fraction"] == 0.5
    assert info["ratio_mean"] == pytest.approx(4.1 / 4)
    k3 = [ratio - 1 - math.log(ratio) for ratio in (1.5, 1.1, 0.5, 1.0)]
    assert info["approx_kl"] == pytest.approx(sum(k3) / 4)


def test_the_policy_gradient_matches_finite_differences():
    logprobs, old, mask = with_ratios(1.5, 1.1, 0.5, 0.9, 0.7)
    advantages = torch.tensor([[1.0, 2.0, 3.0, -1.0, -2.0]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: clipped_policy_loss(x, old, advantages, mask)[0], (logprobs,))


def test_at_ratio_1_the_gradient_is_that_of_plain_policy_gradient():
    logprobs = ZEROS.clone().requires_grad_()
    clipped_policy_loss(logprobs, ZEROS, ADVANTAGES, MASK)[0].backward()
    torch.testing.assert_close(logprobs.grad, -ADVANTAGES * MASK / 4)


def test_rubbish_in_the_padding_changes_no_loss_and_no_gradient():
    logprobs = torch.tensor([[-1.0, -2.0, -3.0], [-0.5, 900.0, -900.0]], requires_grad=True)
    advantages = ADVANTAGES.masked_fill(~MASK, math.nan)
    loss, info = clipped_policy_loss(logprobs, logprobs.detach() - 0.1 * MASK - 500 * ~MASK, advantages, MASK)
    assert loss.item() == pytest.approx(-math.exp(0.1) * 1.5, rel=1e-5)
    assert info["ratio_mean"] == pytest.approx(math.exp(0.1), rel=1e-5)
    loss.backward()
    assert logprobs.grad.isfinite().all() and not logprobs.grad[~MASK].any()


def test_value_loss_by_hand():
    values = torch.tensor([[1.0, 0.1, 2.0]])
    old_values = torch.zeros(1, 3)
    returns = torch.tensor([[1.0, 1.0, -1.0]])
    loss, info = clipped_value_loss(values, old_values, returns, torch.ones(1, 3).bool(), clip_range=0.2)
    assert loss.item() == pytest.approx(0.5 * (0.8**2 + 0.9**2 + 3.0**2) / 3)
    assert info["clip_fraction"] == pytest.approx(2 / 3)


def test_value_loss_without_a_step_is_half_the_mean_squared_error():
    values = torch.tensor([[1.0, 2.0, 3.0], [4.0, math.nan, math.nan]], requires_grad=True)
    loss, _ = clipped_value_loss(values, values.detach(), ZEROS, MASK)
    assert loss.item() == pytest.approx(0.5 * (1 + 4 + 9 + 16) / 4)
    loss.backward()
    assert not values.grad[~MASK].any()


def test_the_value_gradient_matches_finite_differences():
    old_values = torch.zeros(1, 4, dtype=torch.float64)
    returns = torch.tensor([[1.0, 1.0, -1.0, 0.0]], dtype=torch.float64)
    values = torch.tensor([[0.5, 0.1, 2.0, -0.7]], dtype=torch.float64, requires_grad=True)
    mask = torch.ones(1, 4).bool()
    assert torch.autograd.gradcheck(lambda v: clipped_value_loss(v, old_values, returns, mask)[0], (values,))


def test_explained_variance():
    returns = torch.tensor([[1.0, 2.0, 3.0], [6.0, math.nan, math.nan]])
    assert explained_variance(returns, returns, MASK).item() == 1.0
    assert explained_variance(ZEROS + 8, returns, MASK).item() == pytest.approx(0.0, abs=1e-6)
    assert explained_variance(-returns, returns, MASK).item() == pytest.approx(-3.0)
    assert explained_variance(returns, ZEROS, MASK).isnan()


def test_entropy():
    even, certain = torch.zeros(1, 1, 8), torch.tensor([[[100.0, 0.0]]])
    one = torch.ones(1, 1).bool()
    assert entropy(even, one).item() == pytest.approx(math.log(8))
    assert entropy(certain, one).item() == pytest.approx(0, abs=1e-6)
    two = torch.tensor([[[0.0, math.log(3.0)], [7.0, 1.0]]])
    by_hand = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert entropy(two, torch.tensor([[True, False]])).item() == pytest.approx(by_hand)


@pytest.mark.parametrize("loss", [clipped_policy_loss, clipped_value_loss])
def test_losses_refuse_bad_shapes_masks_and_ranges(loss):
    with pytest.raises(ValueError, match=r"shapes \(2, 3\) and \(2, 1\) are not allowed; they must be equal"):
        loss(ZEROS, ZEROS, ZEROS[:, :1], MASK)
    with pytest.raises(ValueError, match="and mask: shapes"):
        loss(ZEROS, ZEROS, ZEROS, MASK[0])
    with pytest.raises(ValueError, match="all false is not allowed"):
        loss(ZEROS, ZEROS, ZEROS, torch.zeros_like(MASK))
    with pytest.raises(ValueError, match=r"clip_range: -0.2 is not allowed"):
        loss(ZEROS, ZEROS, ZEROS, MASK, clip_range=-0.2)


def test_statistics_refuse_bad_shapes_and_masks():
    with pytest.raises(ValueError, match="values and returns: shapes"):
        explained_variance(ZEROS, ZEROS[:1], MASK)
    with pytest.raises(ValueError, match="all false is not allowed"):
        explained_variance(ZEROS, ZEROS, torch.zeros_like(MASK))
    with pytest.raises(ValueError, match="logits and mask: shapes"):
        entropy(torch.zeros(2, 2, 5), MASK)
