import pytest
import torch

from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.sampling import draw, sample

PAD, EOS = 0, 2
PROMPTS = torch.tensor([[1, 5, 3, 9], [1, 4, 0, 0], [1, 7, 8, 0]])
LENGTHS = torch.tensor([4, 2, 3])


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
    result = sample(model, PROMPTS, LENGTHS, 8, eos_id=EOS, pad_id=PAD, temperature=0)
    for row, length in enumerate(LENGTHS):
        expected = greedy_without_cache(model, PROMPTS[row, :length].tolist(), 8)
        assert result.tokens[row, : result.lengths[row]].tolist() == expected


def test_what_stands_in_the_padding_changes_nothing(model):
    other = PROMPTS.clone()
    other[1, 2:] = 9
    other[2, 3:] = 6
    first, second = (
        sample(model, prompts, LENGTHS, 6, eos_id=EOS, pad_id=PAD, generator=seeded()) for prompts in (PROMPTS, other)
    )
    assert torch.equal(first.tokens, second.tokens)
    torch.testing.assert_close(first.logprobs, second.logprobs)


@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.0])
def test_logprobs_are_those_of_the_model_at_temperature_1(model, temperature):
    result = sample(model, PROMPTS, LENGTHS, 6, eos_id=EOS, pad_id=PAD, temperature=temperature, generator=seeded())
    all_logprobs = model(result.tokens).log_softmax(-1)
    for row in range(3):
        start, end = LENGTHS[row], result.lengths[row]
        targets = result.tokens[row, start:end]
        expected = all_logprobs[row, start - 1 : end - 1].gather(1, targets[:, None])[:, 0]
        torch.testing.assert_close(result.logprobs[row, : end - start], expected)


def test_rows_stop_at_eos_and_the_mask_ends_there(model):
    prompts, lengths = PROMPTS[:1].expand(200, -1), LENGTHS[:1].expand(200)
    result = sample(model, prompts, lengths, 6, eos_id=EOS, pad_id=PAD, temperature=3.0, generator=seeded())
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
    result = sample(model, PROMPTS, LENGTHS, 6, eos_id=EOS, pad_id=PAD, temperature=3.0, generator=seeded(1))
    assert torch.equal(result.lengths, LENGTHS + result.response_mask.sum(1))
    assert result.tokens.shape == (3, result.lengths.max())
    for row in range(3):
        response = result.responses[row][result.response_mask[row]].tolist()
        expected = PROMPTS[row, : LENGTHS[row]].tolist() + response
        assert result.tokens[row].tolist() == expected + [PAD] * (result.tokens.shape[1] - len(expected))


def test_the_loop_ends_when_all_rows_have_stopped(model):
    with torch.no_grad():
        model.ln_f.weight.zero_()
        model.ln_f.bias.copy_(model.token_embedding.weight[EOS] * 100)
    calls = []
    model.ln_f.register_forward_hook(lambda *_: calls.append(1))
    result = sample(model, PROMPTS, LENGTHS, 6, eos_id=EOS, pad_id=PAD, temperature=0)
    assert result.responses.tolist() == [[EOS, 0, 0, 0, 0, 0]] * 3
    assert len(calls) == 1


def test_temperature_0_needs_no_luck_and_equal_generators_give_equal_answers(model):
    def tokens(temperature: float, seed: int) -> list:
        result = sample(
            model,
            PROMPTS,
            LENGTHS,
            6,
            eos_id=EOS,
            pad_id=PAD,
            temperature=temperature,
            generator=seeded(seed),
        )
        return result.responses.tolist()

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
    assert not sample(model, PROMPTS, LENGTHS, 2, eos_id=EOS, pad_id=PAD).logprobs.requires_grad


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
    arguments = {"prompts": PROMPTS, "prompt_lengths": LENGTHS, "max_new_tokens": 2, **change}
    with pytest.raises(ValueError, match=message):
        sample(model, **arguments, eos_id=EOS, pad_id=PAD)


def test_a_prompt_longer_than_the_context_is_refused(model):
    prompts = torch.ones(1, 13, dtype=torch.long)
    with pytest.raises(ValueError, match=r"prompt of 13 tokens.*context of 12"):
        sample(model, prompts, torch.tensor([13]), 1, eos_id=EOS, pad_id=PAD)
