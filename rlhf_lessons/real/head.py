"""A reward head on frozen features: one weight a feature, fitted to pairs by the loss of Bradley and Terry."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rlhf_lessons.objectives.preference import bradley_terry_loss

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
STEPS = 100


@dataclass(frozen=True)
class Head:
    """The reward of a text is a weighted sum of its features, each standardised as in training."""

    mean: Tensor  # (D,)
    std: Tensor  # (D,)
    weights: Tensor  # (D,)
    penalty: float

    def __call__(self, features: Tensor) -> Tensor:
        """Rewards (N,) of features (N, D)."""
        return ((features - self.mean) / self.std) @ self.weights


def fit(chosen: Tensor, rejected: Tensor, penalty: float) -> Head:
    """The head with the lowest Bradley-Terry loss + penalty * |weights|^2 on pairs of features (B, D) each."""
    both = torch.cat([chosen, rejected])
    head = Head(both.mean(0), both.std(0) + 1e-6, torch.zeros(both.shape[1], requires_grad=True), penalty)
    optimizer = torch.optim.LBFGS([head.weights], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = bradley_terry_loss(head(chosen), head(rejected)) + penalty * head.weights.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return Head(head.mean, head.std, head.weights.detach(), penalty)


def fit_on_tuning(train: tuple[Tensor, Tensor], tuning: tuple[Tensor, Tensor]) -> Head:
    """The head whose penalty, of `PENALTIES`, gives the lowest loss on tuning pairs, which it does not learn from."""
    heads = [fit(*train, penalty) for penalty in PENALTIES]
    return min(heads, key=lambda head: float(bradley_terry_loss(head(tuning[0]), head(tuning[1]))))
