"""What a printed name and a printed number mean."""

import math
import re
from functools import lru_cache
from numbers import Real
from typing import Any

from rlhf_lessons.refusals import shown

# The names of a text, not of a number, that tells the rows of one run or stage from those of another.
RUNS = ("stage", "loss_type", "objective", "run", "run_name", "experiment", "experiment_name", "model", "model_name")
STAGE = RUNS[0]

# The names a metric goes by, after lower-casing and turning every run of other signs into "_".
NAMES: dict[str, tuple[str, ...]] = {
    "epoch": ("epoch", "ep", "training_epoch", "эпоха", "轮次"),
    "step": (
        *("step", "steps", "global_step", "global_steps", "iteration", "iter", "current_steps"),
        *(
            "training_global_step",
            "trainer_global_step",
            "optim_step",
            "n_updates",
            "num_updates",
            "iterations",
            "шаг",
            "步数",
        ),
    ),
    "total_steps": ("total_steps", "max_steps"),
    "progress": ("percentage",),  # the share of the run that is done
    "loss": (
        "loss",
        "bt_loss",
        "rm_loss",
        "reward_loss",
        "nll",
        "ppo_loss_total",
        "losses_total_loss",
        "reduced_train_loss",
        "损失",
    ),
    "margin": (
        *("margin", "margins", "rewards_margins", "rewards_margin", "mean_margin", "reward_margin", "dist"),
        *("dpo_rewards_margins", "reward_margins", "implicit_reward_margin", "implicit_margin"),
    ),
    "accuracy": (
        *("accuracy", "acc", "accuracies", "rewards_accuracies", "rewards_accuracy", "reward_accuracy"),
        *("reward_acc", "accu", "acc_mean", "dpo_rewards_accuracies", "reward_accuracies", "pref_acc"),
        *("preference_accuracy", "pairwise_accuracy", "implicit_reward_accuracy", "точность", "准确率"),
    ),
    "reward_chosen": (
        *("implicit_reward_chosen", "chosen_implicit_reward"),
        *("reward_chosen", "rewards_chosen", "chosen_reward", "chosen_rewards", "r_chosen", "chosen"),
        *("r_pref", "r_preferred", "reward_preferred", "preferred", "pref", "chosen_scores", "chosen_last_scores"),
        *("rewards_chosen_mean", "chosen_rewards_mean", "chosen_score", "mean_chosen_reward", "dpo_rewards_chosen"),
    ),
    "reward_rejected": (
        *("implicit_reward_rejected", "rejected_implicit_reward"),
        *("reward_rejected", "rewards_rejected", "rejected_reward", "rejected_rewards", "r_rejected", "rejected"),
        *("reject_reward", "r_dispref", "r_dispreferred", "reward_dispreferred", "dispreferred", "dispref"),
        *("rejected_scores", "rejected_last_scores", "reject_scores", "rewards_rejected_mean", "rejected_score"),
        *("rejected_rewards_mean", "mean_rejected_reward", "dpo_rewards_rejected"),
    ),
    "mean_reward": ("mean_reward", "reward_mean", "rewards_mean", "rewards_all_mean"),
    "min_reward": ("min_reward", "reward_min", "rewards_min"),
    "max_reward": ("max_reward", "reward_max", "rewards_max"),
    "std_reward": ("std_reward", "reward_std", "rewards_std", "rewards_all_std", "ppo_std_scores", "env_reward_std"),
    "perplexity": ("perplexity", "ppl"),
    "token_accuracy": ("token_accuracy", "mean_token_accuracy", "accuracies_tokens"),
    "vocab_size": ("vocab_size", "vocab", "vocabulary", "n_vocab"),
    "learning_rate": ("learning_rate", "lr", "actor_lr", "act_lr", "ppo_learning_rate", "learning_rate_group_0"),
    "grad_norm": ("grad_norm", "gradient_norm", "actor_grad_norm", "policy_grad_norm"),
    "runtime": ("runtime",),
    "samples_per_second": ("samples_per_second",),
    "n_pairs": ("n_pairs", "pairs", "samples", "n_samples", "num_samples"),
    # DPO and its kin
    "logps_chosen": (
        "logps_chosen",
        "chosen_logps",
        "log_probs_chosen",
        "policy_chosen_logps",
        "logp_chosen",
        "chosen_logp",
    ),
    "logps_rejected": (
        *("logps_rejected", "rejected_logps", "reject_logps", "log_probs_rejected", "logp_rejected", "rejected_logp"),
    ),
    "nll_loss": ("nll_loss", "sft_loss"),
    "log_odds_chosen": ("log_odds_chosen",),
    "log_odds_ratio": ("log_odds_ratio",),
    # policies; the names are the course's own (stages.metrics)
    "score": (
        *("score", "reward", "objective_scores", "average_reward_score", "critic_score_mean", "env_reward_mean"),
        *("ppo_mean_scores", "scores", "avg_reward", "average_reward", "test_score", "rm"),
        *("rollout_ep_rew_mean", "ep_rew_mean", "ep_reward_mean", "eprewmean"),
    ),
    "kl": (
        *("kl", "objective_kl", "actor_kl_loss", "kl_divergence", "kl_loss", "init_policy_kl", "mean_kl", "kl_mean"),
        *("actor_reward_kl_penalty", "policy_kl", "critic_kl"),
    ),
    "kl_coef": ("kl_coef", "objective_kl_coef", "actor_kl_coef", "actor_reward_kl_penalty_coeff", "kl_ctl_value"),
    "answer_entropy": ("answer_entropy", "objective_entropy"),  # summed over the tokens of an answer
    "entropy": (
        *("entropy", "policy_entropy_avg", "actor_entropy", "entropy_loss", "ppo_policy_entropy"),
        *("actor_entropy_loss", "policy_entropy"),
    ),
    "response_length": (
        *("response_length", "response_length_mean", "completion_length", "completions_mean_length"),
        *("mean_response_length", "tokens_mean_len_response", "tokens_responses_len_mean", "response_lengths"),
        *("generation_length", "mean_generation_length", "glen"),
    ),
    "longest_response": ("completions_max_length", "response_length_max"),
    # the share of answers without an end
    "cut_off": ("cut_off", "completions_clipped_ratio", "response_length_clip_ratio", "truncated_ratio"),
    "ended": ("ended",),
    "clip_fraction": (
        *("clip_fraction", "policy_clipfrac_avg", "actor_pg_clipfrac", "clipfrac", "clip_ratio_region_mean"),
        *("clip_ratio", "ppo_policy_clipfrac", "policy_clipfrac", "actor_clipfrac"),
    ),
    "approx_kl": (
        *(
            "approx_kl",
            "approxkl",
            "policy_approxkl_avg",
            "actor_ppo_kl",
            "ppo_kl",
            "ppo_policy_approxkl",
            "approx_policy_kl",
        ),
        *("policy_approx_kl",),
    ),
    "ratio": ("ratio", "val_ratio", "ratios"),
    "policy_loss": (
        *("policy_loss", "act_loss", "actor_loss", "actor_pg_loss", "loss_policy_avg", "pg_loss", "pg"),
        *("ppo_loss_policy", "losses_policy_loss"),
    ),
    "value_loss": (
        *("value_loss", "cri_loss", "critic_loss", "critic_vf_loss", "loss_value_avg", "vf_loss", "cri"),
        *("ppo_loss_value", "losses_value_loss"),
    ),
    "explained_variance": (
        *("explained_variance", "critic_vf_explained_var", "vf_explained_var", "ppo_val_var_explained"),
    ),
    "zero_spread": ("zero_spread", "frac_reward_zero_std"),  # share of groups whose answers all earn the same
    "sample_accuracy": ("sample_accuracy",),
    "value": ("value",),  # of a metric that the file does not name
}
CANONICAL = {alias: name for name, aliases in NAMES.items() for alias in aliases}
HELD_OUT = ("eval_", "evaluation_", "held_out_", "heldout_", "validation_", "valid_", "val_", "test_", "dev_")
TRAINING = ("training_", "train_")
# Which part of the data, inside a name or at its end: `rewards_train/chosen`, `loss/eval`.
PART_INSIDE = re.compile(rf"(\w+?)_({'|'.join(prefix[:-1] for prefix in (*HELD_OUT, *TRAINING))})(?:_(\w+))?")
WHERE = ("epoch", "step")

