"""Reward models that do not learn, or learn the wrong way: what the curves prove, one rule a finding.

A rule takes a `Log` and returns `Signs`, or None where the numbers do not show it. All rest on three
facts of the Bradley-Terry loss `-log sigma(margin)`: it is ln 2 at margin 0, it does not see a constant added
to both rewards, and a pair ranked wrongly costs at least ln 2.
"""

import math

import numpy as np

from rlhf_lessons.diagnostics.bars import LN2, PEOPLE_AGREE, entropy
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.evidence import coin_at_most, held_out_interval, over_a_coin, smallest_sample
from rlhf_lessons.diagnostics.logs.losses import has_ln2
from rlhf_lessons.diagnostics.logs.rule import LANGUAGE, NO_POLICY, PAIRS, REWARD_MODEL, UNKNOWN, Signs, rule
from rlhf_lessons.diagnostics.logs.trends import FEWEST_POINTS, change, early, late, steady_trend
from rlhf_lessons.diagnostics.logs.wording import percent

NEAR_CHANCE = 0.01
SMALLEST_MARGIN = 0.05
SMALLEST_DRIFT = 0.1
FARTHER = 10  # times as far as the rewards lie apart
FLAT = 0.05
RISEN = 0.001  # from ln 2: to end there is what a constant does
ENOUGH_FOR_A_LINE = 2 * FEWEST_POINTS  # rows: any four or five may lie on one
HARDLY_LEFT = 0.01  # ln 2, in nats


@rule(
    "RM001",
    "wrong-way update",
    NO_POLICY,
    alternatives=("training on swapped pairs while the log is computed on the right ones",),
    tell_apart="swap the pairs of one batch: if the loss falls then, the labels were swapped, not the step",
    advice="check the sign of the update, or of the loss, on one batch: one small step must lower its loss",
)
def wrong_way_update(log: Log) -> Signs | None:
    """A loss that rises steadily from its start: the step climbs the gradient.

    A gradient step w - lr g changes the loss by about -lr |g|^2, which is never positive; with the sign of the step or
    of the loss turned round it is +lr |g|^2, row after row. Too small a step leaves the loss flat, too large a one
    makes it leap; neither makes it rise evenly. Example: 0.6958, 0.6979, 0.7000, 0.7022, 0.7044.
    """
    loss = log.values("loss")
    if (
        steady_trend(loss) <= 0
        or abs(late(loss) - LN2) < RISEN
        or any(steady_trend(log.values(name)) > 0 for name in ("margin", "accuracy"))
    ):
        return None
    evidence = f"the loss rises steadily from {loss[0]:.4f} to {loss[-1]:.4f} over {len(loss)} rows"
    margin = log.values("margin")
    if steady_trend(margin) < 0:
        evidence += f", while the margin falls from {margin[0]:.3f} to {margin[-1]:.3f}"
    accuracy = log.values("accuracy")
    if accuracy and max(accuracy) < 0.5:
        n = smallest_sample(accuracy)
        odds = coin_at_most(max(accuracy), n)
        evidence += f" and the accuracy stays at {percent(min(accuracy))} to {percent(max(accuracy))}"
        evidence += f" (a coin does as badly on {n} pairs with probability {odds:.2f})"
    evidence += "; too small a step would leave it flat, so the step goes up the gradient"
    return Signs(evidence, 0.95 if len(loss) > 4 else 0.6)


