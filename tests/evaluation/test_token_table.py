"""The tables that take one PPO update apart agree with each other and with the losses."""

import pytest
import torch

from rlhf_lessons.evaluation.token_table import answer_table, ratio_table, token_table, updated
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.objectives.policy import clipped_policy_loss
from rlhf_lessons.stages.ppo import PPOSettings, first_rollout
from rlhf_lessons.world.datasets import encode_prompts, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

SETTINGS = PPOSettings(rollout_size=6, minibatch_size=3, max_new_tokens=5, learning_rate=0.01, kl_stop=100.0)


@pytest.fixture
def policy():
    return GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=8), seed=0)


@pytest.fixture
def rollout(policy):
    prompts = encode_prompts(course_tokenizer(), prompts_in("train")[:4])
    return first_rollout(policy, prompts, SETTINGS, lambda sequences: sequences.lengths.float())


def test_an_answer_a_line_and_a_token_a_line(rollout):
    answers = answer_table(rollout)
    assert len(answers) == 6 and answers.score.tolist() == pytest.approx(rollout.scores.tolist())
    for row, n in enumerate(answers.tokens):
        tokens = token_table(rollout, row)
        assert len(tokens) == n
        assert tokens.reward.iloc[-1] == pytest.approx(answers.score[row], abs=1e-5)  # nothing has moved, so no KL


def test_before_an_update_every_ratio_is_1_and_after_it_the_smaller_term_counts(policy, rollout):
    still = ratio_table(rollout, 0, policy, 0.2)
    assert still.ratio.tolist() == pytest.approx([1.0] * len(still), abs=1e-5)
    before = [p.clone() for p in policy.parameters()]
    moved = updated(policy, rollout, SETTINGS)
    assert all(torch.equal(a, b) for a, b in zip(before, policy.parameters(), strict=True))
    clip_range = (ratio_table(rollout, 0, moved, 0.05).ratio - 1).abs().max() / 2  # so that some ratio is clipped
    table = ratio_table(rollout, 0, moved, clip_range)
    assert not table.plain.equals(table.clipped)
    assert (table.counts == table[["plain", "clipped"]].min(axis=1)).all()
    ratios, advantages = (torch.tensor(table[name].to_numpy())[None] for name in ("ratio", "advantage"))
    loss, _ = clipped_policy_loss(
        ratios.log(), torch.zeros_like(ratios), advantages, torch.ones_like(ratios).bool(), clip_range
    )
    assert table.counts.mean() == pytest.approx(-loss.item(), abs=1e-6)
