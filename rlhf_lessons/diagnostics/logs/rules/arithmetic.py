"""What a loss can and cannot be: a sum, another loss than the one assumed, less than its margin allows."""

import math

import numpy as np

from rlhf_lessons.diagnostics.bars import LN2
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.losses import REFERENCE_FREE, SIGMOID, has_ln2, loss_of, rows_with_margin
from rlhf_lessons.diagnostics.logs.rule import DIRECT, PAIRS, REWARD_MODEL, Signs, rule
from rlhf_lessons.diagnostics.logs.rules.fit import inverted_labels
from rlhf_lessons.diagnostics.logs.trends import FEWEST_POINTS, late

MULTIPLES = (*range(2, 9), 10, 12, 16, 20, 24, 32, 48, 64, 96, 128)  # steps of accumulation
SMALL_MARGIN = 0.1
APART = 0.4  # at most, from a whole multiple: at 0.5 the next one would be as near


@rule(
    "LOG001",
    "loss summed over accumulation steps",
    PAIRS,
    alternatives=(
        "a batch whose losses are summed, not averaged",
        "another loss that is high at margin 0, such as IPO",
    ),
    tell_apart="set gradient_accumulation_steps to 1: a sum goes down to ln 2, another loss stays",
    advice="divide the printed loss by that number; if the gradient is summed too, the learning rate is as much higher",
    early=True,
)
def summed_loss(log: Log) -> Signs | None:
    """A loss that rests near k times ln 2 while margins are near 0: k losses were added and never divided.

    -log sigma(0) = ln 2 = 0.6931 is what a pair costs that the model knows nothing about. Four of them summed cost
    2.7726. At the end of an epoch, where fewer batches are left to sum, the row may be back at ln 2. Example: 5.54,
    5.50, 5.52, 0.69 with margins of 0.00 to 0.02: eight batches.
    """
    if not has_ln2(log):
        return None
    return _multiple_at_the_start(log) or _multiple_of_held_out(log)


def _multiple(ratio: float, within: float) -> int:
    """The number of accumulation steps that a ratio of losses shows, 0 for none."""
    k = round(ratio)
    return k if k in MULTIPLES and abs(ratio - k) <= min(within * k, APART) else 0


def _multiple_at_the_start(log: Log) -> Signs | None:
    rows = rows_with_margin(log)
    starts = [loss for loss, margin in rows if abs(margin) < SMALL_MARGIN] if rows else log.values("loss")[:1]
    ones = sum(abs(value / LN2 - 1) < 0.03 for value in log.values("loss"))
    large = [loss for loss in starts if abs(loss / LN2 - 1) > 0.03]
    k = _multiple(float(np.median(large)) / LN2, 0.06) if large else 0
    if not k or np.std(large) > 0.1 * np.median(large) or abs(np.median(log.values("loss")[:3]) / (k * LN2) - 1) > 0.25:
        return None
    also = f"; {ones} {'row is' if ones == 1 else 'rows are'} at ln 2 itself, where an epoch ends" if ones else ""
    margins = f" while the margin is under {SMALL_MARGIN:g}" if rows else " at the start"
    return Signs(
        f"the loss is {np.median(large):.4f}{margins}, which is {k} x ln 2 = {k * LN2:.4f}, {k} times what a guess "
        f"costs: {k} losses are summed, as over gradient accumulation, and not averaged{also}",
        0.93,
    )


def _multiple_of_held_out(log: Log) -> Signs | None:
    """A held-out loss is never accumulated, so a sum stands beside it as its multiple throughout."""
    loss, held_out = log.values("loss"), log.values("eval_loss")
    if len(loss) < FEWEST_POINTS or not held_out or not 0.1 < min(held_out) <= max(held_out) < 1.2 * LN2:
        return None
    k = _multiple(float(np.median(loss) / np.median(held_out)), 0.12)
    far = [value for value in loss if value > 1.2 * LN2]
    if not k or len(far) < 0.7 * len(loss) or np.std(far) > 0.3 * np.mean(far):
        return None
    return Signs(
        f"the training loss is {np.median(loss):.4f} in the middle and the held-out loss {np.median(held_out):.4f}; a "
        f"guess costs ln 2 = 0.6931, so the training loss is about {k} times as high: {k} losses are summed, as over "
        "gradient accumulation, and not averaged",
        0.9,
    )


