"""Exercises of notebooks 04 and 06: what is wrong in logs that other programs printed?"""

from rlhf_lessons.exercises.exercise import Exercise, Mistake

PAIRS = (
    "it learns nothing: the loss stays at ln 2",
    "it learns the training pairs by heart",
    "the labels are the wrong way round",
    "the chosen answers become much less likely as well",
    "the level of the rewards drifts",
    "nothing is wrong",
)
POLICY = (
    "the loss is computed wrongly: it is 0",
    "the answers of a group all earn the same, so none is better than another",
    "the answers are cut off before they end",
    "the policy leaves its reference too fast",
    "nothing is wrong: the reward is steady, the policy has converged",
)


def memorised(log: str) -> int:
    # The training loss falls from 0.67 to 0.13; the accuracy of the evaluations is best after epoch 2 of 5, at 65 %.
    return 2


def displaced(log: str) -> int:
    # logps/chosen goes from -169 to -400: those answers are now e^231 times less likely. The margin grows since the
    # rejected ones fall farther.
    return 4


def no_spread(log: str) -> int:
    # frac_reward_zero_std is 1 from the third line on. A group's advantage is a difference from its own mean, so it is
    # 0, and so is the gradient. The reward of 1 is the format's; no answer was ever correct.
    return 2


def menu(causes: tuple[str, ...]) -> str:
    """The numbered list to choose from."""
    return "\n".join(f"{number}  {cause}" for number, cause in enumerate(causes, start=1))


def _advice(right: int, **of: str) -> list[Mistake]:
    return [
        Mistake(lambda log, number=int(name[1:]): number, words) for name, words in of.items() if int(name[1:]) != right
    ]


DEEPSPEED_LOG = Exercise(
    "04.deepspeed_log",
    2,
    5,
    f"Return the number of what is wrong in the log of DeepSpeed-Chat's reward model.\n{menu(PAIRS)}",
    memorised,
    [("deepspeed_reward_model",)],
    _advice(
        2,
        _1="ln 2 is 0.693: where does the loss end?",
        _3="Then the accuracy would lie under 50 %: does it?",
        _4="It prints rewards, no log-probabilities.",
        _5="The level does wander. But a constant added to all rewards changes neither the loss nor the ranking.",
        _6="How far does the loss fall after epoch 2, and how far does the accuracy of the evaluations rise?",
    ),
    ["Two numbers an epoch: which of them is about pairs that were trained on?"],
)

DPO_LOG = Exercise(
    "04.dpo_log",
    2,
    5,
    f"Return the number of what is wrong in the log of TRL's DPO run.\n{menu(PAIRS)}",
    displaced,
    [("trl_dpo",)],
    _advice(
        4,
        _1="ln 2 is 0.693: where does the loss end?",
        _2="That may be so as well, but no evaluation was logged. What do the answers that people chose lose?",
        _3="Then the margins would become negative as the accuracy is measured: do they?",
        _5="In DPO a reward is beta times the change of a log-probability: its level does mean something. What?",
        _6="The margin grows. From which of its two sides?",
    ),
    ["DPO's loss sees the difference of two log-probabilities. Where do the two go?"],
)

GRPO_LOG = Exercise(
    "06.grpo_log",
    2,
    5,
    f"Return the number of what is wrong in the log of TRL's GRPO run.\n{menu(POLICY)}",
    no_spread,
    [("trl_grpo",)],
    _advice(
        2,
        _1="A policy loss near 0 is normal where advantages have mean 0. What of grad_norm, and why?",
        _3="completions/clipped_ratio is the share that was cut off: how large is it?",
        _4="What is the kl?",
        _5="Of which of the two reward functions is this reward? And could it be higher?",
    ),
    ["An advantage in GRPO: reward minus the mean of its group. What is it where all of a group earn the same?"],
)
