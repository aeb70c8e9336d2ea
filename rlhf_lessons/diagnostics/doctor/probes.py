"""Experiments on a reward model: which parts get a gradient, what is lost after the head, which token is read.

Each takes a model `(tokens (B, T), lengths (B,)) -> rewards (B,)` and leaves it as it was.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor, nn

from rlhf_lessons.model.sequences import PairSet, Sequences, join
from rlhf_lessons.objectives.preference import bradley_terry_loss

MOST_PAIRS = 128  # enough for a mean gradient, and quick


def gradients(model: nn.Module, pairs: PairSet) -> pd.DataFrame:
    """Mean and largest absolute gradient of the Bradley-Terry loss, a row a group of parameters.

    Index: the group (`body.blocks.0`, `head`); columns mean_gradient, largest_gradient, weights (count).
    """
    both = answers_of(pairs)
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    chosen, rejected = model(both.tokens, both.lengths).chunk(2)
    loss = bradley_terry_loss(chosen, rejected)
    by_parameter = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True, materialize_grads=True)
    groups: dict[str, list[Tensor]] = {}
    for name, gradient in zip(parameters, by_parameter, strict=True):
        groups.setdefault(_group(name), []).append(gradient.abs().flatten())
    sizes = {group: torch.cat(parts) for group, parts in groups.items()}
    rows = {
        group: {"mean_gradient": float(all_.mean()), "largest_gradient": float(all_.max()), "weights": len(all_)}
        for group, all_ in sizes.items()
    }
    return pd.DataFrame(rows).T.astype({"weights": int})


def _group(name: str) -> str:
    """`body.blocks.0.mlp.expand.weight` -> `body.blocks.0`; `head.bias` -> `head`."""
    parts = name.split(".")[:-1] or [name]
    deep = next((place for place, part in enumerate(parts) if part.isdigit()), 1)
    return ".".join(parts[: deep + 1])


@dataclass(frozen=True)
class HeadProbe:
    """Standard deviations of what goes into the end of the model and what comes out, over all answers.

    raw_mean, raw_std: of the last linear layer with one output; reward_std: of the rewards;
    recentred_std: of the rewards once that layer's bias is moved so that its mean output is 0.
    """

    raw_mean: float
    raw_std: float
    reward_std: float
    recentred_std: float


def probe_head(model: nn.Module, pairs: PairSet) -> HeadProbe | None:
    """Is the head's spread lost on the way to the reward, and does moving the head to 0 bring it back?

    None if the model has no linear layer with one output and a bias.
    """
    centred = copy.deepcopy(model)  # its head is moved below
    head = find_head(centred)
    if head is None:
        return None
    both = answers_of(pairs)
    with _recorded(head) as outputs:
        rewards = _score(centred, both)
    raw = outputs[-1].flatten().double()
    with torch.no_grad():
        head.bias.sub_(raw.mean().float())
    stds = (float(values.double().std()) for values in (raw, rewards, _score(centred, both)))
    return HeadProbe(float(raw.mean()), *stds)


def find_head(model: nn.Module) -> nn.Linear | None:
    """The last linear layer with one output and a bias."""
    layers = [m for m in model.modules() if isinstance(m, nn.Linear) and m.out_features == 1 and m.bias is not None]
    return layers[-1] if layers else None


@contextmanager
def _recorded(layer: nn.Module) -> Iterator[list[Tensor]]:
    outputs: list[Tensor] = []
    handle = layer.register_forward_hook(lambda *call: outputs.append(call[-1]))
    try:
        yield outputs
    finally:
        handle.remove()


@dataclass(frozen=True)
class ReadOutProbe:
    """How far the rewards move, at most, when a token is replaced: the last one, or the padding behind it."""

    last_token: float
    padding: float
    reward_std: float


def probe_read_out(model: nn.Module, pairs: PairSet) -> ReadOutProbe:
    """Does the reward depend on the last token, and on the padding? Each is replaced by the first token (bos)."""
    both = answers_of(pairs)
    rewards, rows = _score(model, both), torch.arange(len(both))
    other_end, other_padding = both.tokens.clone(), both.tokens.clone()
    other_end[rows, both.lengths - 1] = both.tokens[:, 0]
    beyond = torch.arange(both.tokens.shape[1]) >= both.lengths[:, None]
    other_padding[beyond] = both.tokens[:, :1].expand_as(both.tokens)[beyond]

    def largest_change(tokens: Tensor) -> float:
        return float((_score(model, Sequences(tokens, both.prompt_lengths, both.lengths)) - rewards).abs().max())

    return ReadOutProbe(largest_change(other_end), largest_change(other_padding), float(rewards.std()))


def answers_of(pairs: PairSet) -> Sequences:
    """Both answers of at most 128 pairs, the chosen ones first."""
    pairs = pairs[slice(0, MOST_PAIRS)]
    return join(pairs.chosen, pairs.rejected)


@torch.no_grad()
def _score(model: nn.Module, answers: Sequences) -> Tensor:
    return model(answers.tokens, answers.lengths)
