"""Stage 4, second half: PPO (Schulman et al. 2017). The policy pays a price for its KL from the reference.

An update samples answers, scores them, collects what is known of them in a `Rollout`, and learns from that.
The reward function comes from outside: it is a reward model, or in an experiment the rubric. PPO treats
both alike and never sees the truth.
"""

import copy
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from rlhf_lessons import knobs
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import ValueModel
from rlhf_lessons.model.sampling import Sample, sample
from rlhf_lessons.model.sequences import EOS_ID, Sequences
from rlhf_lessons.objectives.advantage import gae, masked_whiten
from rlhf_lessons.objectives.kl import adaptive_kl_coef, kl_estimate
from rlhf_lessons.objectives.likelihood import token_logprobs
from rlhf_lessons.objectives.policy import clipped_policy_loss, clipped_value_loss, entropy, explained_variance
from rlhf_lessons.stages.history import History, Record
from rlhf_lessons.stages.loop import OnStep, batches, decay, optimiser, take_step
from rlhf_lessons.stages.rollout import (
    RewardFunction,
    Rollout,
    ScoreScale,
    response_logits,
    response_logprobs,
    response_values,
)

SCALE_SAMPLES = 512  # answers of the reference on which the score is standardised

Optimizers = Mapping[nn.Module, torch.optim.Optimizer]  # one for the policy, one for the critic


class PPOSettings(knobs.Settings):
    """How to run PPO. One update samples `rollout_size` answers and passes over them `ppo_epochs` times."""

    updates: knobs.Updates = 50
    rollout_size: knobs.RolloutSize = 256
    minibatch_size: knobs.MinibatchSize = 128
    ppo_epochs: knobs.PPOEpochs = 2
    learning_rate: knobs.LearningRate = 3e-4
    kl_coef: knobs.KLCoef = 0.05
    adaptive_kl: knobs.AdaptiveKL = False
    kl_target: knobs.KLTarget = 6.0
    kl_horizon: knobs.KLHorizon = 10_000
    kl_stop: knobs.KLStop = 0.1
    clip_range: knobs.ClipRange = 0.2
    value_clip_range: knobs.ValueClipRange = 0.2
    gamma: knobs.Gamma = 1.0
    gae_lambda: knobs.GAELambda = 0.95
    missing_eos_penalty: knobs.MissingEOSPenalty = 1.0
    max_new_tokens: knobs.MaxNewTokens = 16
    temperature: knobs.Temperature = 1.0
    grad_clip: knobs.GradClip = 1.0
    seed: knobs.Seed = 0


def train_ppo(
    policy: GPT,
    prompts: Sequences,
    settings: PPOSettings,
    reward: RewardFunction,
    reference: GPT | None = None,
    critic: ValueModel | None = None,
    watch: Callable[[Sequences], Record] | None = None,
    on_step: OnStep | None = None,
) -> History:
    """Raise `reward` of the policy's answers to `prompts` while staying near `reference`. Trains in place.

    reference: defaults to a frozen copy of the policy as it comes in.
    critic: defaults to a value head on another copy.
    watch: what it returns for the answers of an update is recorded and never optimised.
    """
    reference = reference or copy.deepcopy(policy)
    critic = critic or ValueModel.from_policy(policy)
    generator = torch.Generator().manual_seed(settings.seed)
    optimizers: Optimizers = {model: optimiser(model, settings.learning_rate) for model in (policy, critic)}
    scale = score_scale(reference, prompts, reward, settings, generator)
    history, kl_coef = History(), settings.kl_coef
    for update in range(settings.updates):
        for optimizer in optimizers.values():
            rate = decay(optimizer, settings.learning_rate, update, settings.updates)
        drawn = answer_random_prompts(policy, prompts, settings.rollout_size, settings, generator)
        rollout = collect(drawn, scale(reward(drawn.sequences)), reference, critic, kl_coef, settings)
        metrics = describe(rollout, kl_coef) | (watch(rollout.sequences) if watch else {})
        metrics |= update_policy(policy, critic, optimizers, rollout, settings, generator)
        if settings.adaptive_kl:
            kl_coef = adaptive_kl_coef(
                kl_coef, metrics["kl"], settings.kl_target, settings.kl_horizon, settings.rollout_size
            )
        record = history.append(step=update + 1, learning_rate=rate, **metrics)
        if on_step and on_step(record):
            break
    return history


def first_rollout(policy: GPT, prompts: Sequences, settings: PPOSettings, reward: RewardFunction) -> Rollout:
    """The first rollout of a run, before any update. Nothing is trained."""
    generator = torch.Generator().manual_seed(settings.seed)
    scale = score_scale(policy, prompts, reward, settings, generator)
    drawn = answer_random_prompts(policy, prompts, settings.rollout_size, settings, generator)
    critic = ValueModel.from_policy(policy)
    return collect(drawn, scale(reward(drawn.sequences)), policy, critic, settings.kl_coef, settings)


