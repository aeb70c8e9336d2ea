"""Groups in place of a critic: RLOO (Ahmadian et al. 2024) and GRPO (Shao et al. 2024), two settings of one trainer.

An update asks each of its prompts `group_size` times. What an answer is worth is told by its siblings, so there is no
critic to train. The rollout, the sampling and the clipped step are PPO's own (`stages.ppo`, `stages.rollout`).
"""

import copy
import itertools
from collections.abc import Callable

import pandas as pd
import torch
from torch import Tensor

from rlhf_lessons import knobs
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sampling import Sample, sample
from rlhf_lessons.model.sequences import EOS_ID, Sequences
from rlhf_lessons.objectives.group import grpo_advantages, rloo_advantages
from rlhf_lessons.objectives.kl import kl_estimate
from rlhf_lessons.objectives.likelihood import masked_mean, token_logprobs
from rlhf_lessons.objectives.policy import clipped_policy_loss, entropy
from rlhf_lessons.stages.history import History, Record
from rlhf_lessons.stages.loop import OnStep, batches, decay, optimiser, take_step
from rlhf_lessons.stages.ppo import PPOSettings, score_scale
from rlhf_lessons.stages.rollout import RewardFunction, Rollout, ScoreScale, response_logits, response_logprobs


class GroupSettings(knobs.Settings):
    """How to learn from groups. One update samples `rollout_size` answers: `group_size` to each of its prompts.

    baseline: "others" is RLOO's leave one out, "group" GRPO's mean of all. scale_by_spread and scale_by_length: GRPO's
    two divisions (Dr. GRPO leaves both out). kl_in: whether the price of KL is taken off the reward (RLOO) or added to
    the loss as k3 (GRPO).
    """

    updates: knobs.Updates = 50
    rollout_size: knobs.RolloutSize = 256
    group_size: knobs.GroupSize = 8
    minibatch_size: knobs.MinibatchSize = 128
    ppo_epochs: knobs.PPOEpochs = 2
    learning_rate: knobs.LearningRate = 3e-4
    baseline: knobs.Baseline = "others"
    scale_by_spread: knobs.ScaleBySpread = False
    scale_by_length: knobs.ScaleByLength = False
    kl_in: knobs.KLIn = "reward"
    kl_coef: knobs.KLCoef = 0.05
    kl_stop: knobs.KLStop = 0.1
    clip_range: knobs.ClipRange = 0.2
    missing_eos_penalty: knobs.MissingEOSPenalty = 1.0
    max_new_tokens: knobs.MaxNewTokens = 16
    temperature: knobs.Temperature = 1.0
    grad_clip: knobs.GradClip = 1.0
    seed: knobs.Seed = 0


class GRPOSettings(GroupSettings):
    """As GRPO learns: the group's mean, both divisions, KL in the loss. The defaults above are RLOO's."""

    baseline: knobs.Baseline = "group"
    scale_by_spread: knobs.ScaleBySpread = True
    scale_by_length: knobs.ScaleByLength = True
    kl_in: knobs.KLIn = "loss"


def train_group(
    policy: GPT,
    prompts: Sequences,
    settings: GroupSettings,
    reward: RewardFunction,
    reference: GPT | None = None,
    watch: Callable[[Sequences], Record] | None = None,
    on_step: OnStep | None = None,
    standardise: bool = True,
) -> History:
    """Raise `reward` of the policy's answers to `prompts` while staying near `reference`. Trains in place.

    reference: defaults to a frozen copy of the policy as it comes in.
    watch: what it returns for the answers of an update is recorded and never optimised.
    standardise: whether rewards are counted in standard deviations of the reference's own, as in PPO here; a
        verifier's 0 and 1 mean something as they stand.
    Raises ValueError for a rollout_size that is no multiple of group_size.
    """
    if settings.rollout_size % settings.group_size:
        allowed = f"a multiple of group_size, {settings.group_size}"
        raise ValueError(f"rollout_size: {settings.rollout_size} is not allowed; it must be {allowed}")
    reference = reference or copy.deepcopy(policy)
    generator = torch.Generator().manual_seed(settings.seed)
    optimizer = optimiser(policy, settings.learning_rate)
    how = PPOSettings(max_new_tokens=settings.max_new_tokens, temperature=settings.temperature)
    scale = score_scale(reference, prompts, reward, how, generator) if standardise else ScoreScale(0.0, 1.0)
    history = History()
    for update in range(settings.updates):
        rate = decay(optimizer, settings.learning_rate, update, settings.updates)
        drawn = answer_in_groups(policy, prompts, settings, generator)
        rollout = collect(drawn, scale(reward(drawn.sequences)), reference, settings)
        metrics = describe(rollout, settings) | (watch(rollout.sequences) if watch else {})
        metrics |= update_policy(policy, optimizer, rollout, settings, generator)
        record = history.append(step=update + 1, learning_rate=rate, **metrics)
        if on_step and on_step(record):
            break
    return history


