"""Exercises of notebook 07: the distance of best-of-n, a price that steers, and an alarm."""

import math
from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

from rlhf_lessons.diagnostics import alarms
from rlhf_lessons.diagnostics.logs.rules import policy_claims
from rlhf_lessons.exercises.exercise import Exercise, Mistake
from rlhf_lessons.objectives.kl import adaptive_kl_coef, best_of_n_kl

BEST_OF_N_KL = Exercise(
    name="07.best_of_n_kl",
    stars=2,
    minutes=8,
    task="Return the KL divergence, in nats, of best-of-n from the policy it samples from. "
    "An answer of quantile u (0 worst, 1 best) is n u^(n-1) times as likely to be chosen.",
    reference=best_of_n_kl,
    cases=[(1,), (4,), (64,)],
    mistakes=[
        Mistake(lambda n: math.log(n), "That is the KL of always giving the very best answer; the mean is less."),
        Mistake(
            lambda n: math.log(n) + (n - 1) / n,
            "The sign of the second term is turned: the mean of log u^(n-1) is negative.",
        ),
        Mistake(lambda n: n * math.log(n), "The mean of n u^(n-1) log(...) over u from 0 to 1 has no factor n left."),
        Mistake(lambda n: math.log2(n) - (n - 1) / n, "That mixes units: use the natural logarithm for nats."),
    ],
    hints=[
        "KL is the mean of log(ratio) under the chosen answers, with ratio = n u^(n-1).",
        "Under the chosen answers, -log u is exponential with mean 1/n.",
    ],
)

ADAPTIVE_PRICE = Exercise(
    name="07.adaptive_price",
    stars=2,
    minutes=8,
    task="Return the next price of KL. The error is how far `measured_kl` is over `target`, as a share of `target` "
    "(0.5 for half as much again, negative under it), but never beyond 0.2 either way. The price grows by the share "
    "error * n / horizon, where `n` answers were sampled since the last change.",
    reference=adaptive_kl_coef,
    cases=[(0.1, 9.0, 6.0, 1000.0, 250.0), (0.1, 5.4, 6.0, 1000.0, 250.0), (0.05, 0.5, 2.0, 500.0, 500.0)],
    mistakes=[
        Mistake(
            lambda price, kl, target, horizon, n: price * (1 + (kl / target - 1) * n / horizon),
            "The error is not held within 0.2: one wild batch could turn the price over.",
        ),
        Mistake(
            lambda price, kl, target, horizon, n: 2 * price - adaptive_kl_coef(price, kl, target, horizon, n),
            "The price falls where the policy is too far away, and so drives it on. Which way must it go?",
        ),
        Mistake(
            lambda price, kl, target, horizon, n: price * (1 + min(max(kl - target, -0.2), 0.2) * n / horizon),
            "You took the difference in nats. The error is a share of the target: a nat over 1 is much, over 50 not.",
        ),
        Mistake(
            lambda price, kl, target, horizon, n: adaptive_kl_coef(price, kl, target, 1.0, 1.0),
            "That is a whole error's worth in one go, whatever the number of answers: n / horizon makes it gradual.",
        ),
        Mistake(
            lambda price, kl, target, horizon, n: price + min(max(kl / target - 1, -0.2), 0.2) * n / horizon,
            "You *add* the share to the price. A share of the price is asked for: small prices move in small steps.",
        ),
        Mistake(
            lambda price, kl, target, horizon, n: price * min(max(kl / target - 1, -0.2), 0.2) * n / horizon,
            "That is by how much the price changes, not the new price.",
        ),
    ],
    hints=[
        "The error is measured_kl / target - 1.",
        "min(max(error, -0.2), 0.2) holds it within bounds.",
        "An unchanged price would be kl_coef * 1. What is added to the 1?",
    ],
)


