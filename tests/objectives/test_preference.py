import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rlhf_lessons.objectives.preference import accuracy, bradley_terry_loss

CHOSEN = torch.tensor([2.0, 0.0, -1.0])
REJECTED = torch.tensor([0.0, 1.0, -1.0])


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def test_loss_by_hand():
    expected = (softplus(-2) + softplus(1) + math.log(2)) / 3
    assert bradley_terry_loss(CHOSEN, REJECTED).item() == pytest.approx(expected)


def test_equal_rewards_give_ln_2():
    assert bradley_terry_loss(CHOSEN, CHOSEN).item() == pytest.approx(math.log(2))


def test_center_coef_adds_the_mean_squared_sum():
    difference = bradley_terry_loss(CHOSEN, REJECTED, center_coef=0.1) - bradley_terry_loss(CHOSEN, REJECTED)
    assert difference.item() == pytest.approx(0.1 * (4 + 1 + 4) / 3, rel=1e-4)


def test_margin_asks_for_a_lead():
    loss = bradley_terry_loss(CHOSEN, REJECTED, margin=CHOSEN - REJECTED)
    assert loss.item() == pytest.approx(math.log(2))


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=8), st.floats(-50, 50, width=32))
def test_a_constant_added_to_all_rewards_changes_nothing(rewards, shift):
    chosen = torch.tensor(rewards, dtype=torch.float64)
    rejected = chosen.flip(0) * 0.5
    constant = torch.tensor(float(shift), dtype=torch.float64, requires_grad=True)
    loss = bradley_terry_loss(chosen + constant, rejected + constant)
    torch.testing.assert_close(loss, bradley_terry_loss(chosen, rejected))
    loss.backward()
    assert constant.grad.item() == pytest.approx(0, abs=1e-12)


def test_centring_removes_the_freedom_of_the_constant():
    constant = torch.tensor(3.0, requires_grad=True)
    bradley_terry_loss(CHOSEN + constant, REJECTED + constant, center_coef=0.01).backward()
    assert constant.grad.item() > 0


def test_the_gradient_is_sigma_minus_1():
    chosen = torch.tensor([0.7], requires_grad=True)
    bradley_terry_loss(chosen, torch.tensor([0.2])).backward()
    assert chosen.grad.item() == pytest.approx(1 / (1 + math.exp(-0.5)) - 1)


def test_large_differences_stay_finite():
    loss = bradley_terry_loss(torch.tensor([-1000.0]), torch.tensor([1000.0]))
    assert loss.item() == pytest.approx(2000)


def test_accuracy_counts_a_tie_half():
    assert accuracy(CHOSEN, REJECTED).item() == pytest.approx((1 + 0 + 0.5) / 3)
    assert accuracy(torch.zeros(4), torch.zeros(4)).item() == 0.5


@pytest.mark.parametrize("function", [bradley_terry_loss, accuracy])
def test_bad_batches_are_refused(function):
    with pytest.raises(ValueError, match=r"chosen and rejected: shapes \(3,\) and \(1,\) are not allowed"):
        function(CHOSEN, REJECTED[:1])
    with pytest.raises(ValueError, match="at least one pair"):
        function(CHOSEN[:0], REJECTED[:0])


def test_a_bad_margin_or_center_coef_is_refused():
    with pytest.raises(ValueError, match=r"chosen and margin: shapes \(3,\) and \(2,\)"):
        bradley_terry_loss(CHOSEN, REJECTED, margin=torch.ones(2))
    with pytest.raises(ValueError, match=r"center_coef: -0.1 is not allowed"):
        bradley_terry_loss(CHOSEN, REJECTED, center_coef=-0.1)
