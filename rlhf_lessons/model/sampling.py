"""Sampling from a language model with a cache of keys and values.

Prompts of different lengths are right-padded. The cache keeps the token at position p of a row in slot p, and
a token sees only the slots up to its own. So padding does no harm: each sampled token overwrites the next slot
that padding had filled, before any token can see that slot.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from rlhf_lessons import knobs
from rlhf_lessons.model.gpt import GPT, check_range
from rlhf_lessons.model.sequences import EOS_ID, PAD_ID, Sequences


@dataclass(frozen=True)
class Sample:
    """Sampled answers; B rows, N = max_new_tokens.

    sequences: prompts with their responses, B rows.
    responses (B, N): the sampled tokens alone, padding after eos.
    response_mask (B, N): true for sampled tokens, eos included.
    logprobs (B, N): log-probability of each sampled token under the model at temperature 1, whatever the
        temperature of the draw; 0 outside the response.
    """

    sequences: Sequences
    responses: Tensor
    response_mask: Tensor
    logprobs: Tensor


@torch.no_grad()
@knobs.checked
def sample(
    model: GPT,
    prompts: Sequences,
    max_new_tokens: knobs.MaxNewTokens,
    temperature: knobs.Temperature = 1.0,
    generator: torch.Generator | None = None,
) -> Sample:
    """Continue each of B prompts until eos or for max_new_tokens.

    prompts: what stands after a row's prompt is ignored.
    temperature: divides the logits before the draw; 0 takes the likeliest token.
    The same state of the generator gives the same tokens.
    Raises ValueError for a value out of range and for prompts that leave the context too little room.
    """
    _check(model, prompts, max_new_tokens)
    prompt_lengths = prompts.prompt_lengths
    batch, longest = len(prompt_lengths), int(prompt_lengths.max())
    responses = torch.full((batch, max_new_tokens), PAD_ID)
    logprobs = torch.zeros(batch, max_new_tokens)
    response_mask = torch.zeros(batch, max_new_tokens, dtype=torch.bool)

    cache = model.new_cache(batch, longest + max_new_tokens)
    tokens = prompts.tokens[:, :longest]  # (B, P)
    positions = torch.arange(longest).expand_as(tokens)  # (B, P)
    hidden = model.hidden_cached(tokens, positions, cache)  # (B, P, D)
    hidden = hidden[torch.arange(batch), prompt_lengths - 1]  # (B, D)
    running = torch.ones(batch, dtype=torch.bool)
    for step in range(max_new_tokens):
        step_logprobs = model.logits(hidden).log_softmax(dim=-1)  # (B, V)
        drawn = draw(step_logprobs, temperature, generator)  # (B,)
        responses[running, step] = drawn[running]
        logprobs[running, step] = step_logprobs.gather(1, drawn[:, None])[running, 0]
        response_mask[:, step] = running
        running = running & (drawn != EOS_ID)
        if step + 1 == max_new_tokens or not running.any():
            break
        positions = (prompt_lengths + step)[:, None]  # (B, 1)
        hidden = model.hidden_cached(responses[:, step : step + 1], positions, cache)[:, 0]  # (B, D)
    return Sample(pack(tokens, prompt_lengths, responses, response_mask), responses, response_mask, logprobs)


def draw(logprobs: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """One token (B,) for each row of log-probabilities (B, V)."""
    if temperature == 0:
        return logprobs.argmax(dim=-1)
    # Inverting the cumulative sum draws the same as torch.multinomial, in a fifth of its time.
    cumulative = (logprobs / temperature).softmax(dim=-1).cumsum(dim=-1)  # (B, V)
    uniform = torch.rand(len(logprobs), 1, generator=generator)
    token = torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True)  # (B, 1)
    return token.squeeze(1).clamp(max=logprobs.shape[1] - 1)


def pack(prompts: Tensor, prompt_lengths: Tensor, responses: Tensor, response_mask: Tensor) -> Sequences:
    """Join prompts (B, P) and responses (B, N) without a gap, right-padded to the longest row."""
    lengths = prompt_lengths + response_mask.sum(dim=1)
    positions = torch.arange(int(lengths.max()))
    in_prompt = torch.arange(prompts.shape[1]) < prompt_lengths[:, None]  # (B, P)
    tokens = torch.full((len(prompts), len(positions)), PAD_ID)
    tokens[positions < prompt_lengths[:, None]] = prompts[in_prompt]
    in_response = (positions >= prompt_lengths[:, None]) & (positions < lengths[:, None])  # (B, L)
    tokens[in_response] = responses[response_mask]
    return Sequences(tokens, prompt_lengths, lengths)


def _check(model: GPT, prompts: Sequences, max_new_tokens: int) -> None:
    tokens, prompt_lengths = prompts.tokens, prompts.prompt_lengths
    if tokens.ndim != 2 or prompt_lengths.shape != tokens.shape[:1] or not len(tokens):
        shapes = f"{tuple(tokens.shape)} and {tuple(prompt_lengths.shape)}"
        raise ValueError(f"tokens, prompt_lengths: shapes {shapes} are not allowed; they must be (B, P) and (B,)")
    check_range("prompt_lengths", prompt_lengths, 1, tokens.shape[1])
    longest = int(prompt_lengths.max())
    if longest + max_new_tokens > model.config.context:
        raise ValueError(
            f"max_new_tokens: {max_new_tokens} is not allowed after a prompt of {longest} tokens; "
            f"together they must not exceed the context of {model.config.context}"
        )
