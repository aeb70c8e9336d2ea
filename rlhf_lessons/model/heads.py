"""Scalar heads on a GPT body: a reward for a whole answer, a value for every position."""

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn

from rlhf_lessons import knobs
from rlhf_lessons.model.gpt import GPT, check_range

# Spread of a head's first weights, from the width of what it reads; each is multiplied by head_init_scale.
HEAD_INITS: Mapping[knobs.HeadInit, Callable[[int], float]] = {
    "normal": lambda width: 1 / math.sqrt(width + 1),  # Stiennon et al. 2020
    "xavier": lambda width: math.sqrt(2 / (width + 1)),  # Glorot and Bengio 2010
    "he": lambda width: math.sqrt(2 / width),  # He et al. 2015
}


class RewardModel(nn.Module):
    """One linear layer on the hidden state of the last token gives the reward of the whole sequence.

    head_init: the spread that the first weights are drawn with, one of HEAD_INITS.
    head_init_scale: a factor on that spread; 0 gives a zero head.
    reward_offset: the first bias; the Bradley-Terry loss sees only differences, so it never corrects it.
    bound: "none", or "tanh" for rewards of bound_scale * tanh(raw reward).
    The body is used as it is, not copied; see `from_policy`. Raises ValueError for settings out of range.
    Source: Stiennon et al. 2020, section 3.4; head init of Ziegler et al. 2019.
    """

    @knobs.checked
    def __init__(
        self,
        body: GPT,
        head_init_scale: knobs.HeadInitScale = 0.0,
        reward_offset: knobs.RewardOffset = 0.0,
        bound: knobs.Bound = "none",
        bound_scale: knobs.BoundScale = 1.0,
        seed: int = 0,
        head_init: knobs.HeadInit = "normal",
    ) -> None:
        super().__init__()
        self.body = body
        self.bound = bound
        self.bound_scale = bound_scale
        self.head = nn.Linear(body.config.width, 1)
        std = head_init_scale * HEAD_INITS[head_init](body.config.width)
        nn.init.normal_(self.head.weight, std=std, generator=torch.Generator().manual_seed(seed))
        nn.init.constant_(self.head.bias, reward_offset)

    @classmethod
    def from_policy(cls, policy: GPT, **settings: Any) -> Self:
        """A reward model on a deep copy of the policy's weights; training it leaves the policy alone.

        settings: all that the class itself takes, except the body.
        """
        return cls(copy.deepcopy(policy), **settings)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Right-padded tokens (B, T) and the lengths (B,) of their rows -> rewards (B,)."""
        if lengths.shape != tokens.shape[:1]:
            raise ValueError(f"lengths: shape {tuple(lengths.shape)} does not fit tokens {tuple(tokens.shape)}")
        check_range("lengths", lengths, 1, tokens.shape[1])
        last = (lengths - 1)[:, None]  # (B, 1)
        reward = self.head(self.body.hidden_at(tokens, last)).flatten()  # (B, 1, D) -> (B,)
        return self.bound_scale * reward.tanh() if self.bound == "tanh" else reward


class ValueModel(nn.Module):
    """One linear layer, zero at first, gives at each position the value of the sequence up to there.

    The body is used as it is, not copied; see `from_policy`. Source: Ziegler et al. 2019, section 2.2.
    """

    def __init__(self, body: GPT) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.config.width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @classmethod
    def from_policy(cls, policy: GPT) -> Self:
        """A value model on a deep copy of the policy's weights; training it leaves the policy alone."""
        return cls(copy.deepcopy(policy))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T) -> values (B, T); the value at t has seen the tokens 0 to t."""
        return self.head(self.body.hidden(tokens)).squeeze(-1)  # (B, T, D) -> (B, T)
