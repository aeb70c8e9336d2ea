"""What sort of run is this? Told from the names, signs and levels of its metrics, and from the words around them."""

import re
from collections.abc import Callable
from typing import get_args

from rlhf_lessons.diagnostics.bars import LN2
from rlhf_lessons.diagnostics.findings import Kind
from rlhf_lessons.diagnostics.logs.columns import Log, printed_name
from rlhf_lessons.diagnostics.logs.names import AS_PRINTED, PART, is_measured, part_first, plain

LANGUAGE_LOSS = 1.0  # a preference loss that starts so high has margins or accuracies beside it, which are asked first
TITLES: dict[Kind, str] = {
    "reward_model": "a reward model",
    "dpo": "DPO",
    "orpo": "ORPO",
    "kto": "KTO",
    "grpo": "GRPO or RLOO",
    "ppo": "PPO",
    "sft": "a language model",
}
WORDS: dict[str, Kind] = {
    "orpo": "orpo",
    "kto": "kto",
    "dpo": "dpo",
    "ipo": "dpo",
    "hinge": "dpo",
    "sigmoid": "dpo",
    "simpo": "dpo",
    "cpo": "dpo",
    "reward model": "reward_model",
    "rm": "reward_model",
    "reward": "reward_model",
}
MARGINS = ("margin", "reward_chosen", "reward_rejected")
PREFERENCE = (*MARGINS, "accuracy", AS_PRINTED, "mean_reward")
LANGUAGE = ("perplexity", "token_accuracy", "vocab_size")
CRITIC = ("value_loss", "explained_variance")
GROUPS = ("zero_spread",)
PAID = ("score", "mean_reward")  # what a policy earns
MOVED = ("kl", "policy_loss", "approx_kl", "clip_fraction", "ratio", "response_length", "cut_off")  # and what it does
# Fine-tuning on text may start anywhere between 0.5 and 3, and differs from batch to batch: its first rows are not all
# so near to ln 2.
NEAR_LN2, FIRST_ROWS, FEWEST_FIRST = 0.006, 5, 3
FAR_FROM_LN2 = 0.1
TRAINER = ("learning_rate", "epoch", "grad_norm")  # what a trainer prints beside its loss, and a chart does not
CHART = re.compile("chart|w&b|wandb|tensorboard", re.IGNORECASE)


def kind_of(log: Log) -> tuple[Kind, str]:
    """The kind of run, and a sentence with the reason."""
    for kind, reason in TABLE:
        if why := reason(log):
            return kind, f"Taken for {TITLES[kind]}: {why}." if kind in TITLES else f"{why}."
    return "unknown", "What was trained cannot be told from the names."


def _has(log: Log, *names: str) -> str:
    """The first of these names that was logged, training or held out, as it was printed; "" for none."""
    found = next((name for base in names for name in (base, f"eval_{base}") if name in log), "")
    return printed_name(log, found)


def _logs(*names: str, beside: tuple[str, ...] = ()) -> Callable[[Log], str]:
    """The reason that one of these names was logged, beside one of the others if there are any."""

    def reason(log: Log) -> str:
        name, other = _has(log, *names), _has(log, *beside) if beside else ""
        if not name or (beside and not other):
            return ""
        return f"it logs {name}" + (f" beside {other}" if beside else "")

    return reason


def _prints(*spellings: str, beside: tuple[str, ...] = ()) -> Callable[[Log], str]:
    """The reason that a name was printed in one of these spellings (regular expressions), understood or not."""

    def reason(log: Log) -> str:
        printed = [*(name for some in log.reading.names.values() for name in some), *log.reading.ignored]
        named = [
            name for name in printed if any(re.search(spelling, part_first(plain(name))) for spelling in spellings)
        ]
        return f"it logs {named[0]}" if named and (not beside or _has(log, *beside)) else ""

    return reason


def _said(kind: Kind) -> Callable[[Log], str]:
    """The reason that the run's name or the prose around it names one kind on pairs, and the metrics are such."""

    def reason(log: Log) -> str:
        if _has(log, *CRITIC, *GROUPS) or _earns(log) or not (_has(log, *PREFERENCE) or "loss" in log):
            return ""
        run = next((WORDS[word] for word in re.split("[_ ]", plain(log.reading.run)) if word in WORDS), None)
        if run:
            return f"the run is called {log.reading.run}" if run == kind else ""
        told = {WORDS[word] for word in log.reading.words if word in WORDS}
        others = log.reading.words & {"ppo", "grpo", "rloo", "sft"}
        return "the words around it say so" if told == {kind} and not others else ""

    return reason


def _earns(log: Log) -> str:
    """The reason that a policy is paid and moves: it has no pairs, which DPO and its kin have beside KL and rewards."""
    if _has(log, *MARGINS, "logps_chosen", "logps_rejected"):
        return ""
    paid, moved = _has(log, *PAID), _has(log, *MOVED)
    part = next((log.reading.names[name][0] for name in log.columns if name.startswith(PART)), "")
    if paid and (moved or part):
        return f"it logs {paid} beside {moved or part}"
    alone = _has(log, "policy_loss", "clip_fraction", "approx_kl")
    return f"it logs {alone}" if alone else ""


