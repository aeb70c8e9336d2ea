import math

import pytest
import torch

from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.heads import RewardModel, ValueModel

CONFIG = GPTConfig(vocab_size=11, context=10, layers=2, heads=2, width=8)
TOKENS = torch.tensor([[1, 5, 3, 9, 7, 2], [1, 4, 4, 2, 0, 0]])
LENGTHS = torch.tensor([6, 4])


def test_reward_reads_the_last_token():
    model = RewardModel(GPT(CONFIG), head_init_scale=1.0, reward_offset=0.5)
    hidden = model.body.hidden(TOKENS)
    expected = torch.stack([hidden[0, 5], hidden[1, 3]]) @ model.head.weight[0] + 0.5
    torch.testing.assert_close(model(TOKENS, LENGTHS), expected)


def test_padding_changes_no_reward():
    model = RewardModel(GPT(CONFIG), head_init_scale=1.0)
    wider = torch.nn.functional.pad(TOKENS, (0, 3), value=8)
    torch.testing.assert_close(model(wider, LENGTHS), model(TOKENS, LENGTHS))


def test_a_zero_head_gives_the_offset():
    model = RewardModel(GPT(CONFIG), reward_offset=-10.0)
    assert model(TOKENS, LENGTHS).tolist() == [-10.0, -10.0]


@pytest.mark.parametrize(
    ("head_init", "spread"), [("normal", 257**-0.5), ("xavier", (2 / 257) ** 0.5), ("he", (2 / 256) ** 0.5)]
)
def test_named_initialisations_differ_in_their_spread(head_init, spread):
    body = GPT(GPTConfig(vocab_size=11, context=10, layers=1, heads=2, width=256))
    weights = RewardModel(body, head_init_scale=1.0, head_init=head_init).head.weight
    assert weights.std().item() == pytest.approx(spread, rel=0.15)


def test_head_init_scale():
    body = GPT(GPTConfig(vocab_size=11, heads=1, width=1600, layers=1, context=2))
    std = RewardModel(body, head_init_scale=3.0).head.weight.std().item()
    assert std == pytest.approx(3.0 / math.sqrt(1601), rel=0.1)


def test_head_seed():
    heads = [RewardModel(GPT(CONFIG), head_init_scale=1.0, seed=seed).head.weight for seed in (1, 1, 2)]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_tanh_bound():
    free = RewardModel(GPT(CONFIG), head_init_scale=5.0, reward_offset=1.0)
    bounded = RewardModel(GPT(CONFIG), head_init_scale=5.0, reward_offset=1.0, bound="tanh", bound_scale=2.0)
    torch.testing.assert_close(bounded(TOKENS, LENGTHS), 2 * free(TOKENS, LENGTHS).tanh())


def test_from_policy_copies_the_body():
    policy = GPT(CONFIG)
    model = RewardModel.from_policy(policy, head_init_scale=1.0, seed=4)
    before = policy.token_embedding.weight.clone()
    assert torch.equal(model.body.token_embedding.weight, before)
    with torch.no_grad():
        model.body.token_embedding.weight.add_(1.0)
    assert torch.equal(policy.token_embedding.weight, before)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"head_init_scale": -1.0}, "head_init_scale: -1.0 is not allowed"),
        ({"reward_offset": math.inf}, "reward_offset: inf is not allowed"),
        ({"bound": "relu"}, "bound: 'relu' is not allowed; it must be one of none, tanh"),
        ({"head_init": "lucky"}, "head_init: 'lucky' is not allowed; it must be one of normal, xavier, he"),
        ({"bound_scale": 0.0}, "bound_scale: 0.0 is not allowed"),
    ],
)
def test_reward_model_refuses_settings_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        RewardModel(GPT(CONFIG), **settings)


@pytest.mark.parametrize("lengths", [[6], [0, 4], [6, 7]])
def test_lengths_that_do_not_fit_are_refused(lengths):
    with pytest.raises(ValueError, match="lengths"):
        RewardModel(GPT(CONFIG))(TOKENS, torch.tensor(lengths))


def test_value_model_starts_at_zero_with_one_value_a_position():
    values = ValueModel(GPT(CONFIG))(TOKENS)
    assert values.shape == (2, 6)
    assert not values.any()


def test_value_model_looks_left_only():
    model = ValueModel.from_policy(GPT(CONFIG))
    torch.nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(0))
    values = model(TOKENS)
    changed = TOKENS.clone()
    changed[:, 3] = 10
    torch.testing.assert_close(model(changed)[:, :3], values[:, :3])


def test_value_model_from_policy_copies_the_body():
    policy = GPT(CONFIG)
    assert ValueModel.from_policy(policy).body is not policy
