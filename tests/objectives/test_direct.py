import itertools
import math

import pytest
import torch

from rlhf_lessons.objectives.direct import dpo_loss, ipo_loss

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


def test_away_from_it_a_pair_pulls_as_much_as_it_is_ranked_wrongly():
    """The gradient is -beta sigma(-m) / B for chosen answers, and its opposite for rejected ones (equation 7)."""
    chosen = (CHOSEN + torch.tensor([3.0, -2.0])).requires_grad_()
    rejected = (REJECTED + torch.tensor([1.0, 4.0])).requires_grad_()
    dpo_loss(chosen, rejected, CHOSEN, REJECTED, beta=0.5)[0].backward()
    pull = 0.5 * torch.tensor([-1.0, 3.0]).sigmoid() / 2  # margins are 1 and -3
    torch.testing.assert_close(chosen.grad, -pull)
    torch.testing.assert_close(rejected.grad, pull)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"policy_chosen and ref_rejected: shapes \(2,\) and \(1,\)"):
        dpo_loss(CHOSEN, REJECTED, CHOSEN, REJECTED[:1])
    with pytest.raises(ValueError, match="beta: 0 is not allowed; it must be a number over 0"):
        dpo_loss(CHOSEN, REJECTED, CHOSEN, REJECTED, beta=0)
    with pytest.raises(ValueError, match="at least one pair"):
        ipo_loss(*[CHOSEN[:0]] * 4)
    with pytest.raises(
        ValueError, match=r"label_smoothing: 0.5 is not allowed; it must be a number from 0 to under 0.5"
    ):
        dpo_loss(CHOSEN, REJECTED, CHOSEN, REJECTED, label_smoothing=0.5)


@pytest.mark.parametrize("smoothing", [0.1, 0.3])
def test_with_smoothing_the_loss_is_lowest_at_a_finite_margin(smoothing):
    lead = torch.tensor([math.log((1 - smoothing) / smoothing)], requires_grad=True)
    nothing = torch.zeros(1)
    dpo_loss(lead, nothing, nothing, nothing, beta=1.0, label_smoothing=smoothing)[0].backward()
    assert lead.grad.item() == pytest.approx(0, abs=1e-6)


def test_ipo_by_hand():
    assert ipo_loss(CHOSEN, REJECTED, CHOSEN, REJECTED, beta=0.5)[0].item() == pytest.approx(1.0)  # 1 / (4 * 0.25)
    lead = torch.tensor([1.0, 1.0])
    loss, info = ipo_loss(CHOSEN + lead, REJECTED, CHOSEN, REJECTED, beta=0.5)  # the lead 1 / (2 beta) that it wants
    assert loss.item() == 0.0 and info["margin"] == 0.5


@pytest.mark.parametrize("beta", [0.2, 1.0])
def test_the_optimum_is_the_reference_tilted_by_the_reward(beta):
    """On five answers with known rewards and all pairs in their Bradley-Terry shares: pi = ref * exp(r / beta) / Z."""
    reference = torch.tensor([0.4, 0.3, 0.15, 0.1, 0.05], dtype=torch.float64).log()
    rewards = torch.tensor([0.0, 0.5, 1.0, -0.5, 0.3], dtype=torch.float64) * beta
    pairs = torch.tensor(list(itertools.permutations(range(5), 2)))
    wins = (rewards[pairs[:, 0]] - rewards[pairs[:, 1]]).sigmoid()
    weights = reference.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([weights], max_iter=500, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def expected_loss() -> torch.Tensor:
        optimizer.zero_grad()
        policy = weights.log_softmax(0)
        rows = [[side[[winner]] for side in (policy, reference)] + [side[[loser]] for side in (policy, reference)]
                for winner, loser in pairs.tolist()]  # fmt: skip
        losses = [dpo_loss(chosen, rejected, ref_c, ref_r, beta)[0] for chosen, ref_c, rejected, ref_r in rows]
        loss = (torch.stack(losses) * wins).sum()
        loss.backward()
        return loss

    optimizer.step(expected_loss)
    tilted = (reference + rewards / beta).softmax(0)
    torch.testing.assert_close(weights.softmax(0).detach(), tilted, atol=1e-3, rtol=0)
    assert (weights.softmax(0) - reference.exp()).abs().max() > 0.05, "it has moved"
