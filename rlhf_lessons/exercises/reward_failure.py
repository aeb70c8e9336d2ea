"""Exercise of notebook 03: how far the rewards drift in one epoch."""

from rlhf_lessons.exercises.exercise import Exercise, Mistake
from rlhf_lessons.program_one import expected_drift

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
