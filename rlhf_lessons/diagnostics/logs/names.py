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
    "step": (
        "step",
        "steps",
        "global_step",
        "global_steps",
        "iteration",
        "iter",
        "current_steps",
        "training_global_step",
    ),
    "total_steps": ("total_steps", "max_steps"),
    "loss": ("loss", "bt_loss", "rm_loss", "reward_loss", "nll"),
    "margin": ("margin", "margins", "rewards_margins", "mean_margin", "reward_margin", "dist"),
    "accuracy": ("accuracy", "acc", "accuracies", "rewards_accuracies", "reward_accuracy"),
    "reward_chosen": (
        *("reward_chosen", "rewards_chosen", "chosen_reward", "chosen_rewards", "r_chosen", "chosen"),
        *("r_pref", "r_preferred", "reward_preferred", "preferred", "pref", "chosen_scores"),
    ),
    "reward_rejected": (
        *("reward_rejected", "rewards_rejected", "rejected_reward", "rejected_rewards", "r_rejected", "rejected"),
        *("reject_reward", "r_dispref", "r_dispreferred", "reward_dispreferred", "dispreferred", "dispref"),
    ),
    "mean_reward": ("mean_reward", "reward_mean", "rewards_mean"),
    "min_reward": ("min_reward", "reward_min", "rewards_min"),
    "max_reward": ("max_reward", "reward_max", "rewards_max"),
    "std_reward": ("std_reward", "reward_std", "rewards_std"),
    "perplexity": ("perplexity", "ppl"),
    "token_accuracy": ("token_accuracy", "mean_token_accuracy"),
    "vocab_size": ("vocab_size", "vocab", "vocabulary", "n_vocab"),
    "learning_rate": ("learning_rate", "lr", "actor_lr"),
    "grad_norm": ("grad_norm", "gradient_norm", "actor_grad_norm"),
    "n_pairs": ("n_pairs", "pairs", "samples", "n_samples", "num_samples"),
    # DPO and its kin
    "logps_chosen": ("logps_chosen", "chosen_logps"),
    "logps_rejected": ("logps_rejected", "rejected_logps", "reject_logps"),
    "nll_loss": ("nll_loss", "sft_loss"),
    "log_odds_chosen": ("log_odds_chosen",),
    # policies; the names are the course's own (stages.metrics)
    "score": ("score", "reward", "objective_scores", "average_reward_score", "critic_score_mean", "env_reward_mean"),
    "kl": ("kl", "objective_kl", "actor_kl_loss", "kl_divergence", "kl_loss"),
    "kl_coef": ("kl_coef", "objective_kl_coef", "actor_kl_coef"),
    "entropy": ("entropy", "objective_entropy", "policy_entropy_avg", "actor_entropy", "entropy_loss"),
    "response_length": (
        *("response_length", "response_length_mean", "completion_length", "completions_mean_length"),
        *("mean_response_length", "tokens_mean_len_response"),
    ),
    "longest_response": ("completions_max_length", "response_length_max"),
    "cut_off": ("cut_off", "completions_clipped_ratio", "response_length_clip_ratio"),  # share of answers without end
    "ended": ("ended",),
    "clip_fraction": (
        "clip_fraction",
        "policy_clipfrac_avg",
        "actor_pg_clipfrac",
        "clipfrac",
        "clip_ratio_region_mean",
    ),
    "approx_kl": ("approx_kl", "policy_approxkl_avg", "actor_ppo_kl", "ppo_kl"),
    "ratio": ("ratio", "val_ratio"),
    "policy_loss": ("policy_loss", "act_loss", "actor_loss", "actor_pg_loss", "loss_policy_avg", "pg_loss"),
    "value_loss": ("value_loss", "cri_loss", "critic_loss", "critic_vf_loss", "loss_value_avg", "vf_loss"),
    "explained_variance": ("explained_variance", "critic_vf_explained_var", "vf_explained_var"),
    "zero_spread": ("zero_spread", "frac_reward_zero_std"),  # share of groups whose answers all earn the same
    "sample_accuracy": ("sample_accuracy",),
}
CANONICAL = {alias: name for name, aliases in NAMES.items() for alias in aliases}
HELD_OUT = ("eval_", "held_out_", "heldout_", "validation_", "valid_", "val_", "test_")
TRAINING = ("training_", "train_")
WHERE = ("epoch", "step")

PART = "part_"  # before the name of one reward function of several
SETTING = "setting_"  # before what a file states of the run as a whole
NOT_MEASURED = (*WHERE, "total_steps", "vocab_size", "learning_rate", "n_pairs")


def is_measured(name: str) -> bool:
    """Whether a canonical name is that of a measurement, not of a place or a setting."""
    return name.removeprefix("eval_") not in NOT_MEASURED and not name.startswith(SETTING)


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
    """The canonical name of a printed key, with `eval_` before it if held out, or None for an unknown key.

    Each reward function of a policy's run (`rewards/format_reward`, with `/mean` or without) has the name `part_` and
    its own.
    """
    key = plain(key)
    if key in CANONICAL:
        return CANONICAL[key]
    for prefix in (*HELD_OUT, *TRAINING):
        if key.startswith(prefix):
            name = canonical(key.removeprefix(prefix))
            is_metric = name and prefix in HELD_OUT and name not in WHERE and not name.startswith("eval_")
            return f"eval_{name}" if is_metric else name
    if key.startswith("rewards_") and not key.endswith("_std"):
        return f"{PART}{key.removeprefix('rewards_').removesuffix('_mean')}"
    return None


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
