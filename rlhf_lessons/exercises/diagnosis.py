"""Exercise of notebook 04: name the fault of an unknown reward model."""

import random

from rlhf_lessons.diagnostics import reward_checks as causes
from rlhf_lessons.diagnostics.faults import FAULTS, Patient, diagnose_patient
from rlhf_lessons.diagnostics.findings import HEALTHY
from rlhf_lessons.diagnostics.reward_report import RewardReport
from rlhf_lessons.exercises.exercise import Exercise, Mistake

NAMES = tuple(FAULTS)

# What each cause would show: told to whoever names it where it is not.
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

# (what it is, what was said) -> the difference to look at
CONFUSIONS = {
    (
        causes.WRONG_WAY,
        causes.INVERTED,
    ): "Both rank held-out pairs the wrong way round. Swapped labels are *fitted*: the "
    "training loss falls. What does it do here?",
    (
        causes.INVERTED,
        causes.WRONG_WAY,
    ): "Both rank held-out pairs the wrong way round. A step that climbs makes the training "
    "loss rise. What does it do here, and what is the accuracy on training pairs?",
    (
        causes.SATURATED,
        causes.NORMALISED,
    ): "Both give constant rewards. Normalisation stays constant wherever the head is "
    "moved. What happened to the spread here when the head was moved to 0?",
    (
        causes.NORMALISED,
        causes.SATURATED,
    ): "Both give constant rewards. A saturated head comes back to life when it is moved to 0. Did it?",
    (causes.RATE_LOW, causes.SATURATED): "A saturated head has no gradient at all. Look at the gradients.",
    (
        causes.RATE_LOW,
        causes.NORMALISED,
    ): "After such a normalisation there is no gradient at all. Look at the gradients.",
    (
        causes.SATURATED,
        causes.RATE_LOW,
    ): "A flat loss it is, but a small step needs a gradient to be small. Look at the gradients.",
    (
        causes.NORMALISED,
        causes.RATE_LOW,
    ): "A flat loss it is, but a small step needs a gradient to be small. Look at the gradients.",
    (causes.RATE_HIGH, causes.LARGE_HEAD): "Both show a high loss early. A large head has it *before* the first step.",
    (
        causes.LARGE_HEAD,
        causes.RATE_HIGH,
    ): "Both show a high loss early. Too large a step cannot be seen before the first step. Look at the first loss.",
    (
        causes.RATE_HIGH,
        causes.DRIFT,
    ): "The rewards moved together, true. A bias that is not cancelled leaves the loss alone. "
    "Look at the highest loss.",
    (causes.DRIFT, causes.RATE_HIGH): "The rewards moved together, true. Too large a step makes the loss leap. Did it?",
    (
        causes.LENGTH,
        causes.INVERTED,
    ): "Swapped labels turn every pair round. Compare the accuracy where the better answer is "
    "longer with that where it is shorter.",
}


def menu() -> str:
    """The numbered list of causes to choose from."""
    return "\n".join(f"{number:2}  {name}: {FAULTS[name].meaning}" for number, name in enumerate(NAMES, start=1))


def strongest_finding(report: RewardReport) -> int:
    # The doctor ranks its findings by evidence; the first of them names the cause.
    return NAMES.index(report.findings[0].name) + 1


def name_that_fault(patient: Patient) -> Exercise:
    """The exercise for one patient: its one case is the doctor's report, with the findings not yet told."""
    report = diagnose_patient(patient)
    truth = strongest_finding(report)
    return Exercise(
        task="Return the number of the cause that explains the patient's table and pictures.",
        reference=strongest_finding,
        cases=[(report,)],
        mistakes=[
            Mistake(lambda report, number=number: number, advice(NAMES[truth - 1], NAMES[number - 1]))
            for number in range(1, len(NAMES) + 1)
            if number != truth
        ],
        hints=[
            "Begin with the data: identical pairs? test pairs that were trained on?",
            "Then the training loss: does it start at ln 2 = 0.693, does it leap, rise, or move at all?",
            "Then the probes: gradients, the head's spread that should reach the reward, the last token.",
        ],
    )


def advice(truth: str, said: str) -> str:
    """What to tell whoever says `said` where `truth` is planted: what to look at, and not the answer."""
    return CONFUSIONS.get((truth, said), f"{said.capitalize()} would show {SIGNS[said]}. Is that so here?")


def suspects(truth: str, seed: int) -> list[str]:
    """Three causes in alphabetical order: the planted one, those it is mistaken for, and others that the seed draws."""
    look_alikes = [said for planted, said in CONFUSIONS if planted == truth]
    others = [name for name in SIGNS if name not in (truth, *look_alikes)]
    random.Random(seed).shuffle(others)
    return sorted([truth, *look_alikes, *others][:3])