# What a file states of its run as a whole, by the names of transformers' settings.
SETTINGS: dict[str, tuple[str, ...]] = {
    "learning_rate": ("learning_rate", "lr"),
    "num_epochs": ("num_epochs", "num_train_epochs", "epochs", "max_epochs"),
    "total_steps": ("max_steps", "total_optimization_steps", "training_steps", "total_steps"),
    "batch_size": ("total_train_batch_size", "train_batch_size", "batch_size", "per_device_train_batch_size"),
    "accumulation": ("gradient_accumulation_steps", "accumulation"),
    "warmup_steps": ("warmup_steps", "lr_scheduler_warmup_steps"),
    "warmup_ratio": ("warmup_ratio", "lr_scheduler_warmup_ratio"),
    "label_smoothing": ("label_smoothing", "label_smoothing_factor"),
    "beta": ("beta",),
    "n_pairs": ("num_examples",),
}
SETTING_NAMES = {alias: name for name, aliases in SETTINGS.items() for alias in aliases}

PART = "part_"  # before the name of one reward function of several
SETTING = "setting_"  # before what a file states of the run as a whole
AS_PRINTED = "printed_accuracy"  # accuracies of which some are over 1, before they are made shares
NOT_MEASURED = (
    *WHERE,
    "total_steps",
    "progress",
    "vocab_size",
    "learning_rate",
    "n_pairs",
    "runtime",
    "samples_per_second",
)


