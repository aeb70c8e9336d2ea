"""Exercises of notebook 05: the Bradley-Terry loss, and how far confidence is from accuracy."""

import math
from collections.abc import Sequence

import pandas as pd

from rlhf_lessons.diagnostics.doctor.measures import calibration_error
from rlhf_lessons.exercises.exercise import Exercise, Mistake
from rlhf_lessons.exercises.rows import row
from rlhf_lessons.objectives.preference import bradley_terry_loss


def bradley_terry(margins: Sequence[float]) -> float:
    return bradley_terry_loss(row(margins), row([0.0] * len(margins))).item()


def _sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


BRADLEY_TERRY = Exercise(
    name="05.bradley_terry",
    stars=1,
    minutes=5,
    task="`margins` is a list of r(chosen) - r(rejected), one number a pair. Return the Bradley-Terry loss: "
    "the mean of -log sigma(margin).",
    reference=bradley_terry,
    source=bradley_terry_loss,
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


def ece(confidence: Sequence[float], accuracy: Sequence[float], pairs: Sequence[int]) -> float:
    return calibration_error(pd.DataFrame({"confidence": confidence, "accuracy": accuracy, "pairs": pairs}))


ECE = Exercise(
    name="05.ece",
    stars=2,
    minutes=7,
    task="Pairs were put into bins by how sure the model is. `confidence`, `accuracy` and `pairs` are lists with one "
    "number a bin: how sure it is there on average, which share it ranks right, and how many pairs there are. Return "
    "the expected calibration error: over *pairs*, the mean distance of confidence and accuracy.",
    reference=ece,
    source=calibration_error,
    cases=[
        ([0.55, 0.75, 0.95], [0.6, 0.7, 0.8], [10, 30, 60]),
        ([0.9], [0.5], [8]),
        ([0.52, 0.99], [0.52, 0.59], [3, 1]),
    ],
    mistakes=[
        Mistake(
            lambda sure, right, pairs: sum(abs(s - r) for s, r in zip(sure, right, strict=True)) / len(pairs),
            "That is the mean over *bins*: a bin with one pair counts as much as a full one.",
        ),
        Mistake(
            lambda sure, right, pairs: (
                sum(n * (s - r) for s, r, n in zip(sure, right, pairs, strict=True)) / sum(pairs)
            ),
            "Too sure in one bin and not sure enough in another cancel out here: that is the mean *overconfidence*. "
            "A distance has no sign.",
        ),
        Mistake(
            lambda sure, right, pairs: max(abs(s - r) for s, r in zip(sure, right, strict=True)),
            "That is the *maximum* calibration error, of the worst bin alone.",
        ),
        Mistake(
            lambda sure, right, pairs: sum(n * abs(s - r) for s, r, n in zip(sure, right, pairs, strict=True)),
            "That is the sum over all pairs: more pairs would make a worse model. A mean is asked for.",
        ),
        Mistake(
            lambda sure, right, pairs: (
                sum(n * (s - r) ** 2 for s, r, n in zip(sure, right, pairs, strict=True)) / sum(pairs)
            ),
            "That is the mean *squared* distance: small ones hardly count. The ECE takes distances as they are.",
        ),
    ],
    hints=[
        "What is the distance of confidence and accuracy in the first bin, and how many pairs have it?",
        "Weigh each bin's distance by its pairs, add up, and divide by the number of all pairs.",
    ],
)
