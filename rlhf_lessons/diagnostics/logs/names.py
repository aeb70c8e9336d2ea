"""What a printed name and a printed number mean."""

import math
import re
from functools import lru_cache
from numbers import Real
from typing import Any

from rlhf_lessons.refusals import shown

STAGE = "stage"  # the name of a text, not of a number: what was trained in this row

# The names a metric goes by, after lower-casing and turning every run of other signs into "_".
NAMES: dict[str, tuple[str, ...]] = {
    "epoch": ("epoch", "ep"),
    "step": ("step", "global_step", "iteration", "iter"),
    "loss": ("loss", "bt_loss", "rm_loss", "reward_loss", "nll"),
    "margin": ("margin", "margins", "rewards_margins", "mean_margin", "reward_margin"),
    "accuracy": ("accuracy", "acc", "accuracies", "rewards_accuracies", "reward_accuracy"),
    "reward_chosen": (
        *("reward_chosen", "rewards_chosen", "chosen_reward", "chosen_rewards", "r_chosen", "chosen"),
        *("r_pref", "r_preferred", "reward_preferred", "preferred", "pref"),
    ),
    "reward_rejected": (
        *(
            "reward_rejected",
            "rewards_rejected",
            "rejected_reward",
            "rejected_rewards",
            "r_rejected",
            "rejected",
        ),
        *("r_dispref", "r_dispreferred", "reward_dispreferred", "dispreferred", "dispref"),
    ),
    "mean_reward": ("mean_reward", "reward_mean", "rewards_mean"),
    "min_reward": ("min_reward", "reward_min", "rewards_min"),
    "max_reward": ("max_reward", "reward_max", "rewards_max"),
    "std_reward": ("std_reward", "reward_std", "rewards_std"),
    "perplexity": ("perplexity", "ppl"),
    "token_accuracy": ("token_accuracy", "mean_token_accuracy"),
    "vocab_size": ("vocab_size", "vocab", "vocabulary", "n_vocab"),
    "learning_rate": ("learning_rate", "lr"),
    "grad_norm": ("grad_norm", "gradient_norm"),
    "n_pairs": ("n_pairs", "pairs", "samples", "n_samples", "num_samples"),
}
CANONICAL = {alias: name for name, aliases in NAMES.items() for alias in aliases}
HELD_OUT = ("eval_", "held_out_", "heldout_", "validation_", "valid_", "val_", "test_")
TRAINING = ("training_", "train_")
WHERE = ("epoch", "step")

MEASURED = ("loss", "margin", "accuracy", "reward_chosen", "reward_rejected", "mean_reward", "perplexity")

# The first bracket only saves time: most signs begin no number.
NUMBER = re.compile(
    r"((?=[-+.\dni])(?<![\w.])[-+]?(?:nan|inf(?:inity)?|\d+(?:\.\d*)?(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?)(?!\.?\w)\s*%?)",
    re.IGNORECASE,
)
LONGEST_KEY = 60
MISREAD_MARK = "ï»¿"  # the mark at the beginning of a UTF-8 file, to who reads it as Latin-1
DISTINCT = 10_000  # spellings that are remembered


@lru_cache(DISTINCT)
def plain(key: Any) -> str:
    """A key in lower case, with every run of other signs than letters and digits as one "_", and none at the ends."""
    text = key if isinstance(key, str) else shown(key)
    return re.sub(r"\W+", "_", text.removeprefix(MISREAD_MARK).lower()).strip("_")


@lru_cache(DISTINCT)
def canonical(key: Any) -> str | None:
    """The canonical name of a printed key, with `eval_` before it if held out, or None for an unknown key."""
    key = plain(key)
    for prefix in (*HELD_OUT, *TRAINING):
        if key.startswith(prefix):
            name = CANONICAL.get(key.removeprefix(prefix))
            return f"eval_{name}" if name and prefix in HELD_OUT and name not in WHERE else name
    return CANONICAL.get(key)


def number(value: Any) -> float | None:
    """A number, a string that is one, or a percentage; None for anything else."""
    if isinstance(value, str):
        return printed_number(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number of over 308 digits
        return math.inf if value == abs(value) else -math.inf


def printed_number(text: str) -> float | None:
    """As `number`, of a string."""
    try:
        return float(text)
    except ValueError:
        text = text.strip().strip("\"' ")
    try:
        return float(text.rstrip("% ")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None


def stage_name(value: Any) -> str:
    """The name of a stage as it may be shown: on a line, and with nothing in it that a terminal obeys. "" for none."""
    if isinstance(value, str):
        return value.strip() if value.strip().isprintable() else repr(value)
    return "" if value is None or value != value or not isinstance(value, Real) else shown(value)
