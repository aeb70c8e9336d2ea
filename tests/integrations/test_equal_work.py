"""That the benchmark against TRL compares equal work: the same losses, steps and tokens, from the same weights."""

import copy

import pytest
import torch

from rlhf_lessons.model.sampling import Sample, sample
from rlhf_lessons.model.sequences import EOS_ID, pad
from rlhf_lessons.stages.group import GroupSettings, GRPOSettings, collect, policy_loss
from rlhf_lessons.stages.loop import batches, optimiser, take_step
from rlhf_lessons.stages.reward import RewardSettings, train_reward
from rlhf_lessons.stages.rollout import response_logprobs
from rlhf_lessons.stages.sft import SFTSettings, train_sft

pytest.importorskip("trl", reason="needs the extra `scale`: pip install -e '.[scale]'")

from benchmarks.against_trl import twins, work

pytestmark = pytest.mark.slow
QUICK = 3e-3  # at this learning rate another decay of the weights moves the loss by ten times what is allowed here
LOGGED = {**twins.TUNED, "logging_strategy": "steps", "logging_steps": 1}


def log(trainer):
    """What TRL logs of each step; its last record sums up."""
    trainer.train()
    return trainer.state.log_history[:-1]


def column(records, name):
    return torch.tensor([float(record[name]) for record in records])


def tokens_seen(lengths, settings, steps):
    """Tokens after each step, if batches are drawn as `stages.loop` draws them."""
    generator, sizes = torch.Generator().manual_seed(settings.seed), []
    while len(sizes) < steps:
        sizes += [float(lengths[rows].sum()) for rows in batches(len(lengths), settings.batch_size, generator)]
    return torch.tensor(sizes[:steps]).cumsum(0)


def agree(ours, theirs, lengths, settings):
    for name in ("loss", "grad_norm", "learning_rate"):
        torch.testing.assert_close(column(ours, name), column(theirs, name), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(column(theirs, "num_tokens"), tokens_seen(lengths, settings, len(theirs)))


def test_reward_model():
    model, data = work.policy(1, 16), work.pairs(40)
    settings = RewardSettings(epochs=3, batch_size=16, learning_rate=QUICK)  # the last batch of an epoch is smaller
    judging = work.judge(model)
    theirs = log(twins.reward_trainer(judging, data, settings, **LOGGED))
    agree(train_reward(judging, data, settings), theirs, data.chosen.lengths + data.rejected.lengths, settings)


def test_sft():
    model, notes = work.policy(1, 16), work.demonstrations(40)
    settings = SFTSettings(steps=5, batch_size=16, learning_rate=QUICK)
    theirs = log(twins.sft_trainer(model, notes, settings, **LOGGED))
    agree(train_sft(model, notes, settings), theirs, notes.lengths, settings)


def test_greedy_answers():
    model, asked = work.policy(1, 16), work.prompts()[torch.arange(20)]
    twin, inputs = twins.generation(model, asked, 14, do_sample=False)
    theirs = twin.generate(**inputs)[:, -14:]
    assert torch.equal(sample(model, asked, 14, temperature=0).responses, theirs)


def trls_answers(model, asked, settings):
    """TRL's log of one update of both passes over the same answers, and these answers as ours."""
    trainer = twins.group_trainer(model, asked, settings, work.odd_tokens_of_answers, **LOGGED)
    generate, made = trainer._generate_and_score_completions, []
    trainer._generate_and_score_completions = lambda inputs: made.append(generate(inputs)) or made[0]
    theirs = log(trainer)
    rows = [row[kept.bool()].tolist() for row, kept in zip(made[0]["prompt_ids"], made[0]["prompt_mask"], strict=True)]
    assert all(row in twins.unpadded(asked) for row in rows), "TRL reads our prompts, token for token"
    answers, mask = made[0]["completion_ids"], made[0]["completion_mask"].bool()
    sequences = pad(list(zip(rows, answers.tolist(), strict=True)))
    return theirs, Sample(sequences, answers, mask, response_logprobs(model, sequences, answers).detach())


@pytest.mark.parametrize("kind", [GroupSettings, GRPOSettings])
def test_groups(kind):
    """Where all answers are of one length, TRL's loss of GRPO is ours, and its gradient of RLOO ours times the length.

    That of RLOO holds at the first step: after it TRL clips the ratio of an answer, and we those of its tokens.
    """
    settings = kind(updates=1, rollout_size=32, minibatch_size=32, learning_rate=1e-3, grad_clip=100.0)
    model = work.policy(1, 16)
    with torch.no_grad():
        model.ln_f.bias -= 1_000 * model.token_embedding.weight[EOS_ID]  # no answer ends early
    theirs, drawn = trls_answers(model, work.prompts(), settings)
    assert drawn.response_mask.all()
    rollout = collect(drawn, work.odd_tokens(drawn.sequences), copy.deepcopy(model), settings)
    optimizer, losses, norms = optimiser(model, settings.learning_rate), [], []
    for _ in range(settings.ppo_epochs):
        loss, _ = policy_loss(model, rollout, settings)
        losses.append(loss.item())
        norms.append(take_step(optimizer, loss, model, settings.grad_clip))
    records = [{"loss": loss, "grad_norm": norm} for loss, norm in zip(losses, norms, strict=True)]
    assert len(theirs) == len(records)
    assert float(theirs[0]["num_tokens"]) == float(drawn.sequences.lengths.sum())
    if kind is GRPOSettings:
        for name in ("loss", "grad_norm"):
            torch.testing.assert_close(column(records, name), column(theirs, name), atol=1e-4, rtol=1e-3)
    else:
        length = drawn.response_mask.shape[1]
        assert length * norms[0] == pytest.approx(float(theirs[0]["grad_norm"]), rel=1e-3)
