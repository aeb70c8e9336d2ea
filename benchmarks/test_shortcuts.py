"""The package's shortcuts, each against the plain way to the same result."""

import torch
from torch import Tensor

from benchmarks.timing import ratio
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sampling import draw, sample
from rlhf_lessons.model.sequences import PAD_ID
from rlhf_lessons.sweeps.phase_diagram import Heads, train_heads
from rlhf_lessons.world.datasets import corpus, encode_notes, encode_prompts, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

NEW_TOKENS = 16


def sample_without_cache(policy: GPT, tokens: Tensor, lengths: Tensor) -> None:
    """Computes whole rows anew for each token, and draws the likeliest. An untrained policy hardly ever ends early."""
    rows, tokens = torch.arange(len(tokens)), torch.nn.functional.pad(tokens, (0, NEW_TOKENS), value=PAD_ID)
    with torch.no_grad():
        for step in range(NEW_TOKENS):
            hidden = policy.hidden(tokens[:, : int(lengths.max()) + step])
            tokens[rows, lengths + step] = policy.logits(hidden[rows, lengths + step - 1]).argmax(dim=-1)


def test_sampling_with_a_cache_is_quicker_than_without(policy):
    prompts = encode_prompts(course_tokenizer(), prompts_in("held_out"))
    tokens, lengths = prompts.tokens, prompts.lengths
    assert (
        ratio(
            lambda: sample_without_cache(policy, tokens, lengths),
            lambda: sample(policy, prompts, NEW_TOKENS, temperature=0),
            "sampling, without a cache / with one",
        )
        > 1.0
    )


def test_drawing_tokens_is_quicker_than_with_multinomial(policy):
    logprobs = torch.randn(256, policy.config.vocab_size).log_softmax(dim=-1)
    assert (
        ratio(
            lambda: [torch.multinomial(logprobs.exp(), 1) for _ in range(NEW_TOKENS)],
            lambda: [draw(logprobs, 1.0, None) for _ in range(NEW_TOKENS)],
            "drawing, multinomial / our draw",
        )
        > 1.0
    )


def test_reading_the_last_token_alone_is_quicker_than_all(policy):
    """What a reward model does: only one position of the last block is computed."""
    notes = encode_notes(course_tokenizer(), corpus(256))
    last = notes.lengths[:, None] - 1
    assert (
        ratio(
            lambda: policy.hidden(notes.tokens).sum().backward(),
            lambda: policy.hidden_at(notes.tokens, last).sum().backward(),
            "a reward model's pass, all positions / the last",
        )
        > 1.0
    )


def test_heads_trained_together_are_quicker_than_one_by_one():
    leads = torch.randn(200, 96, generator=torch.Generator().manual_seed(0))
    rates = (1e-3, 1e-2, 1e-1)
    scales = (0.1, 1.0, 10.0)

    def one_by_one() -> None:
        for rate in rates:
            for scale in scales:
                train_heads(leads, Heads.grid([rate], [scale], [200], [0]))

    assert (
        ratio(
            one_by_one,
            lambda: train_heads(leads, Heads.grid(rates, scales, [200], [0])),
            "nine heads, one by one / together",
        )
        > 1.0
    )
