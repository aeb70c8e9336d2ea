"""Are a policy's updates too long, and does its critic help? Means over five rows, as in `policy`."""

import numpy as np

from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.policy_curves import ENOUGH_ROWS, SMOOTH, since, smooth
from rlhf_lessons.diagnostics.logs.rule import POLICY, Signs, rule
from rlhf_lessons.diagnostics.logs.trends import late


def _over(log: Log, name: str, bound: float, worst: float) -> Signs | None:
    """Signs that a smoothed metric is over a bound; grave where the last quarter of the rows is over `worst`."""
    means = smooth(log, name)
    out = means[means > bound]
    if not len(out):
        return None
    ends = late(log.values(name))
    lost = ends > worst and len(log.values(name)) >= SMOOTH
    evidence = f"{name} is {out.iloc[0]:.3g}, over {bound:g}" + (
        f"; in the last quarter it is {ends:.3g}" if lost else ""
    )
    return since(log, name, out.index[0], evidence, 0.85 if lost else 0.5, lost)


@rule(
    "RL009",
    "clipping",
    POLICY,
    alternatives=("log-probabilities of the sampler that differ from the trainer's",),
    tell_apart="at the first pass over a batch nothing may be clipped, unless sampler and trainer differ",
    advice="lower the learning rate, or pass over each batch fewer times",
    grave=False,
)
def clipping(log: Log) -> Signs | None:
    """Over a fifth of the tokens leave the clip range, and those earn no gradient.

    Schulman et al. (2017) clip at 0.2; implementations look for 0.01 to 0.2 of the tokens. Sick at over a half in the
    last quarter: most of what was sampled is thrown away.
    """
    return _over(log, "clip_fraction", 0.2, 0.5)


@rule(
    "RL010",
    "long steps",
    POLICY,
    alternatives=("log-probabilities of the sampler that differ from the trainer's",),
    tell_apart="at the first pass over a batch approx_kl must be 0, unless sampler and trainer differ",
    advice="lower the learning rate, pass over each batch fewer times, or stop a batch at approx_kl 0.02",
    grave=False,
)
def long_steps(log: Log) -> Signs | None:
    """One update moves the policy by over 0.05 nats a token.

    Usual targets are 0.01 to 0.02 (Spinning Up stops a batch at 1.5 times 0.01); sick at 0.5, where the new policy
    gives the sampled tokens 60 % of their probability.
    """
    return _over(log, "approx_kl", 0.05, 0.5)


@rule(
    "RL011",
    "lost critic",
    POLICY,
    alternatives=("returns that are all the same, so that there is nothing to foretell",),
    tell_apart="the spread of the returns: at 0 the explained variance means nothing",
    advice="train the critic longer, at a higher rate of its own, or start it from the reward model",
    grave=False,
)
def lost_critic(log: Log) -> Signs | None:
    """After a fifth of the run the critic's forecasts are worse than a constant: explained variance under -1.

    Explained variance is 1 - Var(returns - values) / Var(returns): 0 for a constant, under -1 if the errors have twice
    the variance of what they should foretell.
    """
    means = smooth(log, "explained_variance")
    out = means[(means.index > 0.2 * means.index.max()) & (means < -1)]
    if not len(out):
        return None
    return since(log, "explained_variance", out.index[0], f"explained_variance is {out.iloc[0]:.3g}, under -1")


@rule(
    "RL012",
    "ratio far from 1",
    POLICY,
    alternatives=("log-probabilities of the sampler that differ from the trainer's",),
    tell_apart="at the first pass over a batch the ratio must be 1, unless sampler and trainer differ",
    advice="lower the learning rate, pass over each batch fewer times, and compare both models token by token",
)
def ratio_far_from_one(log: Log) -> Signs | None:
    """The mean ratio of new to old probability leaves 0.5 to 2.

    Under the policy that sampled, the ratio's mean is exactly 1: the sum of p_old x p_new / p_old is the sum of p_new.
    TRL's documentation calls 2 and 0.1 too drastic. Example: 1.02 is usual, 3.4 is not.
    """
    means = smooth(log, "ratio")
    out = means[(means > 2) | (means < 0.5)]
    if not len(out) or len(log.values("ratio")) < SMOOTH:
        return None
    return since(
        log, "ratio", out.index[0], f"the mean ratio is {out.iloc[0]:.3g}; under its sampler it is 1", 0.8, True
    )


@rule(
    "RL013",
    "critic no better than a constant",
    POLICY,
    alternatives=("returns that hardly differ, so that there is nothing to foretell",),
    tell_apart="the spread of the returns: at 0 the explained variance means nothing",
    advice="check that the critic values the prompt it is asked about; train it longer, at a higher rate of its own",
)
def useless_critic(log: Log) -> Signs | None:
    """After a fifth of the run the explained variance is never reliably over 0.

    A constant explains 0; the mean of the rows after the first fifth is under 0 by two standard errors, and so is that
    of the last quarter under 0. Advantages are then no less noisy than without a critic. Example: -0.08 with an error
    of 0.02 over 40 rows.
    """
    values = log.values("explained_variance")
    rest = np.asarray(values[len(values) // 5 :])
    if len(rest) < ENOUGH_ROWS:
        return None
    mean, error = float(rest.mean()), float(rest.std(ddof=1)) / len(rest) ** 0.5
    if mean + 2 * error >= 0 or late(values) >= 0:
        return None
    return Signs(
        f"explained_variance is {mean:.3g} on average over the last {len(rest)} rows (error {error:.2g}), and a "
        "constant forecast gives 0: the critic's values take no noise from the advantages",
        0.82,
    )