def alarm_rule(kl: Sequence[float], sample_accuracy: Sequence[float]) -> int:
    rows = pd.DataFrame({"score": 0.0, "kl": kl, "sample_accuracy": sample_accuracy})
    records = rows.assign(step=range(1, len(rows) + 1))
    return next((int(found.step or 0) for found in alarms.ringing(records) if found.name == alarms.SHIFT), 0)


def _rings(far: Sequence[bool], fallen: Sequence[bool]) -> int:
    """The first update, from 1, by which both have been seen; 0 if one never is."""
    return max(far.index(True), fallen.index(True)) + 1 if any(far) and any(fallen) else 0


def _far(kl: Sequence[float]) -> list[bool]:
    return [end >= 5 and sum(kl[end - 5 : end]) / 5 > policy_claims.FAR for end in range(1, len(kl) + 1)]


def _fallen(accuracy: Sequence[float]) -> list[bool]:
    return [one <= accuracy[0] - policy_claims.FALL for one in accuracy]


ALARM_RULE = Exercise(
    name="07.alarm_rule",
    stars=3,
    minutes=12,
    task="Write the alarm for distribution shift. `kl` and `sample_accuracy` are lists, one number an update; updates "
    "are counted from 1. Two signs: the mean of `kl` over the last five updates is over 1.5; `sample_accuracy`, the "
    "share of the policy's answers that the reward model ranks as people do, is 0.15 or more under its first value. "
    "Return the update by which both signs have been seen, or 0 if one of them never is.",
    reference=alarm_rule,
    source=policy_claims.distribution_shift.check,
    cases=[
        (
            [0.1, 0.4, 3.0, 0.9, 1.2, 1.4, 1.8, 2.0, 2.2, 2.4],
            [0.8, 0.63, 0.66, 0.7, 0.68, 0.67, 0.66, 0.64, 0.62, 0.6],
        ),
        ([0.2, 1.0, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5], [0.9, 0.9, 0.87, 0.85, 0.82, 0.76, 0.77, 0.74]),
        ([0.2, 0.3, 0.4, 0.4, 0.5, 0.5], [0.8, 0.7, 0.6, 0.55, 0.5, 0.5]),
    ],
    mistakes=[
        Mistake(
            lambda kl, accuracy: _rings([one > policy_claims.FAR for one in kl], _fallen(accuracy)),
            "One single update over 1.5 is enough for yours. Single updates are noise: take the mean of five.",
        ),
        Mistake(
            lambda kl, accuracy: _rings([any(one) for one in zip(_far(kl), _fallen(accuracy), strict=True)], [True]),
            "Yours rings at the first of the two signs. A judge that still ranks well may be followed far, and a weak "
            "one does little harm near by.",
        ),
        Mistake(
            lambda kl, accuracy: max(alarm_rule(kl, accuracy) - 1, 0),
            "One too early: updates are counted from 1, Python's positions from 0.",
        ),
        Mistake(
            lambda kl, accuracy: _rings(_far(kl), [one <= 0.85 * accuracy[0] for one in accuracy]),
            "That is 15 *per cent* of the first accuracy. 15 points are meant: from 80 % to 65 %.",
        ),
        Mistake(
            lambda kl, accuracy: _rings(
                _far(kl),
                [one <= last - policy_claims.FALL for last, one in pairwise([accuracy[0], *accuracy])],
            ),
            "Yours waits for a fall of 15 points from one update to the next. Compare with the first value.",
        ),
        Mistake(
            lambda kl, accuracy: _rings(
                [sum(kl[:end]) / end > policy_claims.FAR for end in range(1, len(kl) + 1)], _fallen(accuracy)
            ),
            "That is the mean over *all* updates so far: the quiet ones at the start hide the end.",
        ),
    ],
    hints=[
        "Look for the two signs apart: the update of the first, the update of the second. Which of them do you return?",
        "The mean of the five updates that end at position i is sum(kl[i - 4 : i + 1]) / 5, from i = 4 on.",
        "next((i + 1 for i in range(len(kl)) if ...), 0) gives the first update with a sign, or 0.",
    ],
)
