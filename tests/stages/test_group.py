"""RLOO and GRPO: what a group's answers are worth, on a policy small enough to check by hand."""

import copy

import pytest
import torch

from rlhf_lessons.objectives.likelihood import token_logprobs
from rlhf_lessons.stages.group import (
    GroupSettings,
    GRPOSettings,
    answer_in_groups,
    collect,
    describe,
    policy_loss,
    train_group,
)
from rlhf_lessons.stages.rollout import response_logits

SMALL = {"updates": 3, "rollout_size": 32, "group_size": 4, "minibatch_size": 16, "max_new_tokens": 6}
WAYS = {"rloo": GroupSettings(**SMALL), "grpo": GRPOSettings(**SMALL)}


def odd_tokens(sequences):
    """A reward that is easy to check and to climb: how many tokens have an odd id. Padding has an even one."""
    return (sequences.tokens % 2).sum(1).float()


@pytest.fixture
def make(tiny, prompts):
    """A rollout under these settings, whose answers score 0 to 31."""

    def make_(settings):
        drawn = answer_in_groups(tiny, prompts, settings, torch.Generator().manual_seed(0))
        reference = type(tiny)(tiny.config, seed=1)
        return collect(drawn, torch.arange(32.0), reference, settings)

    return make_


def test_a_group_answers_one_prompt(tiny, prompts):
    drawn = answer_in_groups(tiny, prompts, WAYS["rloo"], torch.Generator().manual_seed(0))
    lengths = drawn.sequences.prompt_lengths.reshape(-1, 4)
    for row in range(8):
        asked = [drawn.sequences.tokens[4 * row + k, : int(lengths[row, 0])].tolist() for k in range(4)]
        assert all(prompt == asked[0] for prompt in asked)
    assert len(drawn.responses) == 32


def test_rloo_takes_the_price_off_the_reward_and_the_siblings_mean_off_that(make):
    settings = WAYS["rloo"].model_copy(update={"kl_coef": 0.3})
    made = make(settings)
    price = 0.3 * ((made.logprobs - made.ref_logprobs) * made.response_mask).sum(1)
    earned = torch.arange(32.0) - 1.0 * ~made.ended - price
    torch.testing.assert_close(made.rewards.sum(1), earned)
    for row in range(32):
        siblings = [k for k in range(row - row % 4, row - row % 4 + 4) if k != row]
        worth = earned[row] - earned[siblings].mean()
        assert made.advantages[row, 0] == pytest.approx(float(worth), abs=1e-4)
        assert made.values[row, 0] == pytest.approx(float(earned[siblings].mean()), abs=1e-4)
    assert (made.advantages[~made.response_mask] == 0).all()


def test_grpo_prices_nothing_in_the_reward_and_divides_twice(make):
    made = make(WAYS["grpo"])
    earned = (torch.arange(32.0) - 1.0 * ~made.ended).reshape(-1, 4)
    lengths = made.response_mask.sum(1)
    share = ((earned - earned.mean(1, keepdim=True)) / (earned.std(1, keepdim=True) + 1e-4)).flatten()
    torch.testing.assert_close(made.advantages[:, 0], share * lengths.float().mean() / lengths, atol=1e-4, rtol=1e-4)


def test_division_by_length_is_a_mean_over_answers(make, tiny):
    """The loss over all tokens, with advantages divided by length, is the mean over answers of their token means."""
    made, settings = make(WAYS["grpo"]), WAYS["grpo"].model_copy(update={"kl_coef": 0.0})
    loss, _ = policy_loss(tiny, made, settings)
    plain = make(settings.model_copy(update={"scale_by_length": False}))
    ratio = (token_logprobs(response_logits(tiny, made.sequences, 6), made.responses) - made.logprobs).exp()
    lengths = made.response_mask.sum(1)
    by_answer = (ratio * plain.advantages * made.response_mask).sum(1) / lengths
    assert loss.item() == pytest.approx(-by_answer.mean().item(), abs=1e-5)


def test_the_first_step_goes_along_the_score_function(make, tiny):
    """While the policy is the one that sampled, the gradient is that of -mean A log pi: REINFORCE."""
    made, settings = make(WAYS["rloo"]), WAYS["rloo"]
    policy_loss(tiny, made, settings)[0].backward()
    clipped = [p.grad.clone() for p in tiny.parameters()]
    tiny.zero_grad()
    logprobs = token_logprobs(response_logits(tiny, made.sequences, 6), made.responses)
    (-(made.advantages * logprobs)[made.response_mask].mean()).backward()
    for one, parameter in zip(clipped, tiny.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad, atol=1e-5, rtol=1e-3)


def test_k3_in_the_loss_pulls_back_to_the_reference(make, tiny):
    made = make(WAYS["grpo"])
    losses = [
        policy_loss(tiny, made, WAYS["grpo"].model_copy(update={"kl_coef": coef}))[0].item() for coef in (0.0, 1.0)
    ]
    difference = (made.logprobs - made.ref_logprobs)[made.response_mask]
    assert losses[1] - losses[0] == pytest.approx(((-difference).expm1() + difference).mean().item(), rel=1e-3)


def test_groups_without_spread_are_counted_and_move_nothing(tiny, prompts):
    before = [p.clone() for p in tiny.parameters()]
    settings = WAYS["grpo"].model_copy(update={"kl_coef": 0.0, "missing_eos_penalty": 0.0})
    history = train_group(tiny, prompts, settings, lambda s: torch.ones(len(s)), standardise=False)
    assert [record["zero_spread"] for record in history] == [1.0] * 3
    assert [record["grad_norm"] for record in history] == [0.0] * 3
    assert all(torch.equal(a, b) for a, b in zip(before, tiny.parameters(), strict=True))


@pytest.mark.parametrize("way", WAYS)
def test_it_climbs_a_simple_reward_and_the_seed_makes_the_run(tiny, prompts, way):
    settings = WAYS[way].model_copy(update={"updates": 15, "learning_rate": 3e-3, "rollout_size": 64})
    runs = [train_group(copy.deepcopy(tiny), prompts, settings, odd_tokens).records for _ in range(2)]
    assert runs[0] == runs[1]
    gain = sum(r["score"] for r in runs[0][-3:]) / 3 - sum(r["score"] for r in runs[0][:3]) / 3
    assert gain > 0.2


def test_records_and_refusals(tiny, prompts, make):
    assert describe(make(WAYS["rloo"]), WAYS["rloo"])["reward_std"] > 0
    with pytest.raises(ValueError, match="rollout_size: 30 is not allowed; it must be a multiple of group_size, 4"):
        train_group(tiny, prompts, WAYS["rloo"].model_copy(update={"rollout_size": 30}), odd_tokens)
    history = train_group(tiny, prompts, WAYS["rloo"], odd_tokens, on_step=lambda record: record["step"] == 2)
    assert len(history) == 2 and {"score", "kl", "zero_spread", "entropy", "clip_fraction"} <= history.latest.keys()