def _paid_alone(log: Log) -> str:
    """The reason that a plain reward stands beside a loss, and nothing of pairs: GRPO and RLOO print its spread too."""
    printed = log.reading.names.get("score", ())
    named = next((name for name in printed if "reward" in name), "")
    return f"it logs {named} beside a loss" if named and "loss" in log and not _has(log, *PREFERENCE) else ""


def _called_ppo(log: Log) -> str:
    """The reason that such a policy is called PPO: by its metrics (`ppo/mean_scores`), or in the words around them."""
    named = _prints("^ppo_(mean|std|loss|policy|val|returns)")(log) or (
        "it is called PPO" if _worded(log, "ppo") else ""
    )
    return named if named and _earns(log) else ""


def _worded(log: Log, word: str) -> bool:
    return word in log.reading.words or word in re.split("[_ ]", plain(log.reading.run))


def _single_curve(log: Log) -> str:
    """The reason not to guess: one curve of a chart, whose name says neither what was trained nor how."""
    measured = {name for name in log.columns if is_measured(name)}
    alone = CHART.search(log.reading.form) and len(measured) < 2
    return "One curve of a chart does not say what was trained" if alone else ""


def _starts_at_a_reference(log: Log) -> str:
    """Rewards that are measured from a reference are exactly 0 for both answers before the first step.

    The course's own names are those of reward models alone.
    """
    for prefix in ("", "eval_"):
        rows = log.finite(f"{prefix}reward_chosen", f"{prefix}reward_rejected")
        own = log.reading.names.get(f"{prefix}reward_chosen") == (f"{prefix}reward_chosen",)
        if len(rows) > 1 and rows[0] == (0, 0) and any(row != (0, 0) for row in rows) and not own:
            return "both rewards are exactly 0 in the first row, as they are when measured from a reference"
    return ""


def _log_of_llama_factory(log: Log) -> str:
    """Its `trainer_log.jsonl` has a training accuracy for DPO alone."""
    steps = log.reading.names.get("step", ())
    seen = "current_steps" in steps and "accuracy" in log
    return "it has LLaMA-Factory's current_steps beside an accuracy" if seen else ""


def _loss_of_language(log: Log) -> str:
    """A loss over what a preference loss starts at; or a held-out loss beside it, no other metric, and no ln 2."""
    loss, held_out = log.values("loss"), log.values("eval_loss")
    if high := next((first for first in (*loss[:1], *held_out[:1]) if first > LANGUAGE_LOSS), None):
        return f"its loss starts at {high:.3g}"
    alone = loss and "eval_loss" in log and abs(loss[0] - LN2) > FAR_FROM_LN2
    return f"it logs its loss alone, also held out, and starts at {loss[0]:.3g}, not ln 2" if alone else ""


def _loss_of_pairs(log: Log) -> str:
    """A loss that is near ln 2 row after row, in a record that has all that a trainer logs."""
    first = log.values("loss")[:FIRST_ROWS]
    near = len(first) >= FEWEST_FIRST and all(abs(loss - LN2) < NEAR_LN2 for loss in first)
    return f"its loss starts at {first[0]:.4g} and stays near ln 2 = {LN2:.4f}" if near and _has(log, *TRAINER) else ""


def _called_sft(log: Log) -> str:
    called = "loss" in log and _worded(log, "sft")
    return "it is called SFT" if called else ""


# Read from above: the first reason that holds decides.
TABLE: tuple[tuple[Kind, Callable[[Log], str]], ...] = (
    ("unknown", _single_curve),
    *((kind, _said(kind)) for kind in get_args(Kind) if kind in WORDS.values()),
    ("ppo", _logs(*CRITIC)),
    ("grpo", _logs(*GROUPS)),
    ("orpo", _prints("log_odds_(chosen|ratio)")),
    ("kto", _logs("kl", beside=(*MARGINS, "logps_chosen"))),
    ("kto", _prints("count_(chosen|rejected)$", beside=MARGINS)),
    ("dpo", _logs("logps_chosen", "logps_rejected")),
    ("dpo", _prints("^(eval_|train_)?logits_(chosen|rejected)", beside=PREFERENCE)),
    ("dpo", _prints("implicit", beside=PREFERENCE)),
    ("ppo", _called_ppo),
    ("grpo", _earns),
    ("ppo", _paid_alone),
    ("reward_model", _logs("mean_reward", beside=(*MARGINS, "accuracy", "min_reward"))),
    ("dpo", _prints("^(eval_|train_)?rewards_(chosen|rejected|margins|accuracies)$")),
    ("dpo", _starts_at_a_reference),
    ("dpo", _log_of_llama_factory),
    ("reward_model", _logs(*PREFERENCE)),
    ("sft", _logs(*LANGUAGE)),
    ("sft", _loss_of_language),
    ("sft", _called_sft),
    ("reward_model", _loss_of_pairs),
)
