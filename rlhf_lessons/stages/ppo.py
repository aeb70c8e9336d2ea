"""Stage 4, second half: PPO (Schulman et al. 2017) on the rollouts, with a KL price towards the reference.

The reward function comes from outside: here it is a reward model, or in an experiment the rubric. This
module cannot tell the difference, and cannot see the truth.
"""

import copy
from collections.abc import Mapping

import torch

from rlhf_lessons import knobs
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import ValueModel
from rlhf_lessons.model.sequences import EOS_ID, Sequences
from rlhf_lessons.objectives.kl import adaptive_kl_coef, kl_estimate
from rlhf_lessons.objectives.likelihood import masked_mean, token_logprobs
from rlhf_lessons.objectives.policy import clipped_policy_loss, clipped_value_loss, entropy, explained_variance
from rlhf_lessons.stages.history import History, Record
from rlhf_lessons.stages.loop import OnStep, batches, decay, optimiser, take_step
from rlhf_lessons.stages.rollout import (
    RewardFunction,
    Rollout,
    ScoreScale,
    answer,
    as_sequences,
    collect,
    response_logits,
    response_values,
)

SCALE_SAMPLES = 512  # answers of the reference on which the score is standardised


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
    watch: Mapping[str, RewardFunction] | None = None,
    on_step: OnStep | None = None,
) -> History:
    """Raise `reward` of the policy's answers to `prompts` while staying near `reference`. Trains in place.

    `reference` defaults to a frozen copy of the policy as it comes in, `critic` to a value head on another.
    `watch` holds functions that are recorded under their names and never optimised.
    """
    reference = reference or copy.deepcopy(policy)
    critic = critic or ValueModel.from_policy(policy)
    generator = torch.Generator().manual_seed(settings.seed)
    optimizers = {model: optimiser(model, settings.learning_rate) for model in (policy, critic)}
    scale = score_scale(reference, prompts, reward, settings, generator)
    history, kl_coef = History(), settings.kl_coef
    for update in range(settings.updates):
        for optimizer in optimizers.values():
            rate = decay(optimizer, settings.learning_rate, update, settings.updates)
        rollout = gather(policy, reference, critic, prompts, reward, scale, kl_coef, settings, generator)
        metrics = describe(rollout, kl_coef) | {n: float(f(rollout.sequences).mean()) for n, f in (watch or {}).items()}
        metrics |= update_policy(policy, critic, optimizers, rollout, settings, generator)
        if settings.adaptive_kl:
            kl_coef = adaptive_kl_coef(
                kl_coef, metrics["kl"], settings.kl_target, settings.kl_horizon, settings.rollout_size
            )
        record = history.append(step=update + 1, learning_rate=rate, **metrics)
        if on_step and on_step(record):
            break
    return history


def gather(
    policy: GPT,
    reference: GPT,
    critic: ValueModel,
    prompts: Sequences,
    reward: RewardFunction,
    scale: ScoreScale,
    kl_coef: float,
    settings: PPOSettings,
    generator: torch.Generator,
) -> Rollout:
    """Let the policy answer `rollout_size` randomly drawn prompts, and score the answers."""
    rows = torch.randint(len(prompts), (settings.rollout_size,), generator=generator)
    drawn = answer(policy, prompts[rows], settings.max_new_tokens, settings.temperature, generator)
    return collect(
        drawn,
        reference,
        critic,
        reward(as_sequences(drawn)),
        scale,
        kl_coef,
        settings.missing_eos_penalty,
        settings.gamma,
        settings.gae_lambda,
    )


def first_rollout(policy: GPT, prompts: Sequences, settings: PPOSettings, reward: RewardFunction) -> Rollout:
    """The first rollout of a run, before any update: for looking at, the models stay as they are."""
    generator = torch.Generator().manual_seed(settings.seed)
    scale = score_scale(policy, prompts, reward, settings, generator)
    critic = ValueModel.from_policy(policy)
    return gather(policy, policy, critic, prompts, reward, scale, settings.kl_coef, settings, generator)


def score_scale(
    reference: GPT,
    prompts: Sequences,
    reward: RewardFunction,
    settings: PPOSettings,
    generator: torch.Generator,
) -> ScoreScale:
    """Standardise `reward` on answers of the reference."""
    rows = torch.randint(len(prompts), (SCALE_SAMPLES,), generator=generator)
    drawn = answer(reference, prompts[rows], settings.max_new_tokens, settings.temperature, generator)
    return ScoreScale.of(reward(as_sequences(drawn)))


def describe(rollout: Rollout, kl_coef: float) -> Record:
    """The metrics of the sampled answers, before the policy learns from them."""
    mask = rollout.response_mask
    lengths = mask.sum(1)
    last = rollout.responses.gather(1, lengths[:, None] - 1)
    return {
        "score": float(rollout.scores.mean()),
        "kl": float((kl_estimate(rollout.logprobs, rollout.ref_logprobs, "k1") * mask).sum(1).mean()),
        "kl_coef": kl_coef,
        "response_length": float(lengths.float().mean()),
        "ended": float((last == EOS_ID).float().mean()),
        "explained_variance": float(explained_variance(rollout.values, rollout.returns, mask)),
    }


def update_policy(
    policy: GPT,
    critic: ValueModel,
    optimizers: Mapping[torch.nn.Module, torch.optim.Optimizer],
    rollout: Rollout,
    settings: PPOSettings,
    generator: torch.Generator,
) -> Record:
    """Pass over one rollout in minibatches; ends early once the policy has moved `kl_stop` from its sampler.

    Returns the mean of each metric over the minibatches that were used.
    """
    seen = []
    for _ in range(settings.ppo_epochs):
        for rows in batches(len(rollout), settings.minibatch_size, generator):
            part = rollout[rows]
            policy_loss, metrics = _policy_loss(policy, part, settings.clip_range)
            seen.append(metrics)
            if metrics["approx_kl"] > settings.kl_stop:
                return _mean(seen)
            metrics["grad_norm"] = take_step(optimizers[policy], policy_loss, policy, settings.grad_clip)
            values = response_values(critic, part.sequences, part.responses.shape[1])
            value_loss, _ = clipped_value_loss(
                values, part.values, part.returns, part.response_mask, settings.value_clip_range
            )
            take_step(optimizers[critic], value_loss, critic, settings.grad_clip)
            metrics["value_loss"] = value_loss.item()
    return _mean(seen)


def _policy_loss(policy: GPT, part: Rollout, clip_range: float) -> tuple[torch.Tensor, Record]:
    logits = response_logits(policy, part.sequences, part.responses.shape[1])  # (B, T, V)
    logprobs = token_logprobs(logits, part.responses)
    mask = part.response_mask
    loss, info = clipped_policy_loss(logprobs, part.logprobs, part.advantages, mask, clip_range)
    metrics = {
        "policy_loss": loss.item(),
        "clip_fraction": float(info["clip_fraction"]),
        "approx_kl": float(masked_mean(kl_estimate(part.logprobs, logprobs.detach(), "k3"), mask)),
        "entropy": float(entropy(logits.detach(), mask)),
    }
    return loss, metrics


def _mean(records: list[Record]) -> Record:
    names = dict.fromkeys(name for record in records for name in record)
    return {n: sum(r[n] for r in records if n in r) / sum(n in r for r in records) for n in names}