@rule(
    "LOG002",
    "negative loss",
    PAIRS,
    alternatives=("a bonus that is subtracted from the loss", "for DPO, loss_type robust"),
    tell_apart="print the loss of one pair with equal rewards: -log sigma gives 0.6931, minus sigma gives -0.5",
    advice="use -logsigmoid(margin): minus sigma hardly pulls at pairs that are ranked wrongly for sure",
    early=True,
)
def negative_loss(log: Log) -> Signs | None:
    """A Bradley-Terry loss is never negative: it is minus the logarithm of a probability, which is at most 1.

    The mean of minus sigma(margin) lies between -1 and 0 and starts at -0.5. Its gradient is sigma (1 - sigma), which
    vanishes where a pair is ranked wrongly by far, just where -log sigma pulls most. Example: -0.50, -0.58, -0.66.
    """
    loss = log.values("loss") or log.values("eval_loss")
    if not loss or (log.kind == "dpo" and loss_of(log) != SIGMOID):
        return None
    below = [value for value in loss if value < 0]
    if len(below) < max(2, len(loss) // 2):
        return None
    sigma = min(below) >= -1
    mean = ": it is the mean of minus sigma, which lies between -1 and 0" if sigma else ""
    return Signs(
        f"the loss is negative, {loss[0]:.4f} to {loss[-1]:.4f}, and minus the logarithm of a share never is{mean}",
        0.95,
    )


@rule(
    "LOG003",
    "a floor under the loss",
    REWARD_MODEL | frozenset({"dpo"}),
    alternatives=("label smoothing", "a margin term in the loss", "a bounded head"),
    tell_apart="label smoothing eps puts the margin at ln((1 - eps) / eps) and the loss at H(eps), both at once",
    advice="nothing is wrong: judge the run by its margin and accuracy, not by how near to 0 the loss comes",
    grave=False,
)
def smoothed(log: Log) -> Signs | None:
    """A loss that rests well over what its margin should cost: the labels are smoothed, which sets a floor.

    With label smoothing eps the loss of a pair is -(1 - eps) log sigma(m) - eps log sigma(-m). It is lowest at
    m = ln((1 - eps) / eps), and is there the entropy H(eps). Example: eps = 0.05 puts the margin at ln 19 = 2.944 and
    the loss at 0.199.
    """
    if not has_ln2(log):
        return None
    rows = rows_with_margin(log)[-max(FEWEST_POINTS, len(rows_with_margin(log)) // 4) :]
    if len(rows) < FEWEST_POINTS:
        return None
    losses, margins = (np.asarray(values) for values in zip(*rows, strict=True))
    loss, margin = float(losses.mean()), float(margins.mean())
    if not 1 < margin < 7 or np.ptp(margins) > 0.1 * margin or np.ptp(losses) > 0.15 * loss:
        return None
    eps = 1 / (1 + math.exp(margin))
    floor = -(1 - eps) * math.log(1 - eps) - eps * math.log(eps)
    if not 0.95 * floor < loss < 1.15 * floor or late(log.values("accuracy") or [1.0]) < 0.9:
        return None
    return Signs(
        f"the loss rests at {loss:.4f} and the margin at {margin:.3f} = ln({1 / eps - 1:.3g}); label smoothing of "
        f"{eps:.3g} puts the floor of the loss at H({eps:.3g}) = {floor:.4f}",
        0.6,
    )


@rule(
    "LOG004",
    "a loss without ln 2",
    DIRECT,
    tell_apart="the name of the loss stands in the trainer's settings (loss_type)",
    advice="compare losses of one kind only; accuracy and margins can be compared",
    grave=False,
    early=True,
)
def other_loss(log: Log) -> Signs | None:
    """Hinge, IPO and KTO losses start elsewhere, so ln 2 says nothing about them.

    At margin 0 the hinge loss max(0, 1 - margin) is 1, IPO's (margin / beta - 1 / (2 beta))^2 is 1 / (4 beta^2), 25 for
    beta = 0.1, and KTO's 1 - sigma is 0.5. SimPO and CPO have no reference: a reward is beta times the answer's own
    log-probability, a margin of 0 is no start, and -log sigma(margin - gamma) costs ln(1 + e^gamma) there. Example: a
    hinge loss of 1.00, 0.93, 0.85 at margins of 0.00, 0.07, 0.16.
    """
    loss, values = loss_of(log), log.values("loss") or log.values("eval_loss")
    if values and log.kind == "dpo" and loss in REFERENCE_FREE:
        own = "beta times the answer's own log-probability, so that it is under 0, and the loss starts off ln 2"
        named = "the loss is SimPO's or CPO's: without a reference a reward is"
        return Signs(f"{named} {own}; it ends at {values[-1]:.4g}", 0.35)
    at_zero = {"hinge": "1", "ipo": "1 / (4 beta^2), 25 for beta = 0.1", "kto": "about 0.5"}.get(loss)
    if not at_zero or not values or log.kind != "dpo":
        return None
    name = loss if loss == "hinge" else loss.upper()
    return Signs(f"the loss is {name}'s, which at margin 0 is {at_zero}, not ln 2; it ends at {values[-1]:.4g}", 0.35)


@rule(
    "LOG006",
    "loss too low for its margin",
    REWARD_MODEL | frozenset({"dpo"}),
    alternatives=(
        "a loss that was divided by the accumulation steps once too often",
        "margins of other rows than the loss",
    ),
    tell_apart="compute -log sigma of one pair's margin by hand and compare it with the printed loss of that pair",
    advice="find what the loss is divided by; if its gradient is as small, the learning rate is too",
    early=True,
)
def too_low_for_its_margin(log: Log) -> Signs | None:
    """A mean loss under -log sigma(mean margin), which Jensen's inequality rules out.

    -log sigma is convex, so the mean of the losses is at least the loss of the mean margin. Example: loss 0.17 at a
    margin of 0.01, where no Bradley-Terry loss is under 0.688; 0.688 / 4 = 0.172.
    """
    rows = rows_with_margin(log)
    if len(rows) < FEWEST_POINTS or not has_ln2(log) or rows[-1][0] < 0 or inverted_labels(log):
        return None
    losses, margins = (np.asarray(values) for values in zip(*rows, strict=True))
    least = np.logaddexp(0, -margins)
    if float((losses < 0.6 * least - 0.01).mean()) < 0.8:
        return None
    ratio = float(np.median(least / np.maximum(losses, 1e-9)))
    return Signs(
        f"the loss is {losses[-1]:.4f} at a margin of {margins[-1]:.4f}, and no mean of -log sigma is under "
        f"-log sigma({margins[-1]:.4f}) = {least[-1]:.4f} there; the least possible is about {ratio:.2g} times as high",
        0.9,
    )
