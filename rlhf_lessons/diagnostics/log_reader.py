"""Read a training log, above all that of a reward model, and say what its numbers prove."""

from dataclasses import replace

from rlhf_lessons.diagnostics.bars import READY_ACCURACY, Bars
from rlhf_lessons.diagnostics.findings import CANNOT_TELL, HEALTHY, Diagnosis, Finding
from rlhf_lessons.diagnostics.logs import fit_rules as fit
from rlhf_lessons.diagnostics.logs import rules
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.parsing import Source, parse
from rlhf_lessons.diagnostics.logs.trends import ENOUGH_THROWS, FEWEST_POINTS, coin_at_most, late

PREFERENCE_METRICS = ("margin", "accuracy", "reward_chosen", "reward_rejected", "mean_reward")

GENERAL_RULES = (rules.divergence, rules.wrong_way_update)
PREFERENCE_RULES = (
    *(rules.common_mode_drift, rules.collapse_to_a_constant, rules.chance_level, rules.learning_rate_too_small),
    *(fit.overfit_and_overconfident, fit.margin_capped, fit.inverted_labels, fit.healthy),
)
LANGUAGE_RULES = (fit.language_chance_level, fit.language_healthy)


def diagnose(text_or_records: Source | Log, ceiling: float | None = None) -> Diagnosis:
    """What a training log proves, the strongest evidence first.

    Takes text or bytes (the source document's format, key=value, CSV, JSON lines), records such as a `History` or
    the `log_history` of a Hugging Face trainer, a data frame, or what `parse` made of one. A model is ready for PPO
    only if its log is healthy on held-out pairs and shows no fault. ceiling: the best possible accuracy where labels
    are noisy, over 0.5 and at most 1; the bars follow it. Raises ValueError for another one, and where nothing can be
    read.
    """
    log = replace(parse(text_or_records), bars=Bars(ceiling))
    language = _is_language_log(log)
    applied = (*GENERAL_RULES, *(LANGUAGE_RULES if language else PREFERENCE_RULES))
    findings = [finding for rule in applied if (finding := rule(log))]
    findings.sort(key=lambda finding: finding.strength, reverse=True)
    faults = [finding.name for finding in findings if finding.name != HEALTHY]
    findings = [finding for finding in findings if not faults or finding.name in faults]
    missing = "" if faults else _what_is_missing(log, findings, language)
    if missing:
        findings.append(Finding(CANNOT_TELL, missing, strength=0.3))
    return Diagnosis(tuple(findings), _verdict(faults, missing), not faults and not missing)


def _is_language_log(log: Log) -> bool:
    if any(log.values(prefix + name) for name in PREFERENCE_METRICS for prefix in ("", "eval_")):
        return False
    loss = log.values("loss")
    hints = any(log.values(name) for name in ("perplexity", "token_accuracy", "vocab_size"))
    return bool(loss) and (hints or loss[0] > fit.LANGUAGE_LOSS)


def _what_is_missing(log: Log, findings: list[Finding], language: bool) -> str:
    """Why a log without faults cannot tell whether PPO may rely on this model; empty if it can."""
    loss, held_out = log.values("loss"), log.values("eval_accuracy")
    if not findings and len(loss) < FEWEST_POINTS:
        return f"{len(loss)} rows with a loss are too few for a trend; it takes at least {FEWEST_POINTS}"
    if language:
        return "a language model's loss says nothing about preferences"
    if not held_out:
        return "there is no held-out accuracy (eval_accuracy), and memorising looks just like learning"
    if late(held_out) < log.bars.accuracy(READY_ACCURACY):
        reason = f"the curves show no fault, but held-out accuracy is {late(held_out):.0%}{log.bars.reachable}, "
        return f"{reason}too near to a coin's{log.bars.advice}"
    if coin_at_most(1 - late(held_out), int(max(log.values("eval_n_pairs"), default=ENOUGH_THROWS))) > 0.01:
        return f"a held-out accuracy of {late(held_out):.0%} on so few pairs may be a coin's luck"
    if not findings:
        return "the curves show no fault, but no training loss well below ln 2 = 0.693 either"
    return ""


def _verdict(faults: list[str], missing: str) -> str:
    if faults:
        return f"Ready for PPO: no, because the log shows {' and '.join(faults)}."
    if missing:
        return f"Ready for PPO: no, because the log cannot tell: {missing}."
    return "Ready for PPO: yes, because the model ranks held-out pairs well and the log shows no fault."
