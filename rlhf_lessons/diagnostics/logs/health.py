"""What it takes to call a run healthy, one function a kind, and why a log without faults may still not tell."""

from collections.abc import Callable, Mapping

from rlhf_lessons.diagnostics.bars import LN2, READY_ACCURACY, STILL_HIGH
from rlhf_lessons.diagnostics.findings import HEALTHY, Finding
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.health_policy import language_model, learned_policy
from rlhf_lessons.diagnostics.logs.trends import ENOUGH_THROWS, FEWEST_POINTS, coin_at_most, early, late

Health = Callable[[Log], tuple[Finding | None, str]]  # what is good, and what is missing before that is enough


def reward_model(log: Log) -> tuple[Finding | None, str]:
    """The loss is well below ln 2, the margin positive, and most held-out pairs are ranked right."""
    good = _ranks_pairs(log)
    loss, held_out = log.values("loss"), log.values("eval_accuracy")
    if not good and len(loss) < FEWEST_POINTS:
        return good, f"{len(loss)} rows with a loss are too few for a trend; it takes at least {FEWEST_POINTS}"
    if not held_out:
        return good, "there is no held-out accuracy (eval_accuracy), and memorising looks just like learning"
    if late(held_out) < log.bars.accuracy(READY_ACCURACY):
        reason = f"the curves show no fault, but held-out accuracy is {late(held_out):.0%}{log.bars.reachable}, "
        return good, f"{reason}too near to a coin's{log.bars.advice}"
    if coin_at_most(1 - late(held_out), int(max(log.values("eval_n_pairs"), default=ENOUGH_THROWS))) > 0.01:
        return good, f"a held-out accuracy of {late(held_out):.0%} on so few pairs may be a coin's luck"
    return good, "" if good else "the curves show no fault, but no training loss well below ln 2 = 0.693 either"


def _ranks_pairs(log: Log) -> Finding | None:
    loss, margin = log.values("loss"), log.values("margin")
    accuracy = log.values("eval_accuracy") or log.values("accuracy")
    if not loss or late(loss) > min(log.bars.loss(STILL_HIGH), early(loss)):
        return None
    if margin and late(margin) < log.bars.fall(0.2):
        return None
    if not accuracy or late(accuracy) < log.bars.accuracy(0.65) or late(log.values("eval_loss") or [0]) > LN2:
        return None
    which = "held-out accuracy" if log.values("eval_accuracy") else "accuracy"
    course = f"the loss falls from {loss[0]:.4f} to {loss[-1]:.4f}"
    course += f", the margin reaches {margin[-1]:.2f}" if margin else ""
    course += f", {which} is {late(accuracy):.0%}{log.bars.reachable}"
    return Finding(HEALTHY, course, ("a leak or a shortcut",), 0.6)


def unknown(log: Log) -> tuple[Finding | None, str]:
    """Nothing can be called healthy of which nobody knows what it should do."""
    return None, "the names in it do not say what was trained; name the kind of run"


HEALTH: Mapping[str, Health] = {
    "reward_model": reward_model,
    "sft": language_model,
    "grpo": learned_policy,
    "ppo": learned_policy,
    "unknown": unknown,
}
