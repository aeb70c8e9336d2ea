"""What a log proves of a model that did learn: did it learn the reverse, or stop at a bound?"""

import math

from rlhf_lessons.diagnostics.bars import LN2, STILL_HIGH
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.evidence import coin_at_most, held_out_pairs, training_interval
from rlhf_lessons.diagnostics.logs.losses import has_ln2
from rlhf_lessons.diagnostics.logs.rule import PAIRS, REWARD_MODEL, Signs, rule
from rlhf_lessons.diagnostics.logs.rules.reward_model import collapse_to_a_constant, wrong_way_update
from rlhf_lessons.diagnostics.logs.trends import FEWEST_POINTS, early, late, steady_trend
from rlhf_lessons.diagnostics.logs.wording import percent

INVERTED = 0.35
UNDER_A_COIN = 0.45
UNTRAINED = 0.4  # a head that starts at random ranks a few per cent more or fewer right than a coin
FALLEN = 0.01  # nats
SIGNIFICANT = 0.01


@rule(
    "RM007",
    "margin capped by a bounded head",
    REWARD_MODEL,
    alternatives=("a learning rate that has decayed to 0", "pairs that are all alike", "a margin term in the loss"),
    tell_apart="the highest and the lowest reward stand still at the same distance from 0 only under a bounded head",
    advice="take the tanh, sigmoid or clip off the reward head",
)
def margin_capped(log: Log) -> Signs | None:
    """A margin that stops at a bound: all pairs sit there, or the highest and lowest reward never pass it.

    A tanh keeps rewards between -b and b, and margins under 2 b, so no pair can cost less than log(1 + e^-2b): for
    b = 1 that is 0.127. Example: margin 1.999 and loss 0.1270 in the last ten rows.
    """
    return _one_margin_for_all(log) or _rewards_at_a_bound(log)


def _one_margin_for_all(log: Log) -> Signs | None:
    """By Jensen's inequality a mean loss is at least -log sigma(mean margin); equal margins give just that."""
    rows = log.finite("loss", "margin")
    if len(rows) < FEWEST_POINTS:
        return None
    losses, margins = [row[0] for row in rows], [row[1] for row in rows]
    tail = margins[-max(2, len(rows) // 4) :]
    margin, loss = late(margins), late(losses)
    if (
        not has_ln2(log)
        or not 0.3 < margin < 6
        or max(tail) - min(tail) > 0.05 * margin
        or early(margins) > 0.9 * margin
    ):
        return None
    floor = math.log1p(math.exp(-margin))
    if loss > 1.05 * floor + 0.002:
        return None
    return Signs(
        f"the margin stops at {margin:.3f} and the loss at {loss:.4f}; -log sigma({margin:.3f}) is "
        f"{floor:.4f}: nearly all pairs have one and the same margin, as rewards that cannot leave "
        f"{-margin / 2:.2f} to {margin / 2:.2f} give",
        0.85,
    )


def _rewards_at_a_bound(log: Log) -> Signs | None:
    rows = log.finite("min_reward", "max_reward")
    second_half = rows[len(rows) // 2 :]
    if len(second_half) < FEWEST_POINTS:
        return None
    lows, highs = zip(*second_half, strict=True)
    bound = max(highs)
    still = max(max(lows) - min(lows), bound - min(highs)) < 0.01 * bound
    if not still or abs(bound + min(lows)) > 0.02 * bound:
        return None
    floor = math.log1p(math.exp(-2 * min(bound, 300)))
    return Signs(
        f"the highest reward stands still at {bound:.3f} and the lowest at {min(lows):.3f} over the last "
        f"{len(second_half)} rows, as a tanh or a clip makes them: no margin can pass {2 * bound:.2f} and no "
        f"loss come below {floor:.4f}",
        0.85,
    )


@rule(
    "RM008",
    "inverted labels",
    PAIRS,
    alternatives=("a metric computed the wrong way round", "metrics of other pairs than the loss"),
    tell_apart="read ten pairs: the answers in `chosen` must be the better ones",
    advice="swap chosen and rejected where they are wrong, in the data or in the metric",
)
def inverted_labels(log: Log) -> Signs | None:
    """It learns, but the reverse: well under half of the pairs are ranked right.

    A loss well under ln 2 needs most margins over 0. Where the log says that most are under 0, the loss and the metric
    do not mean the same pairs in the same order. Example: loss 0.10, margin -2.8, accuracy 6 %.
    """
    loss, accuracy = log.values("loss"), log.values("accuracy")
    fits = len(loss) >= FEWEST_POINTS and late(loss) < min(log.bars.loss(STILL_HIGH), early(loss))
    falls = fits or ((late(loss) < LN2 - FALLEN if loss else False) and steady_trend(loss) < 0)
    margin = log.values("margin")
    turned = accuracy and (late(accuracy) < INVERTED if fits else training_interval(log)[1] < UNDER_A_COIN)
    if has_ln2(log) and falls and (turned or (margin and late(margin) < -0.3)):
        shown = f"accuracy {percent(late(accuracy))}" if accuracy else f"margin {late(margin):.2f}"
        evidence = f"the loss falls to {late(loss):.4f}, yet the log shows {shown}"
        return Signs(evidence, 0.9)
    still = bool(loss) and late(loss) > LN2 - FALLEN and not (accuracy and late(accuracy) > 0.6)
    if still or wrong_way_update(log) or collapse_to_a_constant(log):  # ties may count as wrong
        return None
    return _held_out_inverted(log, UNDER_A_COIN if falls else UNTRAINED)


def _held_out_inverted(log: Log, bar: float) -> Signs | None:
    held_out = log.values("eval_accuracy")
    n, how = held_out_pairs(log)
    odds = coin_at_most(late(held_out), n) if held_out else 1.0
    if odds > SIGNIFICANT or late(held_out) > bar:
        return None
    return Signs(
        f"held-out accuracy is {percent(late(held_out))}, far under 50 % (a coin on {how}: odds {odds:.1g}), "
        "and a model that had learned nothing would be at about 50 %",
        0.94,
        ("swapped held-out labels", "a shortcut that is turned round in the held-out pairs"),
    )
