"""What it takes to call a run healthy, one function a kind, and why a log without faults may still not tell."""

from collections.abc import Callable, Mapping, Sequence

from rlhf_lessons.diagnostics.bars import LN2, PEOPLE_AGREE, READY_ACCURACY, STILL_HIGH
from rlhf_lessons.diagnostics.findings import HEALTHY, Finding
from rlhf_lessons.diagnostics.logs.beginnings import in_first_epoch
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.evidence import held_out_interval, shown_interval
from rlhf_lessons.diagnostics.logs.health_policy import RISEN, language_model, learned_policy
from rlhf_lessons.diagnostics.logs.losses import has_ln2, has_reference
from rlhf_lessons.diagnostics.logs.policy_curves import change_in_errors
from rlhf_lessons.diagnostics.logs.rules.direct import SOME, fall_of_chosen, sinks, unequal_lengths
from rlhf_lessons.diagnostics.logs.trends import FEWEST_POINTS, early, late, steady_trend
from rlhf_lessons.diagnostics.logs.wording import percent

# Of a log, and of what the rules remarked in it: what is good, and what is missing before that is enough.
Health = Callable[[Log, Sequence[Finding]], tuple[Finding | None, str]]
FEWEST_EVALUATIONS, FEWEST_MARKED = 2, 3
HARDLY = 0.02  # of the lowest loss
TOO_GOOD = 0.99
PEOPLE = f"people agree with each other on {percent(PEOPLE_AGREE[0])} to {percent(PEOPLE_AGREE[1])} of their pairs"

TOO_GOOD_TO_BE_TRUE = (
    f"{PEOPLE}: look for held-out pairs that were trained on, and for a trivial difference between the answers; "
    "if nobody disagrees about these pairs, give `ceiling` 1"
)


def reward_model(log: Log, _remarks: Sequence[Finding]) -> tuple[Finding | None, str]:
    """The loss is well below ln 2, the margin positive, and the held-out accuracy surely over its bar."""
    good = _ranks_pairs(log)
    loss, held_out = log.values("loss"), log.values("eval_accuracy")
    if not held_out:
        few = "" if good or len(loss) >= FEWEST_POINTS else f"{_rows(loss)}; "
        return good, f"{few}{_nothing_held_out(log)}"
    low, high = held_out_interval(log)
    bar = log.bars.accuracy(READY_ACCURACY)
    if late(held_out) < bar or low < bar:
        near = "hardly over a coin's 50 %" if high < 0.6 else "may be a coin's" if low <= 0.5 else "over 50 %"
        return good, f"held-out accuracy is {shown_interval(log)}{log.bars.reachable}, {near}, {_bar(log, bar)}"
    if log.bars.ceiling is None and late(held_out) >= TOO_GOOD:
        return None, f"held-out accuracy is {shown_interval(log)}, and {TOO_GOOD_TO_BE_TRUE}"
    if len(loss) < FEWEST_POINTS:
        return good, f"held-out accuracy is {shown_interval(log)}, but {_rows(loss)}"
    return good, "" if good else "the curves show no fault, but no training loss well below ln 2 = 0.693 either"


def _rows(loss: list[float]) -> str:
    if not loss:
        return "no training loss is in the log"
    return f"{len(loss)} rows with a loss show no trend; it takes at least {FEWEST_POINTS}"


def _bar(log: Log, bar: float) -> str:
    """Which bar was asked, and which ceiling it assumes."""
    asked = f"and not surely over the {percent(bar)} that are asked"
    if log.bars.ceiling is not None:
        return f"{asked} where anybody could reach {percent(log.bars.ceiling)}"
    return f"{asked} of labels without noise; {PEOPLE}, so it may be all there is: give `ceiling` where people disagree"


def _nothing_held_out(log: Log) -> str:
    accuracy = log.values("accuracy")
    unseen = f"there is no held-out accuracy (eval_accuracy), {_why_held_out(log)}"
    if accuracy and abs(late(accuracy) - 0.5) < 0.1 and "loss" not in log:
        return f"the training accuracy is {percent(late(accuracy))}, hardly over a coin's 50 %, and {unseen}"
    return unseen


def _why_held_out(log: Log) -> str:
    if in_first_epoch(log):
        return (
            "and training rows, whose pairs are new in the first epoch, are of single batches and a model that changes"
        )
    return "and memorising looks just like learning"


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
    course += f", {which} is {percent(late(accuracy))}{log.bars.reachable}"
    return Finding(HEALTHY, course, ("a leak or a shortcut",), 0.6)