@rule(
    "RM002",
    "common-mode drift",
    REWARD_MODEL,
    alternatives=("a learning rate so large that momentum and rounding carry all rewards along",),
    tell_apart="a bias drifts in a straight line and as fast at a tenth of the rate times ten steps; rounding wanders",
    advice="make the update of the shared bias the sum over both answers, where it cancels, or centre the rewards",
)
def common_mode_drift(log: Log) -> Signs | None:
    """Rewards that move together, far more than they move apart.

    -log sigma(r_chosen - r_rejected) does not change when a constant is added to both rewards, so it has no gradient
    along the level: a level alone means nothing, and a steady drift shows an update that should have cancelled.
    Example: both rewards go from -2 to -10 while the margin stays at 0.02.
    """
    chosen, rejected = log.arrays("reward_chosen", "reward_rejected")
    if len(chosen):
        name, who, middle = "reward_chosen", "both rewards go", ((chosen + rejected) / 2).tolist()
        apart = np.abs(chosen - rejected).tolist()
    else:
        name, who, middle = "mean_reward", "the mean reward goes", log.values("mean_reward")
        spread = [high - low for low, high in log.finite("min_reward", "max_reward")]
        apart = [abs(value) for value in spread or log.values("margin")]
    if not apart or not steady_trend(middle):
        return None
    drift, (unit, where) = middle[-1] - middle[0], log.positions(name)
    if abs(drift) < max(SMALLEST_DRIFT, FARTHER * late(apart)):
        return None
    pace = abs(drift) / (where[-1] - where[0])
    return Signs(
        f"{who} from {middle[0]:.2f} to {middle[-1]:.2f}, {pace:.3g} per {unit}, but the rewards are only "
        f"{late(apart):.3f} apart; the loss has no gradient along a constant added to both, and weights that both "
        "answers share move the level along with the margin, not so much farther; a shared bias that is not "
        f"cancelled drifts by n x lr x (1 - sigma), and so by {pace:.3g} if n x lr is {2 * pace:.3g}",
        0.93,
    )


