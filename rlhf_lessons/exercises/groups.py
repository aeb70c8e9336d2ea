"""Exercise of notebook 09: the leave-one-out advantages of a group."""

from rlhf_lessons.exercises.exercise import Exercise, Mistake


def leave_one_out(rewards: list[float]) -> list[float]:
    # An answer is as good as it is better than its siblings; its own reward must not be in what it is compared with.
    others = len(rewards) - 1
    return [reward - (sum(rewards) - reward) / others for reward in rewards]


LEAVE_ONE_OUT = Exercise(
    name="09.leave_one_out",
    stars=1,
    minutes=5,
    task="Return the advantage of each answer of a group: its reward, less the mean reward of the other answers.",
    reference=leave_one_out,
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
