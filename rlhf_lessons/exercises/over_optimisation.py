"""Exercise of notebook 07: how far best-of-n is from the policy it chooses from."""

import math

from rlhf_lessons.exercises.exercise import Exercise, Mistake


def best_of_n_kl(n: int) -> float:
    # Choosing the best of n makes the top answer n times as likely; on average over the answers it is a little less.
    return math.log(n) - (n - 1) / n


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
