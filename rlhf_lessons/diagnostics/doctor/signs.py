"""What each fault of the bank shows, and how to tell two faults apart that look alike."""

import random

from rlhf_lessons.diagnostics.doctor import causes
from rlhf_lessons.diagnostics.findings import HEALTHY

# What each cause would show: the answer to a learner who names a cause that is not the planted one.
SIGNS = {
    causes.WRONG_WAY: "a training loss that rises from ln 2, and an accuracy under 50 % on its own training pairs too",
    causes.DRIFT: "both rewards far from 0 and far more apart from where they began than from each other",
    causes.RATE_HIGH: "a loss that starts near ln 2 and then leaps, to 2 or more",
    causes.RATE_LOW: "a loss that stands still, though every part has a gradient",
    causes.SATURATED: "constant rewards, and a spread that comes back once the head is moved to 0",
    causes.NORMALISED: "constant rewards, though the head's own outputs differ, wherever the head is moved",
    causes.LARGE_HEAD: "a first loss, before any step, far above ln 2",
    causes.INVERTED: "a high accuracy on training pairs and one far under 50 % on held-out pairs",
    causes.READ_OUT: "rewards that do not move when the last token is replaced",
    causes.IDENTICAL: "pairs that are identical when read",
    causes.LENGTH: "an accuracy that is high where the better answer is the longer one, and far under 50 % where "
    "it is the shorter one",
    causes.LEAK: "test pairs that were seen in training",
    HEALTHY: "a loss that starts near ln 2 and falls, rewards that part, new pairs ranked nearly as well as its own, "
    "and nothing out of place in any measurement",
}

# (planted cause, named cause) -> the difference to look at
CONFUSIONS = {
    (causes.WRONG_WAY, causes.INVERTED): (
        "Both rank held-out pairs the wrong way round. Swapped labels are *fitted*: the "
        "training loss falls. What does it do here?"
    ),
    (causes.INVERTED, causes.WRONG_WAY): (
        "Both rank held-out pairs the wrong way round. A step that climbs makes the training "
        "loss rise. What does it do here, and what is the accuracy on training pairs?"
    ),
    (causes.SATURATED, causes.NORMALISED): (
        "Both give constant rewards. Normalisation stays constant wherever the head is "
        "moved. What happened to the spread here when the head was moved to 0?"
    ),
    (causes.NORMALISED, causes.SATURATED): (
        "Both give constant rewards. A saturated head comes back to life when it is moved to 0. Did it?"
    ),
    (causes.RATE_LOW, causes.SATURATED): "A saturated head has no gradient at all. Look at the gradients.",
    (causes.RATE_LOW, causes.NORMALISED): (
        "After such a normalisation there is no gradient at all. Look at the gradients."
    ),
    (causes.SATURATED, causes.RATE_LOW): (
        "A flat loss it is, but a small step needs a gradient to be small. Look at the gradients."
    ),
    (causes.NORMALISED, causes.RATE_LOW): (
        "A flat loss it is, but a small step needs a gradient to be small. Look at the gradients."
    ),
    (causes.RATE_HIGH, causes.LARGE_HEAD): "Both show a high loss early. A large head has it *before* the first step.",
    (causes.LARGE_HEAD, causes.RATE_HIGH): (
        "Both show a high loss early. Too large a step cannot be seen before the first step. Look at the first loss."
    ),
    (causes.RATE_HIGH, causes.DRIFT): (
        "The rewards moved together, true. A bias that is not cancelled leaves the loss alone. "
        "Look at the highest loss."
    ),
    (causes.DRIFT, causes.RATE_HIGH): "The rewards moved together, true. Too large a step makes the loss leap. Did it?",
    (causes.LENGTH, causes.INVERTED): (
        "Swapped labels turn every pair round. Compare the accuracy where the better answer is "
        "longer with that where it is shorter."
    ),
}


def advice(planted: str, guess: str) -> str:
    """What a learner should look at who guesses `guess` where `planted` is the cause. It does not name the cause."""
    return CONFUSIONS.get((planted, guess), f"{guess.capitalize()} would show {SIGNS[guess]}. Is that so here?")


def suspects(planted: str, seed: int) -> list[str]:
    """Three causes in alphabetical order: the planted one, those it is mistaken for, and others that the seed draws."""
    look_alikes = [mistaken_for for cause, mistaken_for in CONFUSIONS if cause == planted]
    others = [name for name in SIGNS if name not in (planted, *look_alikes)]
    random.Random(seed).shuffle(others)
    return sorted([planted, *look_alikes, *others][:3])