def score_scale(
    reference: GPT,
    prompts: Sequences,
    reward: RewardFunction,
    settings: PPOSettings,
    generator: torch.Generator,
) -> ScoreScale:
    """Mean and spread of `reward` on answers of the reference."""
    drawn = answer_random_prompts(reference, prompts, SCALE_SAMPLES, settings, generator)
    return ScoreScale.of(reward(drawn.sequences))


def answer_random_prompts(
    policy: GPT, prompts: Sequences, n_answers: int, settings: PPOSettings, generator: torch.Generator
) -> Sample:
    """The policy's answers to `n_answers` prompts, each drawn at random."""
    rows = torch.randint(len(prompts), (n_answers,), generator=generator)
    return sample(policy, prompts[rows], settings.max_new_tokens, settings.temperature, generator)


@torch.no_grad()
def collect(
    drawn: Sample, scores: Tensor, reference: GPT, critic: ValueModel, kl_coef: float, settings: PPOSettings
) -> Rollout:
    """Everything PPO needs to know of the sampled answers, computed once before the update.

    scores: (B,) standardised; the penalty for a missing eos is taken off here.
    """
    sequences, mask = drawn.sequences, drawn.response_mask
    ref_logprobs = response_logprobs(reference, sequences, drawn.responses) * mask
    values = response_values(critic, sequences, mask.shape[1]) * mask
    ended = (drawn.responses == EOS_ID).any(dim=1)
    scores = scores - settings.missing_eos_penalty * ~ended
    rewards = token_rewards(scores, kl_estimate(drawn.logprobs, ref_logprobs, "k1"), mask, kl_coef)
    advantages, returns = gae(rewards, values, mask, settings.gamma, settings.gae_lambda)
    return Rollout(
        sequences, drawn.responses, mask, drawn.logprobs, ref_logprobs, values, ended, scores, rewards,
        masked_whiten(advantages, mask), returns,
    )  # fmt: skip


def token_rewards(scores: Tensor, kl: Tensor, mask: Tensor, kl_coef: float) -> Tensor:
    """Rewards (B, T): the KL price on every token, the score (B,) on the last one (Ziegler et al. 2019, eq. 2)."""
    rewards = -kl_coef * kl * mask
    last = mask.sum(1) - 1
    rewards[torch.arange(len(scores)), last] += scores
    return rewards


def describe(rollout: Rollout, kl_coef: float) -> Record:
    """The metrics of the sampled answers, before the policy learns from them."""
    mask = rollout.response_mask
    return {
        "score": float(rollout.scores.mean()),
        "kl": float((kl_estimate(rollout.logprobs, rollout.ref_logprobs, "k1") * mask).sum(1).mean()),
        "kl_coef": kl_coef,
        "response_length": float(mask.sum(1).float().mean()),
        "ended": float(rollout.ended.float().mean()),
        "explained_variance": float(explained_variance(rollout.values, rollout.returns, mask)),
    }


def update_policy(
    policy: GPT,
    critic: ValueModel,
    optimizers: Optimizers,
    rollout: Rollout,
    settings: PPOSettings,
    generator: torch.Generator,
) -> Record:
    """Learn from one rollout, in `ppo_epochs` passes of minibatches.

    Ends early once the policy is further than `kl_stop` from the policy that sampled the rollout.
    Returns the mean of each metric over the minibatches that were used.
    """
    used = []
    for _ in range(settings.ppo_epochs):
        for rows in batches(len(rollout), settings.minibatch_size, generator):
            part = rollout[rows]
            policy_loss, metrics = _policy_loss(policy, part, settings.clip_range)
            used.append(metrics)
            if metrics["approx_kl"] > settings.kl_stop:
                return _mean(used)
            metrics["grad_norm"] = take_step(optimizers[policy], policy_loss, policy, settings.grad_clip)
            values = response_values(critic, part.sequences, part.responses.shape[1])
            value_loss, _ = clipped_value_loss(
                values, part.values, part.returns, part.response_mask, settings.value_clip_range
            )
            take_step(optimizers[critic], value_loss, critic, settings.grad_clip)
            metrics["value_loss"] = value_loss.item()
    return _mean(used)


def _policy_loss(policy: GPT, part: Rollout, clip_range: float) -> tuple[Tensor, Record]:
    logits = response_logits(policy, part.sequences, part.responses.shape[1])  # (B, T, V)
    logprobs, mask = token_logprobs(logits, part.responses), part.response_mask
    loss, info = clipped_policy_loss(logprobs, part.logprobs, part.advantages, mask, clip_range)
    metrics = {
        "policy_loss": loss.item(),
        "clip_fraction": info["clip_fraction"],
        "approx_kl": info["approx_kl"],
        "entropy": float(entropy(logits.detach(), mask)),
    }
    return loss, metrics


def _mean(records: list[Record]) -> Record:
    names = dict.fromkeys(name for record in records for name in record)
    return {n: sum(r[n] for r in records if n in r) / sum(n in r for r in records) for n in names}
