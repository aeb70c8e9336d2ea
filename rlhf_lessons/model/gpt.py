"""GPT-2 in small: learned positions, pre-norm blocks, tanh GELU, biases everywhere, output tied to the input.

Radford et al. 2019, "Language Models are Unsupervised Multitask Learners".
In the shape comments B is the batch, T the tokens of a row, K the positions asked for, S the cache slots,
H the heads, d the width of a head, D the width of the model and V the vocabulary.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

INIT_STD = 0.02


@dataclass(frozen=True)
class GPTConfig:
    """Size of the model. Raises ValueError for a size under 1 or a width that the heads do not divide."""

    vocab_size: int
    context: int = 48
    layers: int = 2
    heads: int = 4
    width: int = 96

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{field.name}: {value!r} is not allowed; it must be a whole number from 1 up")
        if self.width % self.heads:
            raise ValueError(f"width: {self.width} is not allowed; it must be a multiple of heads ({self.heads})")


def check_range(name: str, whole_numbers: Tensor, low: int, high: int) -> None:
    """Raise a ValueError if any of the whole numbers is outside low to high; it names the smallest or largest."""
    if whole_numbers.numel():
        for end in whole_numbers.aminmax():
            if not low <= end <= high:
                raise ValueError(f"{name}: {end} is not allowed; it must be from {low} to {high}")


def pick(x: Tensor, positions: Tensor) -> Tensor:
    """Take from each row of x (B, T, D) its own positions (B, K), giving (B, K, D)."""
    return torch.take_along_dim(x, positions[..., None], dim=1)


def causal_mask(positions: Tensor, slots: int) -> Tensor:
    """(B, K) positions -> (B, 1, K, S): 0 where a position may look, minus infinity at every later slot."""
    later = torch.arange(slots) > positions[:, None, :, None]
    return torch.zeros(later.shape).masked_fill(later, -math.inf)


class LayerCache:
    """Keys and values one block has computed so far, (B, H, S, d) each: slot p belongs to position p."""

    def __init__(self, batch: int, slots: int, config: GPTConfig) -> None:
        shape = (batch, config.heads, slots, config.width // config.heads)
        self.keys = torch.zeros(shape)
        self.values = torch.zeros(shape)
        self.rows = torch.arange(batch)[:, None]

    def write(self, positions: Tensor, keys: Tensor, values: Tensor) -> None:
        """Store keys and values (B, H, T, d) of the tokens at positions (B, T), over what was there."""
        self.keys[self.rows, :, positions] = keys.transpose(1, 2)
        self.values[self.rows, :, positions] = values.transpose(1, 2)


class Attention(nn.Module):
    """Causal self-attention with several heads."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.head_width = config.width // config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.projection = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        positions = torch.arange(x.shape[1])[None]  # (1, T)
        return self.mix(*self.project(x), causal_mask(positions, x.shape[1]))

    def at(self, x: Tensor, positions: Tensor) -> Tensor:
        """Every token gives a key and a value, only the positions (B, K) ask: (B, T, D) -> (B, K, D)."""
        queries, keys, values = self.project(x)
        queries = torch.take_along_dim(queries, positions[:, None, :, None], dim=2)  # (B, H, K, d)
        return self.mix(queries, keys, values, causal_mask(positions, x.shape[1]))

    def cached(self, x: Tensor, positions: Tensor, cache: LayerCache) -> Tensor:
        """New tokens (B, T, D) at positions (B, T) look at themselves and at all that the cache holds."""
        queries, keys, values = self.project(x)
        cache.write(positions, keys, values)
        return self.mix(queries, cache.keys, cache.values, causal_mask(positions, cache.keys.shape[2]))

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, (B, H, T, d) each."""
        heads = self.qkv(x).unflatten(-1, (3, self.heads, self.head_width))  # (B, T, D) -> (B, T, 3, H, d)
        return heads.permute(2, 0, 3, 1, 4).unbind()  # 3 x (B, H, T, d)

    def mix(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Weigh the values by how well their keys answer each query: (B, H, K, d) -> (B, K, D)."""
        scores = (queries / math.sqrt(self.head_width)) @ keys.transpose(-2, -1)  # (B, H, K, S)
        weights = (scores + mask).softmax(dim=-1)  # (B, H, K, S)
        mixed = weights @ values  # (B, H, K, d)
        return self.projection(mixed.transpose(1, 2).flatten(2))  # (B, K, D)


