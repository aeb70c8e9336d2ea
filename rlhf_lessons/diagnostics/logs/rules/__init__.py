"""All rules, by code: what can be wrong with a run, and how its log shows it."""

from collections.abc import Mapping

from rlhf_lessons.diagnostics.logs.rule import Rule
from rlhf_lessons.diagnostics.logs.rules import (
    accuracies,
    any_run,
    arithmetic,
    direct,
    fit,
    language,
    levels,
    overfitting,
    policy,
    policy_claims,
    policy_signal,
    policy_updates,
    reference,
    reward_model,
)
from rlhf_lessons.refusals import check_choice

MODULES = (
    *(reward_model, levels, fit, overfitting, direct, reference, arithmetic, accuracies, any_run),
    *(language, policy_claims, policy, policy_updates, policy_signal),
)
RULES: Mapping[str, Rule] = {
    rule.code: rule for module in MODULES for rule in vars(module).values() if isinstance(rule, Rule)
}

CERTAIN_AT_ONCE = frozenset({"RL008"})  # said of a run that has just begun too, as a remark


def explain(code: str) -> str:
    """The page of a rule. Raises ValueError for an unknown code."""
    check_choice("code", code, RULES)
    return RULES[code].page
