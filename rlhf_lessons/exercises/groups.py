"""Exercises of notebook 09: the advantages of a group, and a verifier."""

from collections.abc import Sequence
from statistics import mean, pstdev, stdev

from rlhf_lessons.exercises.exercise import Exercise, Mistake
from rlhf_lessons.exercises.rows import row
from rlhf_lessons.objectives.group import grpo_advantages, rloo_advantages


def leave_one_out(rewards: Sequence[float]) -> list[float]:
    return rloo_advantages(row(rewards))[0].tolist()


LEAVE_ONE_OUT = Exercise(
    name="09.leave_one_out",
    stars=1,
    minutes=5,
    task="Return the advantage of each answer of a group: its reward, less the mean reward of the other answers.",
    reference=leave_one_out,
    source=rloo_advantages,
    cases=[([1.0, 0.0, 0.0, 0.0],), ([2.0, -1.0],), ([0.3, 0.3, 0.3],)],
    mistakes=[
        Mistake(
            lambda rewards: [reward - sum(rewards) / len(rewards) for reward in rewards],
            "That is the mean of all, GRPO's baseline: the answer's own reward is in it. Leave it out.",
        ),
        Mistake(
            lambda rewards: [reward - (sum(rewards) - reward) / len(rewards) for reward in rewards],
            "The others are one fewer than the group: divide their sum by G - 1.",
        ),
        Mistake(
            lambda rewards: [(sum(rewards) - reward) / (len(rewards) - 1) - reward for reward in rewards],
            "The sign is turned: a better answer must have a higher advantage.",
        ),
        Mistake(
            lambda rewards: [reward - sum(rewards) for reward in rewards],
            "The baseline is a mean, not a sum, and without the answer itself.",
        ),
    ],
    hints=[
        "The sum of the others is sum(rewards) - reward.",
        "In a group of two, the advantages are the difference of the rewards and its opposite.",
    ],
)


def group_advantage(rewards: Sequence[float]) -> list[float]:
    return grpo_advantages(row(rewards))[0].tolist()


GROUP_ADVANTAGE = Exercise(
    name="09.group_advantage",
    stars=2,
    minutes=7,
    task="Return GRPO's advantage of each answer of a group: its reward less the mean of *all*, divided by the "
    "standard deviation plus 1e-4. The deviation is the sample's: squares are added up and divided by G - 1.",
    reference=group_advantage,
    source=grpo_advantages,
    cases=[([1.0, 0.0, 0.0, 0.0],), ([1.0, 4.0],), ([0.5, 0.5, 0.5],)],
    mistakes=[
        Mistake(
            lambda rewards: [(one - mean(rewards)) / (pstdev(rewards) + 1e-4) for one in rewards],
            "Your deviation divides by G. That of a sample divides by G - 1: in small groups it is clearly larger.",
        ),
        Mistake(
            lambda rewards: [one - mean(rewards) for one in rewards],
            "The division is missing: that is Dr. GRPO's advantage.",
        ),
        Mistake(
            lambda rewards: [(one - mean(rewards)) / (stdev(rewards) ** 2 + 1e-4) for one in rewards],
            "You divide by the variance. Its root has the unit of a reward.",
        ),
        Mistake(
            lambda rewards: [one / (stdev(rewards) + 1e-4) for one in leave_one_out(rewards)],
            "Your mean leaves the answer out, as RLOO's does. GRPO's is the mean of all.",
        ),
        Mistake(
            lambda rewards: [(one - mean(rewards)) / (stdev(rewards) or 1.0) for one in rewards],
            "The 1e-4 is missing. It hardly counts, until a group's rewards are nearly alike: then it saves you from "
            "0 / 0.",
        ),
        Mistake(
            lambda rewards: [(mean(rewards) - one) / (stdev(rewards) + 1e-4) for one in rewards],
            "The sign is turned: a better answer must have a higher advantage.",
        ),
    ],
    hints=[
        "statistics.mean and statistics.stdev do the sums; stdev divides by G - 1, pstdev by G.",
        "Where all rewards are alike, every advantage is 0: the group teaches nothing.",
    ],
)
