"""Exercises of notebook 06: from the score of an answer to the rewards and the advantages of its tokens."""

from collections.abc import Sequence

from rlhf_lessons.exercises.exercise import Exercise, Mistake
from rlhf_lessons.exercises.rows import everywhere, row
from rlhf_lessons.objectives import advantage
from rlhf_lessons.objectives.kl import kl_estimate
from rlhf_lessons.stages import ppo


def token_rewards(
    score: float, logprobs: Sequence[float], ref_logprobs: Sequence[float], kl_coef: float
) -> list[float]:
    kl = kl_estimate(row(logprobs), row(ref_logprobs))
    return ppo.token_rewards(row([score])[0], kl, everywhere(kl), kl_coef)[0].tolist()


TOKEN_REWARDS = Exercise(
    name="06.token_rewards",
    stars=1,
    minutes=5,
    task="Return the reward of each token of one answer: the KL price on every token, and the score on the last one.",
    reference=token_rewards,
    source=ppo.token_rewards,
    cases=[(1.0, [-1.0, -0.5, -0.1], [-1.2, -0.9, -0.1], 0.5), (-0.3, [-2.0], [-1.0], 0.1)],
    mistakes=[
        Mistake(
            lambda score, logprobs, ref_logprobs, kl_coef: [
                score - kl_coef * (lp - ref) for lp, ref in zip(logprobs, ref_logprobs, strict=True)
            ],
            "You pay the score for every token: long answers would win. It belongs to the last one.",
        ),
        Mistake(
            lambda score, logprobs, ref_logprobs, kl_coef: token_rewards(score, ref_logprobs, logprobs, kl_coef),
            "The sign of the KL is turned: this pays the policy for leaving the reference.",
        ),
        Mistake(
            lambda score, logprobs, ref_logprobs, kl_coef: token_rewards(0.0, logprobs, ref_logprobs, kl_coef),
            "The score is missing: the policy would only learn to stay where it is.",
        ),
    ],
    hints=["The KL of one sampled token is logprob - ref_logprob.", "A price is subtracted."],
)


def kl_estimates(logprobs: Sequence[float], ref_logprobs: Sequence[float]) -> tuple[list[float], list[float]]:
    k1, k3 = (kl_estimate(row(logprobs), row(ref_logprobs), kind)[0].tolist() for kind in ("k1", "k3"))
    return k1, k3


KL_ESTIMATES = Exercise(
    name="06.kl_estimates",
    stars=2,
    minutes=7,
    task="The policy sampled some tokens; you get their log-probabilities under the policy and under the reference. "
    "With d = log pi - log pi_ref return two lists, a number for each token: k1 = d, and k3 = exp(-d) - 1 + d.",
    reference=kl_estimates,
    source=kl_estimate,
    cases=[([-1.0, -2.0, -0.5], [-1.5, -1.0, -0.5]), ([-0.1], [-3.0])],
    mistakes=[
        Mistake(
            lambda policy, ref: kl_estimates(ref, policy),
            "Your d is turned around: over the policy's own samples the mean of yours is *minus* the KL.",
        ),
        Mistake(
            lambda policy, ref: (kl_estimates(policy, ref)[0], kl_estimates(ref, policy)[1]),
            "k1 is right. Your k3 has exp(d) in place of exp(-d): its mean is another divergence.",
        ),
        Mistake(
            lambda policy, ref: kl_estimates(policy, ref)[::-1],
            "Both are right, in the wrong order: k1 first.",
        ),
        Mistake(
            lambda policy, ref: (
                kl_estimates(policy, ref)[0],
                kl_estimate(row(policy), row(ref), "k2")[0].tolist(),
            ),
            "k1 is right. Your second is k2 = d^2 / 2: never negative either, but its mean is not the KL.",
        ),
        Mistake(
            lambda policy, ref: (
                kl_estimates(policy, ref)[0],
                [k3 - k1 for k1, k3 in zip(*kl_estimates(policy, ref), strict=True)],
            ),
            "k1 is right. In k3 the last d is missing: what you have is 0 on average, and takes k1's noise away.",
        ),
    ],
    hints=[
        "d is positive where the policy likes the token more than the reference does.",
        "At d = 0 both are 0; k3 is over 0 on either side. math.exp works on one number at a time.",
    ],
)


def gae(rewards: Sequence[float], values: Sequence[float], gamma: float, lam: float) -> list[float]:
    return advantage.gae(row(rewards), row(values), everywhere(row(values)), gamma, lam)[0][0].tolist()


def _deltas(rewards: Sequence[float], values: Sequence[float], gamma: float, after: float = 0.0) -> list[float]:
    later = [*values[1:], after]
    return [r + gamma * after - v for r, v, after in zip(rewards, values, later, strict=True)]


def _sums(deltas: Sequence[float], decay: float) -> list[float]:
    """Every delta, plus those before it times the decay for every step between; reversed, those after it."""
    sums: list[float] = []
    for delta in deltas:
        sums.append(delta + decay * (sums[-1] if sums else 0.0))
    return sums


def _backwards(deltas: Sequence[float], decay: float) -> list[float]:
    return _sums(deltas[::-1], decay)[::-1]


