"""Exercise of notebook 08: the DPO loss of one pair."""

import math

from rlhf_lessons.exercises.exercise import Exercise, Mistake


def dpo(chosen: float, rejected: float, ref_chosen: float, ref_rejected: float, beta: float) -> float:
    # Each answer's reward is beta times what training has added to its log-probability; Bradley-Terry does the rest.
    margin = beta * ((chosen - ref_chosen) - (rejected - ref_rejected))
    return math.log(1 + math.exp(-margin))


DPO = Exercise(
    name="08.dpo",
    stars=2,
    minutes=6,
    task="Return the DPO loss of one pair: -log sigma(beta * (gain of the chosen answer - gain of the rejected one)). "
    "An answer's gain is its log-probability under the policy less that under the reference.",
    reference=dpo,
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
