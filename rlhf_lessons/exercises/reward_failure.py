"""Exercises of notebook 03: a pair's gradient, what it cannot see, and how far the rewards drift."""

import math

import torch

from rlhf_lessons.exercises.exercise import Exercise, Mistake
from rlhf_lessons.objectives.preference import bradley_terry_loss
from rlhf_lessons.program_one import expected_drift


def bt_gradient(chosen: float, rejected: float) -> tuple[float, float]:
    # dL/dm = sigma(m) - 1: minus the model's surprise. m rises with the one reward and falls with the other.
    surprise = 1 - 1 / (1 + math.exp(rejected - chosen))
    return -surprise, surprise


def _surprise(chosen: float, rejected: float) -> float:
    return bt_gradient(chosen, rejected)[1]


BT_GRADIENT = Exercise(
    name="03.bt_gradient",
    stars=2,
    minutes=8,
    task="The loss of a pair is -log sigma(m), with m = chosen - rejected, two rewards. Return its two derivatives: "
    "with respect to `chosen`, and with respect to `rejected`.",
    reference=bt_gradient,
    cases=[(2.0, 1.0), (0.0, 0.0), (-1.5, 0.5)],
    mistakes=[
        Mistake(
            lambda chosen, rejected: (_surprise(chosen, rejected), -_surprise(chosen, rejected)),
            "Both signs are turned. If the chosen reward rises, does the loss rise or fall?",
        ),
        Mistake(
            lambda chosen, rejected: (-_surprise(chosen, rejected),) * 2,
            "You gave the derivative by m twice. What does m do when the *rejected* reward rises?",
        ),
        Mistake(
            lambda chosen, rejected: (-_surprise(chosen, rejected), 0.0),
            "The second is not 0: the loss falls too when the rejected reward falls.",
        ),
        Mistake(
            lambda chosen, rejected: (_surprise(chosen, rejected) - 1, 1 - _surprise(chosen, rejected)),
            "That is sigma(m), which grows as the model gets surer. What is left to learn of a pair that is right?",
        ),
        Mistake(
            lambda chosen, rejected: tuple(
                sign * _surprise(chosen, rejected) * (1 - _surprise(chosen, rejected)) for sign in (-1, 1)
            ),
            "sigma (1 - sigma) is the slope of sigma. The loss is its log: divide by sigma, as the chain rule says.",
        ),
    ],
    hints=[
        "First by m: the slope of -log sigma(m) is minus 1/sigma(m) times the slope of sigma, sigma (1 - sigma).",
        "m = chosen - rejected: its derivatives are +1 and -1.",
        "dL/dm = sigma(m) - 1: at m = 0 it is -0.5.",
    ],
)


def shift(chosen: float, rejected: float, constant: float) -> tuple[float, float]:
    moved = torch.tensor(constant, dtype=torch.float64, requires_grad=True)
    loss = bradley_terry_loss((chosen + moved)[None], (rejected + moved)[None])
    (slope,) = torch.autograd.grad(loss, moved)  # g from the chosen reward, -g from the rejected one
    return loss.item(), slope.item()


def _loss(margin: float) -> float:
    return math.log(1 + math.exp(-margin))


SHIFT = Exercise(
    name="03.shift",
    stars=1,
    minutes=5,
    task="`constant` is added to both rewards of a pair. Return two numbers: the loss of the pair after that, and the "
    "derivative of this loss with respect to the constant.",
    reference=shift,
    cases=[(1.2, 0.2, -1.5), (0.0, 0.5, 3.0), (-2.0, -2.0, 10.0)],
    mistakes=[
        Mistake(
            lambda chosen, rejected, c: (
                _loss(chosen + c - rejected),
                bt_gradient(chosen + c, rejected)[0],
            ),
            "You moved the chosen reward alone, and its margin with it. Both move.",
        ),
        Mistake(
            lambda chosen, rejected, c: (_loss(chosen - rejected), bt_gradient(chosen, rejected)[0]),
            "The loss is right. The slope is that of the chosen reward alone: what does the rejected one add?",
        ),
        Mistake(
            lambda chosen, rejected, c: (_loss(chosen - rejected), 2 * bt_gradient(chosen, rejected)[0]),
            "The loss is right. You added up the sizes of two slopes: they have opposite signs.",
        ),
        Mistake(
            lambda chosen, rejected, c: (_loss(chosen - rejected) + c, 1.0),
            "You added the constant to the loss. It is added to the rewards: what becomes of their difference?",
        ),
    ],
    hints=[
        "Write down the margin of the two moved rewards.",
        "The slope on the constant is the sum of the slopes on the two rewards: add up what BT_GRADIENT gave.",
    ],
)

DRIFT = Exercise(
    name="03.drift",
    stars=2,
    minutes=8,
    task="An update adds learning_rate * (sigma - 1) to the shared bias for every pair, where sigma is the model's "
    "probability that the chosen answer wins. By how much do both rewards fall in one epoch of n_pairs pairs? "
    "(A fall is positive here.)",
    reference=expected_drift,
    cases=[(20, 0.01, 0.6), (20, 0.01, 0.5), (10, 0.005, 0.5)],
    mistakes=[
        Mistake(
            lambda n, lr, sigma: n * lr * (sigma - 1),
            "The size is right, the sign is not: sigma - 1 is negative, so what it adds is a fall of 1 - sigma.",
        ),
        Mistake(
            lambda n, lr, sigma: lr * (1 - sigma),
            "That is one pair's step. An epoch takes one such step for each pair.",
        ),
        Mistake(
            lambda n, lr, sigma: n * lr,
            "You left out 1 - sigma: an undecided model (sigma 0.5) makes only half a step.",
        ),
        Mistake(
            lambda n, lr, sigma: n * lr * sigma,
            "The surprise counts, not the confidence: a pair the model is sure of (sigma near 1) moves nothing.",
        ),
        Mistake(
            lambda n, lr, sigma: 2 * n * lr * (1 - sigma),
            "Do not add up the two rewards: the bias is one number, and each of them falls by what it falls.",
        ),
    ],
    hints=[
        "How far does the bias move for one pair? How many pairs are there in an epoch?",
        "An undecided model gives sigma = 0.5; the document had 20 pairs and its rewards fell by 0.1 an epoch.",
    ],
)