def answer_in_groups(policy: GPT, prompts: Sequences, settings: GroupSettings, generator: torch.Generator) -> Sample:
    """`group_size` answers to each of `rollout_size / group_size` prompts drawn at random; groups stay together."""
    n_prompts = settings.rollout_size // settings.group_size
    rows = torch.randint(len(prompts), (n_prompts,), generator=generator).repeat_interleave(settings.group_size)
    return sample(policy, prompts[rows], settings.max_new_tokens, settings.temperature, generator)


@torch.no_grad()
def collect(drawn: Sample, scores: Tensor, reference: GPT, settings: GroupSettings) -> Rollout:
    """What is known of the sampled answers before the update.

    scores (B,); the penalty for a missing eos is taken off here. In the `Rollout`, `returns` is on every token what
    the whole answer earned, `values` the baseline that its siblings give, and `advantages` (not whitened) what is
    left, divided as the settings say.
    """
    mask, group = drawn.response_mask, settings.group_size
    ref_logprobs = response_logprobs(reference, drawn.sequences, drawn.responses) * mask
    ended = (drawn.responses == EOS_ID).any(dim=1)
    scores = scores - settings.missing_eos_penalty * ~ended
    price = settings.kl_coef * kl_estimate(drawn.logprobs, ref_logprobs, "k1") * mask
    earned = scores - price.sum(1) if settings.kl_in == "reward" else scores  # (B,)
    rewards = torch.zeros_like(ref_logprobs)
    rewards[torch.arange(len(earned)), mask.sum(1) - 1] = earned
    advantages = group_advantages(earned.reshape(-1, group), settings).flatten()[:, None] * mask
    if settings.scale_by_length:  # a mean over each answer's tokens, then over answers
        lengths = mask.sum(1, keepdim=True)
        advantages = advantages * lengths.float().mean() / lengths
    returns = earned[:, None] * mask
    baseline = returns - rloo_advantages(earned.reshape(-1, group)).flatten()[:, None] * mask
    return Rollout(
        drawn.sequences, drawn.responses, mask, drawn.logprobs, ref_logprobs, baseline, ended, scores, rewards,
        advantages, returns,
    )  # fmt: skip


def group_advantages(earned: Tensor, settings: GroupSettings) -> Tensor:
    """The advantages (P, G) of what was earned (P, G), by the baseline of the settings."""
    if settings.baseline == "group":
        return grpo_advantages(earned, scale=settings.scale_by_spread)
    advantages = rloo_advantages(earned)
    return advantages / (earned.std(dim=1, keepdim=True) + 1e-4) if settings.scale_by_spread else advantages


def describe(rollout: Rollout, settings: GroupSettings) -> Record:
    """The metrics of the sampled answers, before the policy learns from them.

    reward_std: the mean spread within groups; zero_spread: the share of groups without any, which teach nothing.
    """
    mask = rollout.response_mask
    spread = rollout.scores.reshape(-1, settings.group_size).std(dim=1)
    return {
        "score": float(rollout.scores.mean()),
        "reward_std": float(spread.mean()),
        "zero_spread": float((spread < 1e-6).float().mean()),
        "kl": float((kl_estimate(rollout.logprobs, rollout.ref_logprobs, "k1") * mask).sum(1).mean()),
        "kl_coef": settings.kl_coef,
        "response_length": float(mask.sum(1).float().mean()),
        "ended": float(rollout.ended.float().mean()),
    }


def update_policy(
    policy: GPT,
    optimizer: torch.optim.Optimizer,
    rollout: Rollout,
    settings: GroupSettings,
    generator: torch.Generator,
) -> Record:
    """Learn from one rollout, in `ppo_epochs` passes of minibatches; ends early past `kl_stop`, as PPO does.

    Returns the mean of each metric over the minibatches that were used.
    """
    used: list[Record] = []
    passes = (batches(len(rollout), settings.minibatch_size, generator) for _ in range(settings.ppo_epochs))
    for rows in itertools.chain.from_iterable(passes):
        loss, metrics = policy_loss(policy, rollout[rows], settings)
        used.append(metrics)
        if metrics["approx_kl"] > settings.kl_stop:
            break
        metrics["grad_norm"] = take_step(optimizer, loss, policy, settings.grad_clip)
    return {str(name): float(mean) for name, mean in pd.DataFrame(used).mean().items()}


def policy_loss(policy: GPT, part: Rollout, settings: GroupSettings) -> tuple[Tensor, Record]:
    """The clipped loss of some of the answers, with the price of KL where it belongs to the loss."""
    logits = response_logits(policy, part.sequences, part.responses.shape[1])  # (B, T, V)
    logprobs, mask = token_logprobs(logits, part.responses), part.response_mask
    loss, info = clipped_policy_loss(logprobs, part.logprobs, part.advantages, mask, settings.clip_range)
    metrics = {
        "policy_loss": loss.item(),
        "clip_fraction": info["clip_fraction"],
        "approx_kl": info["approx_kl"],
        "entropy": float(entropy(logits.detach(), mask)),
    }
    if settings.kl_in == "loss" and settings.kl_coef:
        loss = loss + settings.kl_coef * masked_mean(kl_estimate(logprobs, part.ref_logprobs, "k3"), mask)
    return loss, metrics
