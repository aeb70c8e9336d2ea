"""What to log next time, so that more can be said of a run of the same kind."""

from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.rule import DIRECT, LANGUAGE, NO_POLICY, PAIRS, POLICY, REWARD_MODEL

# Where none of these is logged, the first is asked for, in words.
WANTED: tuple[tuple[frozenset[str], tuple[str, ...], str], ...] = (
    (PAIRS, ("eval_accuracy",), "the accuracy on held-out pairs (eval_accuracy)"),
    (PAIRS | LANGUAGE, ("eval_loss",), "the held-out loss (eval_loss)"),
    (PAIRS, ("eval_n_pairs",), "the number of held-out pairs (eval_n_pairs)"),
    (PAIRS, ("margin", "eval_margin"), "the mean margin"),
    (REWARD_MODEL, ("min_reward", "std_reward"), "the lowest and highest reward"),
    (DIRECT, ("logps_chosen", "eval_logps_chosen"), "the log-probabilities of chosen and rejected answers"),
    (POLICY, ("kl", "approx_kl"), "KL from the reference"),
    (POLICY, ("response_length",), "the mean length of answers"),
    (POLICY, ("eval_score",), "the reward on held-out prompts"),
    (NO_POLICY, ("epoch", "step"), "the step or epoch"),
    (NO_POLICY, ("learning_rate",), "the learning rate"),
    (NO_POLICY, ("grad_norm",), "the norm of the gradient"),
)
MOST = 4


def missing(log: Log) -> tuple[str, ...]:
    """What to log so that more can be said, most important first, at most four things."""
    return tuple(
        words
        for kinds, names, words in WANTED
        if log.kind in kinds and not any(name in log or name in log.reading.settings for name in names)
    )[:MOST]
