import torch

from rlhf_lessons.objectives.preference import bradley_terry_loss
from rlhf_lessons.real.head import fit, fit_on_tuning

TRUTH = torch.tensor([1.0, -2.0, 0.0, 0.0])


def pairs(n: int, seed: int, noise: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs of features; a weighted sum of them says which was chosen, but for a share `noise`."""
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.randn(2, n, 4, generator=generator)
    is_first = ((first - second) @ TRUTH > 0) ^ (torch.rand(n, generator=generator) < noise)
    return torch.where(is_first[:, None], first, second), torch.where(is_first[:, None], second, first)


def test_the_head_stands_where_the_loss_with_its_price_is_lowest():
    chosen, rejected = pairs(60, seed=0, noise=0.2)
    head = fit(chosen, rejected, 0.01)
    weights = head.weights.clone().requires_grad_()
    margins = ((chosen - rejected) / head.std) @ weights
    (bradley_terry_loss(margins, torch.zeros_like(margins)) + 0.01 * weights.square().sum()).backward()
    assert weights.grad.abs().max() < 1e-4
    assert fit(chosen, rejected, 1.0).weights.norm() < head.weights.norm()


def test_it_ranks_new_pairs_and_noise_asks_for_a_higher_price():
    chosen, rejected = pairs(400, seed=1)
    clean = fit_on_tuning(pairs(300, seed=0), pairs(100, seed=2))
    assert (clean(chosen) > clean(rejected)).float().mean() > 0.95
    noisy = fit_on_tuning(pairs(20, seed=0, noise=0.3), pairs(100, seed=2, noise=0.3))
    assert noisy.penalty > clean.penalty
