"""What sort of run is this? Told from the names, signs and levels of its metrics, and from the words around them."""

from collections.abc import Callable

from rlhf_lessons.diagnostics.findings import Kind
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.names import PART

LANGUAGE_LOSS = 1.5  # no preference loss starts so high
PREFERENCE = ("margin", "accuracy", "reward_chosen", "reward_rejected", "mean_reward")
LANGUAGE = ("perplexity", "token_accuracy", "vocab_size")
CRITIC = ("value_loss", "explained_variance")
GROUPS = ("zero_spread",)
PAIRS = ("margin", "reward_chosen", "reward_rejected", "logps_chosen", "logps_rejected")
PAID = ("score", "mean_reward")  # what a policy earns ...
MOVED = (
    "kl",
    "policy_loss",
    "approx_kl",
    "clip_fraction",
    "ratio",
    "response_length",
    "cut_off",
    "ended",
)  # ... and does


def kind_of(log: Log) -> tuple[Kind, str]:
    """The kind of run, and a sentence with the reason."""

    def has(*names: str) -> str:
        """The first of these names that was logged, training or held out, as it was printed; "" for none."""
        found = next((name for base in names for name in (base, f"eval_{base}") if name in log), "")
        return " or ".join(log.reading.names.get(found, (found,)))

    loss = log.values("loss") or log.values("eval_loss")
    if policy := _policy(log, has):
        return policy
    if name := has("logps_chosen", "logps_rejected"):
        return "dpo", f"Taken for DPO: it logs {name}."
    if name := has(*PREFERENCE):
        return "reward_model", f"Taken for a reward model: it logs {name}."
    if name := has(*LANGUAGE):
        return "sft", f"Taken for a language model: it logs {name}."
    if loss and loss[0] > LANGUAGE_LOSS:
        return "sft", f"Taken for a language model: its loss starts at {loss[0]:.3g}."
    if loss:
        return "reward_model", f"Taken for a reward model: its loss starts at {loss[0]:.3g}."
    return "unknown", "What was trained cannot be told from the names."


def _policy(log: Log, has: Callable[..., str]) -> tuple[Kind, str] | None:
    """PPO has a critic, GRPO and RLOO have none; DPO and its kin, which print KL and rewards too, have pairs."""
    if name := has(*CRITIC):
        return "ppo", f"Taken for PPO: it logs {name}."
    if name := has(*GROUPS):
        return "grpo", f"Taken for GRPO or RLOO: it logs {name}."
    parts = next((name for name in log.columns if name.startswith(PART)), "")
    paid, moved = has(*PAID), has(*MOVED) or (parts and has(parts))
    if has(*PAIRS) or not (moved and (paid or has("approx_kl", "clip_fraction", "policy_loss"))):
        return None
    both = " and ".join(filter(None, (paid, moved)))
    printed = (name.lower() for names in log.reading.names.values() for name in names)
    if any(name.startswith("ppo/") for name in printed) or "ppo" in log.reading.words:
        return "ppo", f"Taken for PPO, by its name: it logs {both}."
    return "grpo", f"Taken for GRPO or RLOO: it logs {both}, and no critic."
