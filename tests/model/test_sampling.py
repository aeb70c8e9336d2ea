import pytest
import torch

from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.sampling import draw, sample
from rlhf_lessons.model.sequences import EOS_ID as EOS
from rlhf_lessons.model.sequences import PAD_ID as PAD
from rlhf_lessons.model.sequences import Sequences

TOKENS = torch.tensor([[1, 5, 3, 9], [1, 4, 0, 0], [1, 7, 8, 0]])
LENGTHS = torch.tensor([4, 2, 3])
PROMPTS = Sequences(TOKENS, LENGTHS, LENGTHS)


@pytest.fixture
def model() -> GPT:
    """A random model with clear preferences, so that greedy answers differ from row to row."""
    model = GPT(GPTConfig(vocab_size=11, context=12, layers=2, heads=2, width=8), seed=5)
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=generator))
    return model


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def greedy_without_cache(model: GPT, prompt: list[int], max_new_tokens: int) -> list[int]:
    tokens = list(prompt)
    for _ in range(max_new_tokens):
        tokens.append(model(torch.tensor([tokens]))[0, -1].argmax().item())
        if tokens[-1] == EOS:
            break
    return tokens


def test_cached_greedy_equals_uncached_greedy_for_prompts_of_different_lengths(model):
    result = sample(model, PROMPTS, 8, temperature=0)
    for row, length in enumerate(LENGTHS):
        expected = greedy_without_cache(model, TOKENS[row, :length].tolist(), 8)
        assert result.sequences.tokens[row, : result.sequences.lengths[row]].tolist() == expected


def test_what_stands_in_the_padding_changes_nothing(model):
    tokens = TOKENS.clone()
    tokens[1, 2:] = 9
    tokens[2, 3:] = 6
    other = Sequences(tokens, LENGTHS, LENGTHS)
    first, second = (sample(model, prompts, 6, generator=seeded()) for prompts in (PROMPTS, other))
    assert torch.equal(first.sequences.tokens, second.sequences.tokens)
    torch.testing.assert_close(first.logprobs, second.logprobs)


@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.0])
def test_logprobs_are_those_of_the_model_at_temperature_1(model, temperature):
    result = sample(model, PROMPTS, 6, temperature=temperature, generator=seeded())
    all_logprobs = model(result.sequences.tokens).log_softmax(-1)
    for row in range(3):
        start, end = LENGTHS[row], result.sequences.lengths[row]
        targets = result.sequences.tokens[row, start:end]
        expected = all_logprobs[row, start - 1 : end - 1].gather(1, targets[:, None])[:, 0]
        torch.testing.assert_close(result.logprobs[row, : end - start], expected)


def test_rows_stop_at_eos_and_the_mask_ends_there(model):
    result = sample(model, PROMPTS[torch.zeros(200, dtype=torch.long)], 6, temperature=3.0, generator=seeded())
    stopped_early = 0
    for response, mask, logprobs in zip(result.responses, result.response_mask, result.logprobs, strict=True):
        count = int(mask.sum())
        stopped_early += count < 6
        assert mask[:count].all() and not mask[count:].any()
        assert EOS not in response[: count - 1]
        assert count == 6 or response[count - 1] == EOS
        assert (response[count:] == PAD).all() and (logprobs[count:] == 0).all()
        assert (logprobs[:count] < 0).all()
    assert 0 < stopped_early < 200


def test_tokens_are_packed_without_a_gap(model):
    result = sample(model, PROMPTS, 6, temperature=3.0, generator=seeded(1))
    assert torch.equal(result.sequences.lengths, LENGTHS + result.response_mask.sum(1))
    assert result.sequences.tokens.shape == (3, result.sequences.lengths.max())
    for row in range(3):
        response = result.responses[row][result.response_mask[row]].tolist()
        row_tokens, expected = result.sequences.tokens[row].tolist(), TOKENS[row, : LENGTHS[row]].tolist() + response
        assert row_tokens == expected + [PAD] * (len(row_tokens) - len(expected))


def test_the_loop_ends_when_all_rows_have_stopped(model):
    with torch.no_grad():
        model.ln_f.weight.zero_()
        model.ln_f.bias.copy_(model.token_embedding.weight[EOS] * 100)
    calls = []
    model.ln_f.register_forward_hook(lambda *_: calls.append(1))
    result = sample(model, PROMPTS, 6, temperature=0)
    assert result.responses.tolist() == [[EOS, 0, 0, 0, 0, 0]] * 3
    assert len(calls) == 1


def test_temperature_0_needs_no_luck_and_equal_generators_give_equal_answers(model):
    def tokens(temperature: float, seed: int) -> list:
        return sample(model, PROMPTS, 6, temperature, seeded(seed)).responses.tolist()

    assert tokens(0, 1) == tokens(0, 2)
    assert tokens(2, 1) == tokens(2, 1)
    assert tokens(2, 1) != tokens(2, 2)


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_draw_follows_the_probabilities(temperature):
    logprobs = torch.tensor([0.5, 0.0, 0.3, 0.2]).log()
    drawn = draw(logprobs.expand(40_000, 4), temperature, seeded())
    expected = (logprobs / temperature).softmax(0)
    torch.testing.assert_close(drawn.bincount(minlength=4) / 40_000, expected, atol=0.01, rtol=0)
    assert (drawn != 1).all()


def test_sampling_leaves_no_graph(model):
    assert not sample(model, PROMPTS, 2).logprobs.requires_grad


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_new_tokens": 9}, "max_new_tokens: 9 is not allowed after a prompt of 4 tokens.*context of 12"),
        ({"max_new_tokens": 0}, "max_new_tokens: 0 is not allowed"),
        ({"temperature": -0.1}, "temperature: -0.1 is not allowed"),
        (
            {"prompt_lengths": torch.tensor([4, 0, 3])},
            "prompt_lengths: 0 is not allowed; it must be from 1 to 4",
        ),
        (
            {"prompt_lengths": torch.tensor([5, 2, 3])},
            "prompt_lengths: 5 is not allowed; it must be from 1 to 4",
        ),
        ({"prompt_lengths": torch.tensor([4, 2])}, r"shapes \(3, 4\) and \(2,\) are not allowed"),
    ],
)
def test_what_cannot_be_sampled_is_refused(model, change, message):
    arguments = {"prompt_lengths": LENGTHS, "max_new_tokens": 2, **change}
    lengths = arguments.pop("prompt_lengths")
    with pytest.raises(ValueError, match=message):
        sample(model, Sequences(TOKENS, lengths, lengths), **arguments)


def test_a_prompt_longer_than_the_context_is_refused(model):
    lengths = torch.tensor([13])
    with pytest.raises(ValueError, match=r"prompt of 13 tokens.*context of 12"):
        sample(model, Sequences(torch.ones(1, 13, dtype=torch.long), lengths, lengths), 1)
