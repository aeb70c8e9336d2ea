"""Exercises of notebook 03: program one's two faults, mended one by one."""

from typing import Any

import numpy as np

from rlhf_lessons.exercises.exercise import Exercise, Mistake
from rlhf_lessons.knobs import Update
from rlhf_lessons.program_one import ProgramOneSettings, _hand_written_epoch

Trained = tuple[np.ndarray, float]  # weights and bias


def _epoch(
    update: Update, chosen: np.ndarray, rejected: np.ndarray, weights: np.ndarray, bias: float, learning_rate: float
) -> Trained:
    settings = ProgramOneSettings(update=update, learning_rate=learning_rate)
    return _hand_written_epoch(chosen, rejected, weights, bias, settings)


def repair_sign(
    chosen: np.ndarray, rejected: np.ndarray, weights: np.ndarray, bias: float, learning_rate: float
) -> Trained:
    return _epoch("sign_fixed", chosen, rejected, weights, bias, learning_rate)


def repair_bias(
    chosen: np.ndarray, rejected: np.ndarray, weights: np.ndarray, bias: float, learning_rate: float
) -> Trained:
    return _epoch("both_fixed", chosen, rejected, weights, bias, learning_rate)


def _rise(*inputs: Any) -> float:
    """By how much the bias rises where the signs are mended and the bias is not."""
    return repair_sign(*inputs)[1] - inputs[3]


_TWO_PAIRS = (np.array([[0.5, 0.25, 0.25], [0.125, 0.5, 0.375]]), np.array([[0.25, 0.5, 0.25], [0.5, 0.25, 0.25]]))
_EPOCHS = [(*_TWO_PAIRS, np.array([2.0, -1.0, 0.5]), 0.25, 0.5), (*_TWO_PAIRS, np.zeros(3), -10.0, 1.0)]

REPAIR_SIGN = Exercise(
    name="03.repair_sign",
    stars=2,
    minutes=8,
    task="This is program one's epoch: a step for each pair, on the rows of features `chosen` and `rejected` (N, D), "
    "the `weights` (D,) and the `bias`. It climbs the loss. Turn the sign of its steps, leave the other "
    "fault for the next exercise, and return weights and bias.",
    reference=repair_sign,
    source=_hand_written_epoch,
    cases=_EPOCHS,
    mistakes=[
        Mistake(
            lambda *inputs: _epoch("as_logged", *inputs),
            "That is the update as it was logged: it adds the gradient of the loss, so the loss rises.",
        ),
        Mistake(
            lambda *inputs: (repair_sign(*inputs)[0], inputs[3] - _rise(*inputs)),
            "The weights go down the loss now. The bias still adds its step: its sign is the same mistake.",
        ),
        Mistake(
            lambda *inputs: repair_bias(*inputs),
            "Both faults are gone, one too many for this step: turn the signs only, and keep your line on the bias "
            "for the next exercise.",
        ),
        Mistake(
            lambda chosen, rejected, *rest: repair_sign(rejected, chosen, *rest),
            "You turned the pairs around: this learns, quite rightly, to prefer the *rejected* answers.",
        ),
        Mistake(
            lambda *inputs: _batch_step(*inputs),
            "That is one step for all pairs at the first weights. Here each pair's g is taken at the newest weights.",
        ),
    ],
    hints=[
        "g times the difference is the gradient of the loss by the weights. Does a step that learns add it?",
        "Two lines take a step: one for the weights, one for the bias. In both, + becomes -.",
    ],
)


def _batch_step(
    chosen: np.ndarray, rejected: np.ndarray, weights: np.ndarray, bias: float, learning_rate: float
) -> Trained:
    difference = chosen - rejected
    g = 1 / (1 + np.exp(-difference @ weights)) - 1  # (N,)
    return weights - learning_rate * g @ difference, bias - learning_rate * float(g.sum())


REPAIR_BIAS = Exercise(
    name="03.repair_bias",
    stars=2,
    minutes=8,
    task="Begin with your repaired signs, and mend the second fault: a pair moves the shared bias. What is the true "
    "gradient of a pair's loss by a bias that is in both rewards? Return weights and bias.",
    reference=repair_bias,
    source=_hand_written_epoch,
    cases=_EPOCHS,
    mistakes=[
        Mistake(
            lambda *inputs: _epoch("sign_fixed", *inputs),
            "The bias still moves, now upwards: it is in the chosen reward and in the rejected one. Did both push it?",
        ),
        Mistake(
            lambda *inputs: _epoch("as_logged", *inputs),
            "That is the update as it was logged, with both faults.",
        ),
        Mistake(
            lambda *inputs: _epoch("bias_cancelled", *inputs),
            "The bias stands still, as it should. But the weights climb the loss again: keep the sign of before.",
        ),
        Mistake(
            lambda *inputs: (repair_bias(*inputs)[0], 0.0),
            "The weights are right. You set the bias to 0, where it should stay what it was.",
        ),
        Mistake(
            lambda *inputs: (repair_bias(*inputs)[0], inputs[3] + 2 * _rise(*inputs)),
            "The weights are right. On the bias you added up two pushes as if they had one sign: g + g.",
        ),
    ],
    hints=[
        "r(chosen) = w x + b, r(rejected) = w y + b: which of w and b is left in the margin?",
        "The chosen reward pushes the bias by g, the rejected one by -g: nothing is left of that line.",
    ],
)