class MLP(nn.Module):
    """Two linear layers with a GELU between them, applied to every position on its own."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.expand = nn.Linear(config.width, 4 * config.width)
        self.projection = nn.Linear(4 * config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.expand(x), approximate="tanh")  # (B, T, 4D)
        return self.projection(x)  # (B, T, D)


class Block(nn.Module):
    """Attention, then an MLP; each reads a normalised copy of the stream x and adds its result to it."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.width)
        self.attention = Attention(config)
        self.ln_2 = nn.LayerNorm(config.width)
        self.mlp = MLP(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))

    def at(self, x: Tensor, positions: Tensor) -> Tensor:
        x = pick(x, positions) + self.attention.at(self.ln_1(x), positions)  # (B, T, D) -> (B, K, D)
        return x + self.mlp(self.ln_2(x))

    def cached(self, x: Tensor, positions: Tensor, cache: LayerCache) -> Tensor:
        x = x + self.attention.cached(self.ln_1(x), positions, cache)
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """The language model. The same seed gives the same weights.

    All methods raise ValueError for rows longer than the context and for token ids outside the vocabulary.
    Rows are right-padded: a token never looks right, so padding changes nothing to its left.
    """

    def __init__(self, config: GPTConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.width)
        self.position_embedding = nn.Embedding(config.context, config.width)
        blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.blocks = cast(Sequence[Block], blocks)  # the type of a ModuleList does not say what it holds
        self.ln_f = nn.LayerNorm(config.width)
        self._initialise(torch.Generator().manual_seed(seed))

    def _initialise(self, generator: torch.Generator) -> None:
        # Each block adds to the stream twice: smaller projections keep its variance from growing with depth.
        residual_std = INIT_STD / math.sqrt(2 * self.config.layers)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif "projection" in name:
                nn.init.normal_(parameter, std=residual_std, generator=generator)
            elif "ln_" not in name:
                nn.init.normal_(parameter, std=INIT_STD, generator=generator)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T) -> logits (B, T, V); the logits at position t are for the token at t + 1."""
        return self.logits(self.hidden(tokens))

    def hidden(self, tokens: Tensor) -> Tensor:
        """Tokens (B, T) -> the last hidden states (B, T, D), after the final layer norm."""
        x = self._embed(tokens, torch.arange(tokens.shape[1]))  # (B, T, D)
        for block in self.blocks:
            x = block(x)
        return self.ln_f(x)

    def hidden_at(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """What `hidden` gives at positions (B, K), as (B, K, D), with the last block computed only there."""
        check_range("positions", positions, 0, tokens.shape[1] - 1)
        x = self._embed(tokens, torch.arange(tokens.shape[1]))  # (B, T, D)
        for block in self.blocks[:-1]:
            x = block(x)
        return self.ln_f(self.blocks[-1].at(x, positions))  # (B, K, D)

    def hidden_cached(self, tokens: Tensor, positions: Tensor, cache: list[LayerCache]) -> Tensor:
        """Hidden states (B, T, D) of new tokens (B, T) at positions (B, T), which join the cache."""
        x = self._embed(tokens, positions)  # (B, T, D)
        for block, layer_cache in zip(self.blocks, cache, strict=True):
            x = block.cached(x, positions, layer_cache)
        return self.ln_f(x)

    def new_cache(self, batch: int, slots: int) -> list[LayerCache]:
        """An empty cache for `hidden_cached`: one entry a block, with room for positions 0 to slots - 1."""
        return [LayerCache(batch, slots, self.config) for _ in self.blocks]

    def logits(self, hidden: Tensor) -> Tensor:
        """Hidden states (..., D) -> logits (..., V); the token embedding serves a second time, as output."""
        return hidden @ self.token_embedding.weight.T

    def parameter_count(self) -> int:
        """Number of weights; the tied embedding counts once."""
        return sum(parameter.numel() for parameter in self.parameters())

    def _embed(self, tokens: Tensor, positions: Tensor) -> Tensor:
        context = self.config.context
        if tokens.shape[1] > context:
            raise ValueError(f"tokens: a length of {tokens.shape[1]} is not allowed; the context is {context} tokens")
        check_range("tokens: an id outside the vocabulary", tokens, 0, self.config.vocab_size - 1)
        return self.token_embedding(tokens) + self.position_embedding(positions)  # (B, T) -> (B, T, D)
