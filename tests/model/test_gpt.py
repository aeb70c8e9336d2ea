import math

import pytest
import torch

from rlhf_lessons.model.gpt import GPT, GPTConfig

CONFIG = GPTConfig(vocab_size=11, context=10, layers=2, heads=2, width=8)
TOKENS = torch.tensor([[1, 5, 3, 9, 7, 2], [1, 4, 4, 10, 6, 8]])


@pytest.fixture
def model() -> GPT:
    """A model whose weights are large enough for every part to matter."""
    model = GPT(CONFIG, seed=3)
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            noise = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number))
            parameter.add_(0.3 * noise)
    return model


def test_forward_and_hidden_have_the_promised_shapes(model):
    assert model(TOKENS).shape == (2, 6, 11)
    assert model.hidden(TOKENS).shape == (2, 6, 8)


def test_a_later_token_changes_no_earlier_logits(model):
    changed = TOKENS.clone()
    changed[:, 4] = 0
    before, after = model(TOKENS), model(changed)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def test_an_earlier_token_reaches_the_last_position(model):
    changed = TOKENS.clone()
    changed[:, 0] = 0
    assert not torch.allclose(model(TOKENS)[:, -1], model(changed)[:, -1], atol=1e-3)


def test_positions_matter(model):
    same_word = torch.full((1, 4), 5)
    logits = model(same_word)[0]
    assert not torch.allclose(logits[0], logits[3], atol=1e-3)


def test_right_padding_changes_nothing(model):
    padded = torch.cat([TOKENS, torch.zeros(2, 3, dtype=torch.long)], dim=1)
    torch.testing.assert_close(model(padded)[:, :6], model(TOKENS))


def test_hidden_at_equals_hidden_at_these_positions(model):
    positions = torch.tensor([[5, 0], [2, 3]])
    expected = torch.stack([model.hidden(TOKENS)[row, positions[row]] for row in range(2)])
    torch.testing.assert_close(model.hidden_at(TOKENS, positions), expected)


def test_hidden_at_with_one_layer():
    model = GPT(GPTConfig(vocab_size=11, context=10, layers=1, heads=2, width=8))
    torch.testing.assert_close(model.hidden_at(TOKENS, torch.tensor([[3], [3]])), model.hidden(TOKENS)[:, 3:4])


def test_cached_one_by_one_equals_all_at_once(model):
    cache = model.new_cache(batch=2, slots=6)
    steps = [model.hidden_cached(TOKENS[:, t : t + 1], torch.full((2, 1), t), cache) for t in range(TOKENS.shape[1])]
    torch.testing.assert_close(torch.cat(steps, dim=1), model.hidden(TOKENS))


def test_the_output_is_tied_to_the_token_embedding(model):
    hidden = model.hidden(TOKENS)
    torch.testing.assert_close(model.logits(hidden), hidden @ model.token_embedding.weight.T)
    assert not any(parameter.shape == (11, 8) for name, parameter in model.named_parameters() if "token" not in name)


@pytest.mark.parametrize("config", [CONFIG, GPTConfig(vocab_size=160)])
def test_parameter_count_formula(config):
    embeddings = (config.vocab_size + config.context) * config.width
    block = 12 * config.width**2 + 13 * config.width
    assert GPT(config).parameter_count() == embeddings + config.layers * block + 2 * config.width


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    first, second, other = GPT(CONFIG, seed=1), GPT(CONFIG, seed=1), GPT(CONFIG, seed=2)
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, second.state_dict()[name]), name
    assert not torch.equal(first.token_embedding.weight, other.token_embedding.weight)


def test_initial_scales_are_those_of_gpt2():
    model = GPT(GPTConfig(vocab_size=400, layers=3))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif "ln_" in name:
            assert torch.equal(parameter, torch.ones_like(parameter)), name
        else:
            expected = 0.02 / math.sqrt(6) if "projection" in name else 0.02
            assert parameter.std().item() == pytest.approx(expected, rel=0.05), name


def test_an_untrained_model_predicts_about_evenly():
    logits = GPT(GPTConfig(vocab_size=100))(torch.arange(40).reshape(2, 20))
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.arange(50, 90))
    assert loss.item() == pytest.approx(math.log(100), abs=0.3)


def test_every_parameter_gets_a_gradient(model):
    model(TOKENS)[..., :5].square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"vocab_size": 0}, "vocab_size: 0 is not allowed"),
        ({"context": -1}, "context: -1 is not allowed"),
        ({"layers": 1.5}, "layers: 1.5 is not allowed"),
        ({"heads": True}, "heads: True is not allowed"),
        ({"width": 90}, r"width: 90 is not allowed; it must be a multiple of heads \(4\)"),
    ],
)
def test_config_refuses_impossible_sizes(sizes, message):
    with pytest.raises(ValueError, match=message):
        GPTConfig(**{"vocab_size": 11, **sizes})


def test_config_is_frozen():
    with pytest.raises(AttributeError):
        CONFIG.width = 16


@pytest.mark.parametrize("method", ["forward", "hidden"])
def test_rows_longer_than_the_context_are_refused(model, method):
    with pytest.raises(ValueError, match="length of 11 is not allowed; the context is 10"):
        getattr(model, method)(torch.ones(1, 11, dtype=torch.long))


@pytest.mark.parametrize("wrong", [-1, 11])
def test_ids_outside_the_vocabulary_are_refused(model, wrong):
    with pytest.raises(ValueError, match=f"outside the vocabulary: {wrong} is not allowed; it must be from 0 to 10"):
        model(torch.tensor([[1, wrong, 3]]))


@pytest.mark.parametrize("wrong", [-1, 6])
def test_hidden_at_refuses_positions_outside_the_row(model, wrong):
    with pytest.raises(ValueError, match=f"positions: {wrong} is not allowed; it must be from 0 to 5"):
        model.hidden_at(TOKENS, torch.tensor([[0], [wrong]]))
