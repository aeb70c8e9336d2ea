"""Hundreds of reward heads at once, on one frozen body.

With the body frozen, the two answers of a pair are two vectors that never change, and all a linear head sees
of the pair is the difference of the two: its *lead*, (D,). The margin is `weights . lead` (the bias cancels).
So K heads on N pairs are one product of (K, D) with (D, N), and a whole phase diagram takes seconds.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from rlhf_lessons.keys import Key
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sequences import PairSet
from rlhf_lessons.pipeline import ensure, key_of
from rlhf_lessons.sweeps.results import remembered
from rlhf_lessons.world.annotators import curated_pairs
from rlhf_lessons.world.datasets import encode_pairs
from rlhf_lessons.world.tokenizer import course_tokenizer

EPOCHS = 100
LEARNING_RATES = tuple(np.geomspace(1e-5, 1, 11).round(6).tolist())
INIT_SCALES = (0.1, 0.3, 1.0, 3.0, 10.0, 20.0, 50.0, 100.0)
SIZES = (20, 50, 100, 200, 500, 1_000, 2_000, 4_000, 8_000)
SEEDS = (0, 1, 2)
N_HELD_OUT = 1_000
BETAS, EPSILON = (0.9, 0.999), 1e-8  # Adam's


@dataclass(frozen=True)
class Heads:
    """K heads by their settings, (K,) each. Head k learns from n_pairs[k] pairs, which its seed draws."""

    learning_rate: Tensor
    head_init_scale: Tensor
    n_pairs: Tensor
    seed: Tensor

    @classmethod
    def grid(
        cls, rates: Sequence[float], scales: Sequence[float], sizes: Sequence[int], seeds: Sequence[int]
    ) -> "Heads":
        """Every combination of the settings."""
        columns = zip(*itertools.product(rates, scales, sizes, seeds), strict=True)
        return cls(*map(torch.tensor, columns))

    def __len__(self) -> int:
        return len(self.seed)

    def first_weights(self, width: int) -> Tensor:
        """(K, width), drawn as `model.heads.RewardModel` draws them."""
        drawn = {s: torch.randn(width, generator=torch.Generator().manual_seed(s)) for s in self.seed.unique().tolist()}
        weights = torch.stack([drawn[s] for s in self.seed.tolist()])
        return weights * self.head_init_scale[:, None] / math.sqrt(width + 1)

    def shares(self, n_rows: int) -> Tensor:
        """(K, n_rows): 1 / n_pairs[k] for the rows that head k learns from, 0 elsewhere."""
        shares = torch.zeros(len(self), n_rows)
        for row, n, seed in zip(shares, self.n_pairs.tolist(), self.seed.tolist(), strict=True):
            row[torch.randperm(n_rows, generator=torch.Generator().manual_seed(seed))[:n]] = 1 / n
        return shares


@torch.no_grad()
def leads(body: GPT, pairs: PairSet) -> Tensor:
    """Hidden state at the EOS of the chosen minus that of the rejected answer, (N, D)."""
    states = []
    for part in (pairs.chosen, pairs.rejected):
        batches = (part[rows] for rows in torch.arange(len(part)).split(500))
        states.append(torch.cat([body.hidden_at(b.tokens, b.lengths[:, None] - 1)[:, 0] for b in batches]))
    return states[0] - states[1]


def gradient(weights: Tensor, leads: Tensor, shares: Tensor) -> Tensor:
    """Gradient (K, D) of each head's Bradley-Terry loss: mean over its pairs of (sigma(margin) - 1) lead."""
    margins = weights @ leads.T  # (K, D) @ (D, N) -> (K, N)
    return (shares * (margins.sigmoid() - 1)) @ leads  # (K, N) @ (N, D) -> (K, D)