def is_measured(name: str) -> bool:
    """Whether a canonical name is that of a measurement, not of a place or a setting."""
    return name.removeprefix("eval_") not in NOT_MEASURED


# What the row that a Hugging Face trainer appends has beside its means over the whole run; loggers put the part before.
CLOSING = frozenset({"train_runtime", "train_train_runtime"})

VERL_SCORE = re.compile(r"val_core_\w*_mean(_\d+)?|val_core_\w*_acc|val_test_score\w*")
REWARD_FUNCTION = re.compile(r"rewards_(\w+?)(?:_mean)?")
# What else stands under "rewards/": spreads, and the sums that the KTO trainer logs beside its means.
NO_FUNCTION = re.compile(r"_(std|min|max|sum|var)$|^rewards_(chosen|rejected)_|^rewards_(mean|total)$")

# The first bracket only saves time: most signs begin no number.
NUMBER = re.compile(
    r"((?=[-+.\dni])(?<![\w.])[-+]?(?:nan|inf(?:inity)?|\d+(?:\.\d*)?(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?)(?!\.?\w)\s*%?)",
    re.IGNORECASE,
)
OF_TOTAL = re.compile(r"\s*(\d{1,12})\s?/\s?(\d{1,12})\s*")
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
    its own. What a verl run scores on its validation set (`val-core/...`) is its held-out score.
    """
    name = plain(key)
    if isinstance(key, str) and " " in key:  # `Training Loss Validation` may be the half of two names
        return _meant(name)
    moved = part_first(name)
    return _meant(moved if moved.partition("_")[2] in CANONICAL else name)


def _meant(key: str) -> str | None:
    if key in CANONICAL:
        return CANONICAL[key]
    if VERL_SCORE.fullmatch(key):
        return "eval_score"
    for prefix in (*HELD_OUT, *TRAINING):
        if key.startswith(prefix):
            name = _meant(key.removeprefix(prefix))
            is_metric = name and prefix in HELD_OUT and name not in WHERE and not name.startswith("eval_")
            return f"eval_{name}" if is_metric else name
    if (part := REWARD_FUNCTION.fullmatch(key)) and not NO_FUNCTION.search(key):
        return f"{PART}{part[1]}"
    return None


def part_first(key: str) -> str:
    """A plain name with the part of the data that stands inside it or at its end in front: `eval_loss` for `loss_eval`.

    Unchanged where none does.
    """
    found = PART_INSIDE.fullmatch(key)
    return "_".join(filter(None, (found[2], found[1], found[3]))) if found else key


@lru_cache(DISTINCT)
def means_of_the_run(names: tuple[Any, ...]) -> frozenset[Any]:
    """Which names of a row are those of a trainer's closing summary: means over the whole run, no point of its course.

    They begin as its `train_runtime` does, sign for sign: `train/loss` is none of them. None without such a name.
    """
    closing = next((key for key in names if plain(key) in CLOSING), "")
    return frozenset(key for key in names if closing and str(key).startswith(closing[: -len("runtime")]))


def setting(key: str) -> str | None:
    """The name under which a reading keeps what a file states of its run as a whole, None for what is not kept."""
    return SETTING_NAMES.get(plain(key))


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
        text = text.strip().strip("\"'*` ")
    try:
        return float(text.rstrip("% ")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None


def counted(key: Any, value: Any) -> dict[str, float]:
    """What `9/547` means under the name of a step or an epoch: the first number, and behind steps how many there are.

    So does `global_step/max_steps`. Empty for anything else.
    """
    found = OF_TOTAL.fullmatch(value) if isinstance(value, str) else None
    name = found and (canonical(key) or canonical(str(key).partition("/")[0]))
    if not found or name not in WHERE:
        return {}
    done = {str(name): float(found[1])}
    return done | {"total_steps": float(found[2])} if name == "step" and float(found[2]) else done


def stage_name(value: Any) -> str:
    """The name of a stage as it may be shown: on a line, and with nothing in it that a terminal obeys. "" for none."""
    if isinstance(value, str):
        return value.strip() if value.strip().isprintable() else repr(value)
    return "" if value is None or value != value or not isinstance(value, Real) else shown(value)