def _returns(rewards: Sequence[float], values: Sequence[float], gamma: float, lam: float) -> list[float]:
    return [a + v for a, v in zip(gae(rewards, values, gamma, lam), values, strict=True)]


def gae_by_hand(rewards: Sequence[float], values: Sequence[float]) -> list[float]:
    return gae(rewards, values, gamma=1.0, lam=0.5)


GAE_BY_HAND = Exercise(
    name="06.gae_by_hand",
    stars=2,
    minutes=8,
    task="Three tokens, on paper: rewards r = -0.1, 0, 1; the critic's values before them V = 0.5, 0.2, 0.6, and 0 "
    "after the last. gamma is 1, lambda 0.5. First the surprise of each token, delta_t = r_t + V_(t+1) - V_t. Then, "
    "from the last token back, the advantage A_t = delta_t + 0.5 A_(t+1). Return the three advantages, first token "
    "first.",
    reference=gae_by_hand,
    source=advantage.gae,
    cases=[([-0.1, 0.0, 1.0], [0.5, 0.2, 0.6])],
    mistakes=[
        Mistake(
            lambda r, v: _deltas(r, v, 1.0),
            "Those are the three surprises (lambda 0). Each advantage also gets half of the next one.",
        ),
        Mistake(
            lambda r, v: gae(r, v, 1.0, 1.0),
            "That is lambda 1: the whole of the next advantage. Only half of it counts here.",
        ),
        Mistake(
            lambda r, v: _returns(r, v, 1.0, 0.5),
            "Those are the returns A + V, the critic's targets. What is left without V?",
        ),
        Mistake(
            lambda r, v: _sums(_deltas(r, v, 1.0), 0.5),
            "You went from the first token to the last. A token is to blame for what comes *after* it.",
        ),
        Mistake(
            lambda r, v: _backwards([one - value for one, value in zip(r, v, strict=True)], 0.5),
            "The next value is missing: r - V compares one token's reward with the whole rest of the answer.",
        ),
        Mistake(
            lambda r, v: _backwards(_deltas(r, v, 1.0, after=v[-1]), 0.5),
            "After the last token you went on expecting 0.6. Nothing follows it: that value is 0.",
        ),
        Mistake(
            lambda r, v: gae_by_hand(r, v)[::-1],
            "The numbers are right, in the order in which you found them. First token first.",
        ),
    ],
    hints=[
        "The last surprise: 1 + 0 - 0.6. The one before: 0 + 0.6 - 0.2.",
        "A_3 is the last surprise itself, and A_2 = delta_2 + 0.5 A_3.",
    ],
)

GAE = Exercise(
    name="06.gae",
    stars=3,
    minutes=12,
    task="Generalised advantage estimation as code, for one answer of any length: delta_t = r_t + gamma V_(t+1) - "
    "V_t, and from the last token back A_t = delta_t + gamma lambda A_(t+1). After the last token both V and A are 0. "
    "Return the list of advantages.",
    reference=gae,
    source=advantage.gae,
    cases=[
        ([-0.1, 0.0, -0.2, 1.0], [0.5, 0.2, 0.6, 0.3], 0.9, 0.8),
        ([1.0], [0.25], 1.0, 0.95),
        ([0.0, 0.0, 2.0], [0.0, 0.0, 0.0], 1.0, 0.95),
    ],
    mistakes=[
        Mistake(
            lambda r, v, gamma, lam: gae(r, v, gamma, 0.0),
            "Those are the surprises alone (lambda 0): nothing of what comes later reaches a token.",
        ),
        Mistake(
            lambda r, v, gamma, lam: gae(r, v, gamma, 1.0),
            "Later surprises fade by gamma only, as with lambda 1. They fade by gamma times lambda.",
        ),
        Mistake(
            lambda r, v, gamma, lam: _backwards(_deltas(r, v, gamma), lam),
            "Later surprises fade by lambda only. They fade by gamma times lambda.",
        ),
        Mistake(
            lambda r, v, gamma, lam: _backwards(_deltas(r, v, 1.0), gamma * lam),
            "The next value is not discounted: in delta it is gamma V_(t+1) that stands for the future.",
        ),
        Mistake(
            lambda r, v, gamma, lam: _sums(_deltas(r, v, gamma), gamma * lam),
            "You went from the first token to the last. A token is to blame for what comes *after* it.",
        ),
        Mistake(
            lambda r, v, gamma, lam: _returns(r, v, gamma, lam),
            "Those are the returns A + V, which the critic learns. The policy learns from A alone.",
        ),
        Mistake(
            lambda r, v, gamma, lam: _backwards(_deltas(r, v, gamma, after=v[-1]), gamma * lam),
            "After the last token yours goes on expecting the last value. Nothing follows: V is 0 there.",
        ),
        Mistake(
            lambda r, v, gamma, lam: gae(r, v, gamma, lam)[::-1],
            "The numbers are right, the last token's first. Put them back into the order of the tokens.",
        ),
    ],
    hints=[
        "Start with next_advantage = next_value = 0, and go through t in reversed(range(len(rewards))).",
        "In each step: delta, then the advantage, then both become the *next* ones of the token before.",
        "advantages.insert(0, ...) puts each new one in front.",
    ],
)
