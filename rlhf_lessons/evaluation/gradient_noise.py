"""How noisy is a policy gradient, and what does a baseline take away of the noise?

Exactly, of a policy so small that every group can be written down; and of a language model, from twins: two rollouts
for the same prompts.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import torch
from torch import Tensor

from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import ValueModel
from rlhf_lessons.model.sampling import sample
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.objectives.likelihood import masked_mean, token_logprobs
from rlhf_lessons.stages.group import GroupSettings, answer_in_groups, collect
from rlhf_lessons.stages.loop import optimiser, take_step
from rlhf_lessons.stages.rollout import RewardFunction, Rollout, response_logits, response_values
from rlhf_lessons.statistics.intervals import t_interval

Baseline = Callable[[Tensor], Tensor]  # rewards (P, G) -> advantages (P, G)
Advantages = Callable[[Rollout], Tensor]  # rollout -> advantages (B, T)
Gradients = dict[str, Tensor]  # way -> the gradient of a rollout (D,)
CRITIC_RATE = 1e-3


def by_enumeration(policy: Tensor, rewards: Tensor, baseline: Baseline, group: int) -> tuple[Tensor, float]:
    """Mean (K,) and variance (summed over its K parts) of the gradient from one group, over every group there is.

    policy, rewards (K,): the chances of K answers to one prompt, and what they earn. The gradient, with respect to the
    logits, is the mean over the group of A_i grad log p(answer i).
    """
    drawn = torch.cartesian_prod(*[torch.arange(len(policy))] * group)  # (K^G, G)
    chances = policy[drawn].prod(dim=1)
    scores = torch.eye(len(policy), dtype=policy.dtype)[drawn] - policy  # (K^G, G, K)
    gradients = (baseline(rewards[drawn])[..., None] * scores).mean(dim=1)  # (K^G, K)
    mean = chances @ gradients
    return mean, float(chances @ (gradients - mean).square().sum(dim=1))


def exact(policy: Tensor, rewards: Tensor, baselines: Mapping[str, Baseline], group: int) -> pd.DataFrame:
    """One row a baseline: where its gradient points on average, and how noisy the gradient of one group is.

    degrees off: the angle of the mean to the true gradient, p_k (r_k - mean reward); length: over that of the true one.
    variance: of one group's gradient; noise: the variance over the squared length of the mean.
    """
    true, rows = policy * (rewards - policy @ rewards), {}
    for name, baseline in baselines.items():
        mean, variance = by_enumeration(policy, rewards, baseline, group)
        cosine = float(mean @ true / (mean.norm() * true.norm()))
        off, signal = math.degrees(math.acos(min(cosine, 1.0))), float(mean @ mean)
        length = float(mean.norm() / true.norm())
        rows[name] = {"degrees off": off, "length": length, "variance": variance, "noise": variance / signal}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("baseline")


def fitted_critic(
    policy: GPT, prompts: Sequences, settings: GroupSettings, reward: RewardFunction, n: int
) -> ValueModel:
    """A critic of this policy, which learns from `n` of its rollouts, each seen once, to forecast their returns."""
    critic, generator = ValueModel.from_policy(policy), torch.Generator().manual_seed(settings.seed + 1)
    optimizer = optimiser(critic, CRITIC_RATE)
    for _ in range(n):
        drawn = answer_in_groups(policy, prompts, settings, generator)
        rollout = collect(drawn, reward(drawn.sequences), policy, settings)
        values = response_values(critic, rollout.sequences, rollout.responses.shape[1])
        error = masked_mean((values - rollout.returns).square(), rollout.response_mask)
        take_step(optimizer, error, critic, settings.grad_clip)
    return critic


@torch.no_grad()
def forecast(critic: ValueModel, rollout: Rollout) -> Tensor:
    """What the critic expects (B, T) before each token of a rollout; 0 outside the answers."""
    return response_values(critic, rollout.sequences, rollout.responses.shape[1]) * rollout.response_mask


def twins(
    policy: GPT, prompts: Sequences, settings: GroupSettings, reward: RewardFunction, n: int
) -> list[tuple[Rollout, Rollout]]:
    """`n` pairs of rollouts, each pair two sets of answers of the policy to the same prompts, drawn at random."""
    generator = torch.Generator().manual_seed(settings.seed)

    def rollout(rows: Tensor) -> Rollout:
        asked = prompts[rows.repeat_interleave(settings.group_size)]
        drawn = sample(policy, asked, settings.max_new_tokens, settings.temperature, generator)
        return collect(drawn, reward(drawn.sequences), policy, settings)

    found = []
    for _ in range(n):
        rows = torch.randint(len(prompts), (settings.rollout_size // settings.group_size,), generator=generator)
        found.append((rollout(rows), rollout(rows)))
    return found


def gradients(policy: GPT, rollout: Rollout, ways: Mapping[str, Advantages]) -> Gradients:
    """The policy gradient of a rollout by each way to an advantage: of the mean over its tokens of A log pi."""
    logits = response_logits(policy, rollout.sequences, rollout.responses.shape[1])
    logprobs = token_logprobs(logits, rollout.responses)
    found = {}
    for name, advantages in ways.items():
        gain = masked_mean(advantages(rollout) * logprobs, rollout.response_mask)
        parts = torch.autograd.grad(gain, list(policy.parameters()), retain_graph=True)
        found[name] = torch.cat([part.flatten() for part in parts])
    return found


def compare(found: Sequence[tuple[Gradients, Gradients]]) -> pd.DataFrame:
    """One row a way and a pair of gradients: columns prompts (same or other), way, variance and signal.

    found: the gradients of twins, which have the same prompts; the first of one pair and the second of the next have
    other prompts. variance: half the squared distance of the two, on average the variance of one rollout's gradient.
    signal: their product, on average the squared length of the mean gradient.
    """
    others = [(one[0], following[1]) for one, following in zip(found, [*found[1:], found[0]], strict=True)]
    rows = []
    for prompts, pairs in {"same": found, "other": others}.items():
        for pair, (one, other) in enumerate(pairs):
            for way in one:
                variance, signal = (one[way] - other[way]).square().sum() / 2, one[way] @ other[way]
                values = {"variance": float(variance), "signal": float(signal)}
                rows.append({"prompts": prompts, "pair": pair, "way": way, **values})
    return pd.DataFrame(rows)


def noise(compared: pd.DataFrame, against: str) -> pd.DataFrame:
    """One row a way: its noise (variance over signal) for the same and for other prompts, and what it saves of it.

    The saving is the share of the noise of the way `against`, with its interval over pairs; signals are taken as known.
    """
    columns: dict[str, pd.Series] = {}
    for prompts, part in compared.groupby("prompts", sort=False):
        by_pair = part.pivot(index="pair", columns="way", values="variance") / part.groupby("way").signal.mean()
        saved = -by_pair.sub(by_pair[against], axis=0) / by_pair[against].mean()
        told = {way: "-" if way == against else f"{t_interval(saved[way]):.0%}" for way in by_pair}
        columns |= {f"noise, {prompts} prompts": by_pair.mean(), f"saved, {prompts} prompts": pd.Series(told)}
    return pd.DataFrame(columns).loc[compared.way.unique()].rename_axis("baseline")