def direct(log: Log, remarks: Sequence[Finding]) -> tuple[Finding | None, str]:
    """Trained on pairs: held-out margin over 0, held-out accuracy surely over a coin, held-out loss not risen."""
    margin, loss = log.values("eval_margin"), log.values("eval_loss")
    rewards = log.values("eval_reward_chosen")
    rows = log.reading.rows
    if rows < FEWEST_POINTS and not log.values("eval_accuracy"):
        return None, f"{rows} {'row is' if rows == 1 else 'rows are'} too few for a trend; it takes {FEWEST_POINTS}"
    if not log.values("eval_accuracy") and not margin:
        return None, f"no held-out accuracy or margin is in the log, {_why_held_out(log)}"
    evaluations = max(len(log.values("eval_accuracy")), len(margin))
    if evaluations < FEWEST_EVALUATIONS:
        return None, f"{evaluations} evaluation on held-out pairs shows no course; it takes {FEWEST_EVALUATIONS}"
    if not log.values("eval_accuracy"):
        return None, "the held-out margin is in the log, but not how many held-out pairs are ranked right"
    if held_out_interval(log)[0] <= 0.5:
        return None, f"held-out accuracy is {shown_interval(log)}, which may be a coin's luck"
    if margin and late(margin) <= 0:
        return None, f"the held-out margin is {late(margin):.3f}, not over 0, though most pairs are ranked right"
    if loss and has_ln2(log) and late(loss) > LN2:
        return None, f"the held-out loss is {late(loss):.4f}, over ln 2 = 0.6931, what an untrained policy pays"
    if not loss or late(loss) > early(loss):
        course = f"goes from {early(loss):.4f} to {late(loss):.4f}" if loss else "is not in the log"
        return None, f"the held-out loss {course}"
    if doubt := _bought_dearly(log, remarks):
        return None, doubt
    course = f"held-out accuracy is {shown_interval(log)}, the held-out loss goes from {loss[0]:.4f} to {loss[-1]:.4f}"
    course += f", the held-out margin is {late(margin):.3f}" if margin else ""
    course += f", the chosen answers' reward is {late(rewards):.3f}" if rewards else ""
    return Finding(
        HEALTHY, course, ("a shortcut such as length", "answers that have become worse all the same"), 0.6
    ), ""


def _bought_dearly(log: Log, remarks: Sequence[Finding]) -> str:
    """Why the held-out values may be good for another reason than better answers; "" for none."""
    if apart := next((remark for remark in remarks if remark.code == unequal_lengths.code), None):
        return f"{apart.evidence}; sample answers and count their tokens"
    if not has_reference(log) and sinks(log):
        return "the log-probability of the chosen answers sinks throughout, so sample some before you trust the margin"
    fell = fall_of_chosen(log)
    if fell and fell[0] < 0 and fell[1] - fell[0] < SOME * fell[0]:
        return (
            f"the log-probability of the chosen answers goes from {fell[0]:.1f} at the reference to {fell[1]:.1f} nats "
            "an answer, so sample some before you trust the margin"
        )
    return ""


def marked(log: Log, remarks: Sequence[Finding]) -> tuple[Finding | None, str]:
    """Trained on marks, not pairs, so that no accuracy is logged: each evaluation is better than the first.

    The margin is over 0 and over its first value, the loss under its first value, in every later evaluation; both move
    beyond their noise, and at least half as far as in training.
    """
    if log.values("eval_accuracy"):
        return direct(log, remarks)
    margin, loss = log.arrays("eval_margin", "eval_loss")
    if len(margin) < FEWEST_MARKED:
        evaluations = f"{len(margin)} {'evaluation' if len(margin) == 1 else 'evaluations'}"
        return None, f"{evaluations} with a held-out margin and loss show no course; it takes {FEWEST_MARKED}"
    course = f"the held-out margin goes from {margin[0]:.3f} to {margin[-1]:.3f}, the held-out loss from {loss[0]:.4f}"
    course += f" to {loss[-1]:.4f}, {loss.min():.4f} at its lowest"
    if margin[1:].min() <= max(margin[0], 0) or loss[1:].max() >= loss[0] or loss[-1] > (1 + HARDLY) * loss.min():
        return None, f"{course}: not better throughout than at first"
    falls = steady_trend(loss.tolist()) < 0 or change_in_errors(log.values("loss")) < -RISEN
    rises = steady_trend(margin.tolist()) > 0 or change_in_errors(log.values("margin")) > RISEN
    if not falls or not rises:
        return None, f"{course}, which may be noise"
    if _half_as_far(loss[0] - late(loss.tolist()), loss[0] - late(log.values("loss") or [0.0])) or _half_as_far(
        late(margin.tolist()), late(log.values("margin") or [0.0])
    ):
        return None, f"{course}, less than half as far as in training, as where answers are learned by heart"
    if doubt := _bought_dearly(log, remarks):
        return None, f"{course}, but {doubt}"
    return Finding(HEALTHY, course, ("a shortcut such as length",), 0.55), ""


def _half_as_far(held_out: float, training: float) -> bool:
    return held_out < training / 2


def unknown(log: Log, _remarks: Sequence[Finding]) -> tuple[Finding | None, str]:
    """Nothing can be called healthy of which nobody knows what it should do."""
    return None, "the names in it do not say what was trained; name the kind of run"


HEALTH: Mapping[str, Health] = {
    "reward_model": reward_model,
    "dpo": direct,
    "orpo": direct,
    "kto": marked,
    "sft": language_model,
    "grpo": learned_policy,
    "ppo": learned_policy,
    "unknown": unknown,
}
