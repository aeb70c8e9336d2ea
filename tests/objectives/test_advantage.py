import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rlhf_lessons.objectives.advantage import gae, masked_whiten

REWARDS = torch.tensor([[0.0, -0.1, 1.0], [0.2, 2.0, 9.0]])
VALUES = torch.tensor([[0.5, 0.4, 0.6], [1.0, 0.5, 9.0]])
MASK = torch.tensor([[True, True, True], [True, True, False]])


def random_rollout(seed: int, batch: int = 4, width: int = 7) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    rewards, values = torch.randn(2, batch, width, generator=generator, dtype=torch.float64)
    lengths = torch.randint(1, width + 1, (batch,), generator=generator)
    return rewards, values, torch.arange(width) < lengths[:, None]


def test_gae_by_hand():
    advantages, returns = gae(REWARDS, VALUES, MASK, gamma=0.9, lam=0.5)
    last = 1.0 - 0.6
    middle = -0.1 + 0.9 * 0.6 - 0.4 + 0.45 * last
    first = 0.9 * 0.4 - 0.5 + 0.45 * middle
    second_row = [0.2 + 0.9 * 0.5 - 1.0 + 0.45 * 1.5, 2.0 - 0.5, 0.0]
    torch.testing.assert_close(advantages, torch.tensor([[first, middle, last], second_row]))
    torch.testing.assert_close(returns, (advantages + VALUES) * MASK)


def test_lambda_0_is_the_td_error():
    rewards, values, mask = random_rollout(0)
    values_after = torch.cat([(values * mask)[:, 1:], torch.zeros(4, 1, dtype=torch.float64)], dim=1)
    expected = (rewards + 0.9 * values_after - values) * mask
    torch.testing.assert_close(gae(rewards, values, mask, gamma=0.9, lam=0.0)[0], expected)


def test_lambda_1_is_the_return_minus_the_value():
    rewards, values, mask = random_rollout(1)
    to_come = (rewards * mask).flip(1).cumsum(1).flip(1)
    advantages, returns = gae(rewards, values, mask, gamma=1.0, lam=1.0)
    torch.testing.assert_close(advantages, (to_come - values) * mask)
    torch.testing.assert_close(returns, to_come * mask)


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1))
def test_gae_equals_the_sum_of_discounted_td_errors(seed, gamma, lam):
    rewards, values, mask = random_rollout(seed)
    advantages, _ = gae(rewards, values, mask, gamma, lam)
    for row, length in enumerate(mask.sum(1).tolist()):
        v = [*values[row, :length].tolist(), 0.0]
        deltas = [rewards[row, t].item() + gamma * v[t + 1] - v[t] for t in range(length)]
        for t in range(length):
            expected = sum((gamma * lam) ** (k - t) * deltas[k] for k in range(t, length))
            assert advantages[row, t].item() == pytest.approx(expected, abs=1e-9)


def test_padding_changes_nothing_and_is_0():
    advantages, returns = gae(REWARDS, VALUES, MASK)
    rubbish = REWARDS.clone(), VALUES.clone()
    for tensor in rubbish:
        tensor[1, 2] = math.nan
    wider = [torch.nn.functional.pad(tensor, (0, 2), value=5.0) for tensor in rubbish]
    padded_advantages, padded_returns = gae(*wider, torch.nn.functional.pad(MASK, (0, 2)))
    torch.testing.assert_close(padded_advantages[:, :3], advantages)
    torch.testing.assert_close(padded_returns[:, :3], returns)
    assert not padded_advantages[:, 3:].any() and not padded_returns[:, 3:].any()
    assert advantages[1, 2] == 0 and returns[1, 2] == 0


def test_gae_changes_no_argument_and_passes_no_gradient():
    rewards, values = REWARDS.clone(), VALUES.clone().requires_grad_()
    advantages, returns = gae(rewards, values, MASK)
    assert torch.equal(rewards, REWARDS) and torch.equal(values, VALUES)
    assert not advantages.requires_grad and not returns.requires_grad


@pytest.mark.parametrize(("field", "value"), [("gamma", 1.1), ("gamma", -0.1), ("lam", 2.0), ("lam", math.nan)])
def test_gae_refuses_a_discount_out_of_range(field, value):
    with pytest.raises(ValueError, match=f"{field}: {value} is not allowed; it must be a number from 0 to 1"):
        gae(REWARDS, VALUES, MASK, **{field: value})


def test_whitened_values_have_mean_0_and_variance_1():
    x = torch.tensor([[1.0, 3.0, 100.0], [5.0, 7.0, math.nan]])
    mask = torch.tensor([[True, True, False], [True, True, False]])
    whitened = masked_whiten(x, mask)
    expected = torch.tensor([[-3.0, -1.0, 0.0], [1.0, 3.0, 0.0]]) / math.sqrt(5)
    torch.testing.assert_close(whitened, expected)
    torch.testing.assert_close(masked_whiten(x, mask, shift_mean=False), expected + 4.0 * mask)


def test_whitening_equal_values_gives_0():
    assert not masked_whiten(torch.full((2, 2), 3.0), torch.ones(2, 2).bool()).any()


def test_bad_shapes_and_masks_are_refused():
    with pytest.raises(ValueError, match=r"rewards and values: shapes \(2, 3\) and \(2, 2\)"):
        gae(REWARDS, VALUES[:, :2], MASK)
    with pytest.raises(ValueError, match=r"rewards and mask: shapes \(2, 3\) and \(1, 3\)"):
        gae(REWARDS, VALUES, MASK[:1])
    with pytest.raises(ValueError, match=r"x and mask: shapes \(2, 3\) and \(2, 1\)"):
        masked_whiten(REWARDS, MASK[:, :1])
    for function in (lambda mask: gae(REWARDS, VALUES, mask), lambda mask: masked_whiten(REWARDS, mask)):
        with pytest.raises(ValueError, match="all false is not allowed"):
            function(torch.zeros_like(MASK))
