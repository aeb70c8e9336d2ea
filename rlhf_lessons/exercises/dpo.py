"""Exercises of notebook 08: the DPO loss of one pair, and what it does to the two answers."""

import math

from rlhf_lessons.exercises.exercise import Exercise, Mistake
from rlhf_lessons.exercises.rows import row
from rlhf_lessons.objectives.direct import dpo_loss


def dpo(chosen: float, rejected: float, ref_chosen: float, ref_rejected: float, beta: float) -> float:
    policy, reference = row([chosen, rejected])[0], row([ref_chosen, ref_rejected])[0]
    return dpo_loss(policy[:1], policy[1:], reference[:1], reference[1:], beta)[0].item()


DPO = Exercise(
    name="08.dpo",
    stars=2,
    minutes=6,
    task="Return the DPO loss of one pair: -log sigma(beta * (gain of the chosen answer - gain of the rejected one)). "
    "An answer's gain is its log-probability under the policy less that under the reference.",
    reference=dpo,
    source=dpo_loss,
    cases=[(-5.0, -9.0, -6.0, -8.0, 0.5), (-7.0, -12.0, -5.0, -8.0, 0.1), (-5.0, -4.0, -5.0, -4.0, 1.0)],
    mistakes=[
        Mistake(
            lambda chosen, rejected, ref_chosen, ref_rejected, beta: dpo(chosen, rejected, 0.0, 0.0, beta),
            "The reference is missing: an answer that was always likelier would pass for one that was learned.",
        ),
        Mistake(
            lambda chosen, rejected, ref_chosen, ref_rejected, beta: dpo(
                rejected, chosen, ref_rejected, ref_chosen, beta
            ),
            "The sign is turned: this makes the rejected answer likelier.",
        ),
        Mistake(
            lambda chosen, rejected, ref_chosen, ref_rejected, beta: (
                beta * dpo(chosen, rejected, ref_chosen, ref_rejected, 1.0)
            ),
            "beta stands inside sigma, where it turns nats into reward. Outside it only scales the step.",
        ),
        Mistake(
            lambda chosen, rejected, ref_chosen, ref_rejected, beta: dpo(chosen, 0.0, ref_chosen, 0.0, beta),
            "The rejected answer is missing: only the difference of the two says which one people preferred.",
        ),
    ],
    hints=["At the reference both gains are 0. What is -log sigma(0)?", "-log sigma(m) = log(1 + exp(-m))."],
)


def dpo_gradient(
    chosen: float, rejected: float, ref_chosen: float, ref_rejected: float, beta: float
) -> tuple[float, float]:
    # sigma(-margin) is how wrong the policy still is about the pair; a pair that it has learned pulls no more.
    margin = beta * ((chosen - ref_chosen) - (rejected - ref_rejected))
    weight = beta / (1 + math.exp(margin))
    return -weight, weight


def _both(weight: float) -> tuple[float, float]:
    return -weight, weight


DPO_GRADIENT = Exercise(
    name="08.dpo_gradient",
    stars=2,
    minutes=8,
    task="Return the two derivatives of the DPO loss of one pair: with respect to `chosen`, the policy's "
    "log-probability of the chosen answer, and with respect to `rejected`.",
    reference=dpo_gradient,
    cases=[(-5.0, -9.0, -6.0, -8.0, 0.5), (-6.0, -6.0, -5.0, -8.0, 0.1), (-5.0, -4.0, -5.0, -4.0, 0.2)],
    mistakes=[
        Mistake(
            lambda *inputs: dpo_gradient(*inputs)[::-1],
            "The signs are turned: the loss falls as the chosen answer becomes likelier.",
        ),
        Mistake(
            lambda *inputs: (dpo_gradient(*inputs)[0] / inputs[-1], dpo_gradient(*inputs)[1] / inputs[-1]),
            "Those are the derivatives by the two *rewards*. A nat is worth beta of them: the chain rule's last "
            "factor.",
        ),
        Mistake(
            lambda *inputs: _both(inputs[-1] - dpo_gradient(*inputs)[1]),
            "Your weight is sigma(margin): it grows with what is learned. A pair that is right by far should pull "
            "least.",
        ),
        Mistake(
            lambda *inputs: (dpo_gradient(*inputs)[0],) * 2,
            "You gave the derivative by the chosen one twice. The rejected one stands in the margin with a minus.",
        ),
        Mistake(
            lambda chosen, rejected, ref_chosen, ref_rejected, beta: dpo_gradient(chosen, rejected, 0.0, 0.0, beta),
            "The reference is missing: it is a constant, but the margin, and so the weight, depends on it.",
        ),
        Mistake(
            lambda *inputs: _both(inputs[-1]),
            "That is beta alone. How hard a pair pulls also depends on how wrong the policy still is about it.",
        ),
    ],
    hints=[
        "The loss is that of a pair of rewards, whose derivative by the margin is sigma(margin) - 1 = -sigma(-margin).",
        "margin = beta * (chosen - ref_chosen - rejected + ref_rejected): its derivatives are beta and -beta.",
        "At the reference the two are -beta / 2 and beta / 2.",
    ],
)
