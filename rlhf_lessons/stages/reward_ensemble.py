"""Several reward models trained together, to know where they disagree.

Each of the K members learns from its own bootstrap of the pairs: some pairs count twice or more for it, some not
at all. Where all members agree, many pairs support the score; where they differ, few do (Coste et al. 2023).
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional as F

from rlhf_lessons import knobs
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.model.sequences import PairSet, Sequences
from rlhf_lessons.stages.history import History
from rlhf_lessons.stages.loop import OnStep, batches, decay, optimiser
from rlhf_lessons.stages.reward import SCORING_BATCH, RewardSettings, pair_metrics, score_pairs
from rlhf_lessons.stages.rollout import RewardFunction, ScoreScale


class RewardEnsemble(nn.Module):
    """K reward models of one shape. Their weights are stacked, so that one pass computes all of them."""

    def __init__(self, members: Sequence[RewardModel]) -> None:
        super().__init__()
        self._shape = [copy.deepcopy(members[0])]  # in a list, so that its own weights are not parameters
        states = [dict(member.named_parameters()) for member in members]
        self.names = list(states[0])
        stacked = [torch.stack([state[name].detach() for state in states]) for name in self.names]
        self.stacked = nn.ParameterList(nn.Parameter(weights) for weights in stacked)

    def __len__(self) -> int:
        return len(self.stacked[0])

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Right-padded tokens (B, T) and the lengths (B,) of their rows -> rewards (K, B)."""

        def member(weights: dict[str, Tensor]) -> Tensor:
            return functional_call(self._shape[0], weights, (tokens, lengths))

        return vmap(member)(dict(zip(self.names, self.stacked, strict=True)))


def train_ensemble(
    ensemble: RewardEnsemble, data: PairSet, settings: RewardSettings, on_step: OnStep | None = None
) -> History:
    """Minimise each member's Bradley-Terry loss on its own bootstrap of the pairs. Trains in place.

    Records loss, margin, accuracy and rewards of the batch at every step, means over the members.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    counts = torch.poisson(torch.ones(len(ensemble), len(data)), generator=generator)  # (K, N): an online bootstrap
    optimizer = optimiser(ensemble, settings.learning_rate, settings.weight_decay)
    history, step = History(), 0
    steps = settings.epochs * -(-len(data) // settings.batch_size)
    for epoch in range(settings.epochs):
        for rows in batches(len(data), settings.batch_size, generator):
            rate = decay(optimizer, settings.learning_rate, step, steps)
            chosen, rejected = score_pairs(ensemble, data[rows])  # (K, B) each
            losses = (-F.logsigmoid(chosen - rejected) * counts[:, rows]).mean(dim=1)
            losses = losses + settings.center_coef * (chosen + rejected).square().mean(dim=1)
            optimizer.zero_grad()
            losses.sum().backward()  # members share no weight, so each gets the gradient of its own loss
            norm = clip_members(ensemble, settings.grad_clip)
            optimizer.step()
            step += 1
            metrics = pair_metrics(chosen.detach().flatten(), rejected.detach().flatten())
            record = history.append(
                step=step, epoch=epoch + 1, loss=losses.mean().item(), grad_norm=norm, learning_rate=rate, **metrics
            )
            if on_step and on_step(record):
                return history
    return history


def clip_members(ensemble: RewardEnsemble, grad_clip: float) -> float:
    """Cut each member's gradient to length `grad_clip`; returns the mean of their lengths before."""
    gradients = [weights.grad for weights in ensemble.stacked]
    norms = torch.stack([g.flatten(1).norm(dim=1) for g in gradients]).norm(dim=0)  # (K,)
    factors = (grad_clip / (norms + 1e-6)).clamp(max=1)
    for gradient in gradients:
        gradient *= factors.reshape(-1, *[1] * (gradient.ndim - 1))
    return float(norms.mean())


@torch.no_grad()
def score_all(ensemble: RewardEnsemble, sequences: Sequences) -> Tensor:
    """Rewards (K, N) of any number of sequences by every member."""
    parts = (sequences[rows] for rows in torch.arange(len(sequences)).split(SCORING_BATCH))
    return torch.cat([ensemble(part.tokens, part.lengths) for part in parts], dim=1)


@knobs.checked
def combine(scores: Tensor, how: knobs.Combination, uncertainty_coef: float = 0.5) -> Tensor:
    """One reward (N,) from those of all members (K, N).

    how: `mean`; `worst`, the lowest; or `uncertainty`, the mean less uncertainty_coef times the members' variance.
    Raises ValueError for another `how`. Source: Coste et al. 2023, section 3.
    """
    if how == "worst":
        return scores.amin(dim=0)
    mean = scores.mean(dim=0)
    return mean if how == "mean" else mean - uncertainty_coef * scores.var(dim=0, correction=0)


def ensemble_reward(ensemble: RewardEnsemble, reference_answers: Sequences, how: knobs.Combination) -> RewardFunction:
    """The ensemble as one reward function. A member's zero and unit are arbitrary: each is standardised first."""
    scales = [ScoreScale.of(scores) for scores in score_all(ensemble, reference_answers)]

    def reward(sequences: Sequences) -> Tensor:
        scores = score_all(ensemble, sequences)
        return combine(torch.stack([scale(row) for scale, row in zip(scales, scores, strict=True)]), how)

    return reward