@torch.no_grad()
def train_heads(
    leads: Tensor,
    heads: Heads,
    epochs: int = EPOCHS,
    climbs: bool = False,
    on_pass: Callable[[Tensor], None] | None = None,
) -> Tensor:
    """Weights (K, D) after full passes of Adam (Kingma and Ba 2015), the learning rates decaying linearly to 0.

    `climbs` turns the sign of every step, which is what the document's program does; `on_pass` gets a copy of the
    weights before the first pass and after each.
    """
    shares = heads.shares(len(leads))
    used = shares.any(dim=0)
    leads, shares = leads[used], shares[:, used]
    weights = heads.first_weights(leads.shape[1])
    mean, square = torch.zeros_like(weights), torch.zeros_like(weights)
    watch = on_pass or (lambda weights: None)
    watch(weights.clone())
    for step in range(1, epochs + 1):
        slope = gradient(weights, leads, shares)
        mean.lerp_(slope, 1 - BETAS[0])
        square.lerp_(slope**2, 1 - BETAS[1])
        direction = (mean / (1 - BETAS[0] ** step)) / ((square / (1 - BETAS[1] ** step)).sqrt() + EPSILON)
        rate = heads.learning_rate * (1 - (step - 1) / epochs)
        weights += (rate if climbs else -rate)[:, None] * direction
        watch(weights.clone())
    return weights


def judge_heads(weights: Tensor, leads: Tensor) -> dict[str, list[float]]:
    """Accuracy and NLL of each head on the pairs with these leads."""
    margins = weights @ leads.T
    return {
        "accuracy": (margins > 0).float().mean(dim=1).tolist(),
        "nll": (-F.logsigmoid(margins)).mean(dim=1).tolist(),
    }


def map_heads(
    leads: Tensor, judges: Tensor, scale: float, rates: Sequence[float], sizes: Sequence[int],
    seeds: Sequence[int] = SEEDS, climbs: bool = False,
) -> dict[str, Tensor]:  # fmt: skip
    """Accuracy and NLL on the pairs with the leads `judges`, (rates, sizes) each: the mean over the seeds."""
    columns = []
    for n in sizes:  # small sets apart from large ones, so that no head computes pairs which it does not learn from
        weights = [train_heads(leads, Heads.grid(rates, [scale], [n], [seed]), climbs=climbs) for seed in seeds]
        judged = [judge_heads(of_seed, judges) for of_seed in weights]
        columns.append({name: torch.tensor([j[name] for j in judged]).mean(dim=0) for name in judged[0]})
    return {name: torch.stack([column[name] for column in columns], dim=1) for name in columns[0]}


def phase_diagram(
    head_init_scale: Sequence[float] = (1.0,),
    n_pairs: Sequence[int] = (200,),
    learning_rate: Sequence[float] = LEARNING_RATES,
    seeds: Sequence[int] = SEEDS,
    remake: bool = False,
) -> pd.DataFrame:
    """Held-out accuracy and NLL of a head for every combination of the settings, one row a head."""
    axes = {"learning_rate": learning_rate, "head_init_scale": head_init_scale, "n_pairs": n_pairs, "seed": seeds}
    axes = {name: list(values) for name, values in axes.items()}
    key = Key.of("phase_diagram", axes, [measure_heads], [key_of("pretrained")])
    return pd.DataFrame(remembered(key, lambda: measure_heads(axes, ensure("pretrained").model), remake))


def measure_heads(axes: Mapping[str, Sequence[Any]], body: GPT) -> dict[str, Any]:
    """Columns: the settings of every combination of the axes (those of `Heads.grid`), accuracy and NLL held out."""
    train, held_out = (
        leads(body, encode_pairs(course_tokenizer(), curated_pairs(n, split)))
        for n, split in ((max(axes["n_pairs"]), "train"), (N_HELD_OUT, "held_out"))
    )
    judged = judge_heads(train_heads(train, Heads.grid(*axes.values())), held_out)
    return dict(zip(axes, zip(*itertools.product(*axes.values()), strict=True), strict=True)) | judged
