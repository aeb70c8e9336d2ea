"""Exercise of notebook 01: the loss of a model that knows nothing."""

import math

from rlhf_lessons.exercises.exercise import Exercise, Mistake


def chance_level(vocab_size: int) -> float:
    # A model that knows nothing gives every one of the V tokens the probability 1 / V.
    return -math.log(1 / vocab_size)


CHANCE_LEVEL = Exercise(
    name="01.chance_level",
    stars=1,
    minutes=3,
    task="Write the cross-entropy, in nats, of a model that gives every token the same probability.",
    reference=chance_level,
    cases=[(2,), (100,), (50257,)],
    mistakes=[
        Mistake(
            lambda v: math.log2(v),
            "That is in bits (log base 2). PyTorch's loss is in nats: use the natural log.",
        ),
        Mistake(lambda v: math.log10(v), "That is log base 10. PyTorch's loss uses the natural log."),
        Mistake(lambda v: math.log(1 / v), "The sign: a loss is the *negative* log of the probability."),
        Mistake(lambda v: 1 / v, "That is the probability of the right token. The loss is its negative log."),
    ],
    hints=[
        "What probability does each of V tokens get?",
        "The loss is -log of the probability of the right token.",
    ],
)
