"""The level of rewards, which the loss does not see."""

from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.rule import REWARD_MODEL, Signs, rule
from rlhf_lessons.diagnostics.logs.rules.reward_model import common_mode_drift
from rlhf_lessons.diagnostics.logs.trends import late, steady_trend


@rule(
    "RM009",
    "level of the rewards wanders",
    REWARD_MODEL,
    advice="compare models by their margins and accuracies; subtract the mean reward before PPO uses it",
    grave=False,
)
def level_wanders(log: Log) -> Signs | None:
    """Rewards that move together, by more than they lie apart. This alone means nothing.

    The loss depends on differences only (see RM002), so nothing holds the level. Example: the mean score of the chosen
    answers is 3.1, -5.4, 0.7 and -1.9 after four epochs while the accuracy stays at 64 %.
    """
    level = _level(log)
    margin = log.values("margin") or log.values("eval_margin") or [0.0]
    if len(level) < 3 or common_mode_drift(log) or max(level) - min(level) < max(1, 5 * abs(late(margin))):
        return None
    return Signs(
        f"the mean reward lies between {min(level):.2f} and {max(level):.2f}; a constant added to all rewards changes "
        "neither the loss nor the order of the answers",
        0.3,
    )


def _level(log: Log) -> list[float]:
    """The mean reward; that of the chosen answers alone where no other is logged and it goes up and down."""
    chosen, rejected = log.arrays("reward_chosen", "reward_rejected")
    both: list[float] = ((chosen + rejected) / 2).tolist()
    alone = log.values("reward_chosen") or log.values("eval_reward_chosen")
    return both or log.values("mean_reward") or ([] if steady_trend(alone) else alone)
