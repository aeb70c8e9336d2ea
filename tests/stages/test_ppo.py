"""Rollouts and PPO on a policy small enough to check by hand."""

import copy
import itertools

import pytest
import torch

from rlhf_lessons.model.heads import ValueModel
from rlhf_lessons.model.sampling import sample
from rlhf_lessons.model.sequences import EOS_ID
from rlhf_lessons.objectives.advantage import gae
from rlhf_lessons.objectives.kl import adaptive_kl_coef
from rlhf_lessons.objectives.likelihood import token_logprobs
from rlhf_lessons.stages import ppo
from rlhf_lessons.stages.ppo import PPOSettings, collect, token_rewards, train_ppo
from rlhf_lessons.stages.rollout import ScoreScale, response_index, response_logits, response_values

SETTINGS = PPOSettings(updates=3, rollout_size=32, minibatch_size=16, max_new_tokens=6, learning_rate=1e-3)


def odd_tokens(sequences):
    """A reward that is easy to check and to climb: how many tokens have an odd id. Padding has an even one."""
    return (sequences.tokens % 2).sum(1).float()


@pytest.fixture
def rollout(tiny, prompts):
    generator = torch.Generator().manual_seed(0)
    drawn = sample(tiny, prompts, 6, 1.0, generator)
    reference = type(tiny)(tiny.config, seed=1)
    critic = ValueModel.from_policy(tiny)
    scores = ScoreScale(7.5, 2.0)(torch.arange(16.0))
    return drawn, reference, collect(drawn, scores, reference, critic, kl_coef=0.1, settings=PPOSettings())


def test_logprobs_kept_from_sampling_are_those_of_a_fresh_pass(tiny, rollout):
    _, _, made = rollout
    logprobs = token_logprobs(response_logits(tiny, made.sequences, 6), made.responses)
    assert torch.allclose(logprobs * made.response_mask, made.logprobs, atol=1e-5)


def test_short_and_long_answers_computed_apart_give_what_one_pass_gives(tiny, notes):
    lengths = notes.lengths - notes.prompt_lengths
    assert lengths.unique().numel() > 2
    longest = int(lengths.max())
    mask, index = torch.arange(longest) < lengths[:, None], response_index(notes, longest)
    expected = tiny(notes.tokens).gather(1, index[..., None].expand(-1, -1, tiny.config.vocab_size))
    torch.testing.assert_close(response_logits(tiny, notes, longest)[mask], expected[mask])
    critic = ValueModel.from_policy(tiny)
    torch.nn.init.normal_(critic.head.weight, generator=torch.Generator().manual_seed(0))
    values = critic(notes.tokens).gather(1, index)
    torch.testing.assert_close(response_values(critic, notes, longest)[mask], values[mask])


def test_rewards_price_the_kl_and_pay_the_standardised_score_at_the_end(rollout):
    drawn, _, made = rollout
    for row in range(16):
        n = int(made.response_mask[row].sum())
        missing = float(drawn.responses[row, n - 1] != EOS_ID)
        score = (row - 7.5) / 2.0 - missing
        expected = -0.1 * (made.logprobs - made.ref_logprobs)[row, :n]
        expected[-1] += score
        assert torch.allclose(made.rewards[row, :n], expected, atol=1e-5)
        assert made.scores[row] == pytest.approx(score)
        assert (made.rewards[row, n:] == 0).all()


def test_advantages_are_whitened_gae_and_returns_are_not_whitened(rollout):
    _, _, made = rollout
    advantages, returns = gae(made.rewards, made.values, made.response_mask, 1.0, 0.95)
    assert torch.allclose(made.returns, returns)
    inside = made.advantages[made.response_mask]
    assert inside.mean().abs() < 1e-5
    assert inside.std(correction=0) == pytest.approx(1, abs=1e-3)
    assert torch.corrcoef(torch.stack([inside, advantages[made.response_mask]]))[0, 1] == pytest.approx(1, abs=1e-4)


def test_the_score_arrives_with_the_last_token_alone():
    mask = torch.tensor([[True, True, False], [True, True, True]])
    rewards = token_rewards(torch.tensor([1.0, 2.0]), torch.zeros(2, 3), mask, kl_coef=0.5)
    assert rewards.tolist() == [[0, 1, 0], [0, 0, 2]]


def test_ppo_raises_what_it_is_paid_for_and_leaves_the_reference_alone(tiny, prompts):
    """The gain is 2.06 sd of the reference over 12 seeds, give or take 0.15: the bound is ten spreads away."""
    reference = copy.deepcopy(tiny)
    eager = {"updates": 12, "rollout_size": 64, "learning_rate": 3e-2, "kl_coef": 0.0, "kl_stop": 10.0}
    history = train_ppo(tiny, prompts, SETTINGS.model_copy(update=eager), odd_tokens, reference=reference)
    assert history.latest["score"] > history.records[0]["score"] + 0.5
    fresh = type(tiny)(tiny.config, seed=0)
    assert all(torch.equal(a, b) for a, b in zip(reference.parameters(), fresh.parameters(), strict=True))


def test_the_kl_to_oneself_is_zero_before_the_first_update(tiny, prompts):
    assert train_ppo(tiny, prompts, SETTINGS, odd_tokens).records[0]["kl"] == pytest.approx(0, abs=1e-4)


def test_what_is_watched_is_recorded_and_changes_nothing(tiny, prompts):
    twin = copy.deepcopy(tiny)
    plain = train_ppo(tiny, prompts, SETTINGS, odd_tokens)
    watched = train_ppo(twin, prompts, SETTINGS, odd_tokens, watch=lambda answers: {"safety": 0.25})
    assert [record.pop("safety") for record in watched.records] == [0.25] * 3
    assert plain.records == watched.records


def test_an_adaptive_price_follows_from_the_kl_of_the_update_before(tiny, prompts):
    steered = SETTINGS.model_copy(update={"adaptive_kl": True, "kl_target": 0.01, "kl_horizon": 100})
    records = train_ppo(tiny, prompts, steered, odd_tokens).records
    assert records[0]["kl_coef"] == SETTINGS.kl_coef
    for before, after in itertools.pairwise(records):
        assert after["kl_coef"] == adaptive_kl_coef(before["kl_coef"], before["kl"], 0.01, 100, SETTINGS.rollout_size)
        assert after["kl_coef"] != before["kl_coef"]


def test_an_update_ends_early_once_the_policy_has_moved_far(tiny, prompts, monkeypatch):
    steps = []
    monkeypatch.setattr(ppo, "take_step", lambda *args, real=ppo.take_step: steps.append(1) or real(*args))
    eager = {"learning_rate": 0.1, "ppo_epochs": 10, "updates": 1}
    train_ppo(copy.deepcopy(tiny), prompts, SETTINGS.model_copy(update=eager | {"kl_stop": 0.001}), odd_tokens)
    stopped = len(steps)
    train_ppo(tiny, prompts, SETTINGS.model_copy(update=eager | {"kl_stop": 1000.0}), odd_tokens)
    assert stopped < (len(steps) - stopped) == 2 * 2 * 10  # 2 models, 2 minibatches, 10 passes


def test_a_reward_that_never_varies_does_not_blow_up(tiny, prompts):
    history = train_ppo(tiny, prompts, SETTINGS, lambda s: torch.ones(len(s)))
    assert abs(history.latest["score"]) <= 2
