import math

import pytest
import torch

from rlhf_lessons.objectives.direct import dpo_loss

CHOSEN = torch.tensor([-5.0, -6.0])
REJECTED = torch.tensor([-7.0, -4.0])


def test_at_the_reference_the_loss_is_ln_2():
    loss, info = dpo_loss(CHOSEN, REJECTED, CHOSEN, REJECTED)
    assert loss.item() == pytest.approx(math.log(2))
    assert info == {"reward_chosen": 0.0, "reward_rejected": 0.0, "margin": 0.0, "accuracy": 0.5}


def test_by_hand():
    loss, info = dpo_loss(CHOSEN + 1, REJECTED - torch.tensor([1.0, -3.0]), CHOSEN, REJECTED, beta=0.5)
    # Implicit rewards: chosen 0.5 and 0.5, rejected -0.5 and 1.5.
    assert loss.item() == pytest.approx((math.log1p(math.exp(-1)) + math.log1p(math.exp(1))) / 2)
    assert info == {"reward_chosen": 0.5, "reward_rejected": 0.5, "margin": 0.0, "accuracy": 0.5}


def test_the_first_step_raises_chosen_and_lowers_rejected():
    chosen, rejected = CHOSEN.clone().requires_grad_(), REJECTED.clone().requires_grad_()
    dpo_loss(chosen, rejected, CHOSEN, REJECTED, beta=0.1)[0].backward()
    torch.testing.assert_close(chosen.grad, torch.full((2,), -0.1 * 0.5 / 2))
    torch.testing.assert_close(rejected.grad, torch.full((2,), 0.1 * 0.5 / 2))


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"policy_chosen and ref_rejected: shapes \(2,\) and \(1,\)"):
        dpo_loss(CHOSEN, REJECTED, CHOSEN, REJECTED[:1])
    with pytest.raises(ValueError, match="beta: 0 is not allowed; it must be a number over 0"):
        dpo_loss(CHOSEN, REJECTED, CHOSEN, REJECTED, beta=0)
    with pytest.raises(ValueError, match="at least one pair"):
        dpo_loss(*[CHOSEN[:0]] * 4)