@rule(
    "RM003",
    "collapse to a constant",
    REWARD_MODEL,
    alternatives=(
        "a learning rate far too high, or so small that a zero head never moves",
        "a normalisation after the head, a saturated bounded head, or pairs that are identical when read",
    ),
    tell_apart="print the rewards of ten answers before training: a normalised head gives one value even then",
    advice="look at the spread of rewards before and after the last layer, then at the learning rate",
)
def collapse_to_a_constant(log: Log) -> Signs | None:
    """Every answer gets the same score, whatever that score is.

    At a margin of exactly 0 the loss is ln 2 = 0.6931, and no weight before the score matters. Example: loss 0.6931 in
    each row, margin 0.0000, lowest and highest reward 0.001 apart.
    """
    loss, margin = log.values("loss"), log.values("margin")
    tail = loss[-max(2, len(loss) // 4) :]
    if not loss or abs(late(loss) - LN2) > 2 * NEAR_CHANCE or (steady_trend(loss) and np.ptp(tail) > RISEN):
        return None
    if wrong_way_update(log):
        return None
    spread = [high - low for low, high in log.finite("min_reward", "max_reward")] or log.values("std_reward")
    rewards = log.values("reward_chosen") or log.values("mean_reward")
    still = bool(margin) and late([abs(value) for value in margin]) < SMALLEST_MARGIN
    exact = bool(margin) and max(abs(value) for value in margin[len(margin) // 2 :]) < 0.0005
    lockstep = still and bool(rewards) and max(rewards) - min(rewards) > 10 * SMALLEST_MARGIN
    if not exact and not lockstep and not (spread and late(spread) < SMALLEST_MARGIN):
        return None
    evidence = f"the loss stays at {late(loss):.4f}, which is ln 2 = 0.6931, what a constant costs"
    if margin:
        evidence += f"; the margin is {late(margin):.4f}"
    if spread:
        evidence += f"; the rewards are {late(spread):.3f} apart from lowest to highest"
    if lockstep:
        evidence += f"; all rewards move between {min(rewards):.2f} and {max(rewards):.2f} in lockstep"
    return Signs(evidence, 0.9)


@rule(
    "RM004",
    "chance-level loss",
    PAIRS | UNKNOWN,
    alternatives=(
        "a learning rate too small",
        "a gradient that does not reach the weights",
        "features without signal",
    ),
    tell_apart="grad_norm tells the second from the others; fitting 20 pairs by heart tells the first from the third",
    advice="train on 20 pairs until they are known by heart; if that fails, the fault is in the code, not in the data",
)
def chance_level(log: Log) -> Signs | None:
    """A preference loss that never leaves ln 2, but for the noise of single batches.

    A model that gives both answers of a pair the same score pays -log(1/2) = ln 2 = 0.6931 for it, and so does a coin
    on average if it is never sure. Example: 0.6935, 0.6928, 0.6934 over 400 rows, accuracy 49.8 %. Not called so where
    the accuracy is surely over 50 %: then something was learned. A remark where nothing says that pairs are ranked.
    """
    loss = log.values("loss")
    if len(loss) < FEWEST_POINTS or over_a_coin(log) or not (has_ln2(log) or log.kind == "unknown"):
        return None
    near = max(NEAR_CHANCE, 2 * float(np.std(loss, ddof=1)) / math.sqrt(len(loss) / 4))
    if near > 5 * NEAR_CHANCE or max(abs(late(loss) - LN2), abs(change(loss))) > near:
        return None
    if steady_trend(loss):
        return None
    return Signs(
        f"the loss starts at {loss[0]:.4f} and ends at {loss[-1]:.4f}, around ln 2 = 0.6931, a guess's cost",
        0.75,
        grave=log.kind != "unknown",
    )


def _as_low_as_its_accuracy(log: Log, start: float, end: float) -> bool:
    """Whether the loss has gone at least half the way that the accuracy allows, or that people's agreement does."""
    accuracy = log.values("eval_accuracy") or log.values("accuracy")
    if not accuracy:
        return start - end > LN2 - entropy(PEOPLE_AGREE[0])
    if LN2 - end < HARDLY_LEFT and held_out_interval(log)[1] < PEOPLE_AGREE[0]:
        return False
    return over_a_coin(log) and LN2 - end > 0.5 * (LN2 - entropy(late(accuracy)))


@rule(
    "RM005",
    "learning rate too small",
    REWARD_MODEL | LANGUAGE | UNKNOWN,
    alternatives=("too few epochs", "weak features", "a mean squared error or another loss than the one trained"),
    tell_apart="ten times the rate on the same pairs: a straight fall becomes ten times as steep",
    advice="raise the learning rate threefold at a time until the loss no longer falls in a straight line",
)
def learning_rate_too_small(log: Log) -> Signs | None:
    """A loss that is flat, or that has fallen only a little and still falls in a straight line.

    Far from its goal the gradient hardly changes, so a step ten times smaller makes the same straight line ten times
    flatter. People agree on as few as 63 % of their pairs, and the best loss for a ceiling a is at most its entropy
    H(a) = -a ln a - (1 - a) ln(1 - a): H(0.63) = 0.659. So a fall to there may be all there is. What tells a run that
    goes on too slowly is a loss that stays high for its accuracy: right in a share a of the pairs, it would cost H(a)
    if only its rewards were scaled. Example: 90 % right (H = 0.325) at a loss of 0.68. A remark in fewer than eight
    rows that fall by 0.05 or more, on a language model, whose loss may have little left to fall, and where nothing says
    what was trained.
    """
    loss, margin = log.values("loss"), log.values("margin")
    if len(loss) < FEWEST_POINTS or steady_trend(loss) > 0 or collapse_to_a_constant(log):
        return None
    start, end, middle = early(loss), late(loss), loss[len(loss) // 2]
    falls = steady_trend(loss) < 0
    levels_off = (start - middle) > 3 * (middle - end)
    if falls and (start - end > log.bars.fall(0.2 * start) or levels_off):
        return None
    if log.kind not in LANGUAGE and _as_low_as_its_accuracy(log, start, end):
        return None
    error = float(np.std(loss, ddof=1)) / math.sqrt(len(loss) / 4)
    if not falls and (max(abs(end - LN2), abs(end - start)) + error > FLAT or abs(late(margin or [0])) > 0.3):
        return None
    ranks_pairs = bool(margin or log.values("accuracy") or log.values("eval_accuracy"))
    course = "falls in a straight line" if falls else "hardly moves"
    return Signs(
        f"the loss {course}, from {loss[0]:.4f} to {loss[-1]:.4f} over {len(loss)} rows",
        (0.8 if ranks_pairs else 0.5) if falls else 0.55,
        grave=log.kind in REWARD_MODEL and (len(loss) >= ENOUGH_FOR_A_LINE or start - end < FLAT),
    )
