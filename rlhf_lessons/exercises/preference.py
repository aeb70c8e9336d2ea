"""Exercise of notebook 05: the Bradley-Terry loss."""

import math

from rlhf_lessons.exercises.exercise import Exercise, Mistake


def bradley_terry(margins: list[float]) -> float:
    # sigma(margin) is the probability that the chosen answer wins; the loss is its mean negative log.
    return sum(math.log(1 + math.exp(-margin)) for margin in margins) / len(margins)


def _sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


BRADLEY_TERRY = Exercise(
    name="05.bradley_terry",
    stars=1,
    minutes=5,
    task="`margins` is a list of r(chosen) - r(rejected), one number a pair. Return the Bradley-Terry loss: "
    "the mean of -log sigma(margin).",
    reference=bradley_terry,
    cases=[([2.0, -1.0, 0.5],), ([0.0],), ([5.55, 5.55],)],
    mistakes=[
        Mistake(
            lambda margins: sum(_sigma(m) for m in margins) / len(margins),
            "You forgot the log: that is the mean probability that the chosen answer wins.",
        ),
        Mistake(
            lambda margins: sum(1 - _sigma(m) for m in margins) / len(margins),
            "You forgot the log: 1 - sigma can never exceed 1, however wrong the model is.",
        ),
        Mistake(
            lambda margins: -bradley_terry(margins),
            "Wrong sign: a loss is the *negative* log. Minimising this one would make the model worse.",
        ),
        Mistake(
            lambda margins: bradley_terry([-m for m in margins]),
            "Wrong sign inside: this rewards the *rejected* answer. It is the document's failure in one character.",
        ),
        Mistake(
            lambda margins: len(margins) * bradley_terry(margins),
            "You forgot the mean: a sum grows with the number of pairs, and so would every step.",
        ),
        Mistake(
            lambda margins: bradley_terry([sum(margins) / len(margins)]),
            "You took the mean of the margins first. One badly wrong pair must hurt: take the logs, then their mean.",
        ),
    ],
    hints=[
        "For one pair: what is sigma(0)? And -log of that?",
        "-log sigma(m) = log(1 + exp(-m)).",
    ],
)
