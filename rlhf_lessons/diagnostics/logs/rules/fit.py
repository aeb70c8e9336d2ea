"""What a log proves of a reward model that did learn: did it overfit, learn the reverse, stop at a bound, or do well?

Rules are as in `rules`.
"""

import math

from rlhf_lessons.diagnostics.bars import GAP, LN2, STILL_HIGH
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.rule import PAIRS, REWARD_MODEL, Signs, rule
from rlhf_lessons.diagnostics.logs.trends import (
    FEWEST_POINTS,
    coin_at_most,
    early,
    late,
    smallest_sample,
)

INVERTED = 0.35
SIGNIFICANT = 0.01


@rule(
    "RM006",
    "overfit and overconfident",
    PAIRS,
    tell_apart="train on half of the pairs: an overfit gets worse on held-out pairs, harder pairs stay as hard",
    advice="stop where the held-out loss is lowest, or train on more pairs, for fewer epochs, at a lower rate",
)
def overfit_and_overconfident(log: Log) -> Signs | None:
    """The model is sure of the pairs that it was trained on, and of others too, where it is often wrong."""
    loss, held_out = log.values("loss"), log.values("eval_loss")
    if loss and held_out:
        end, lowest = late(held_out), min(held_out)
        worse_than_chance = end > LN2 and late(loss) < log.bars.loss(STILL_HIGH)
        risen = len(held_out) >= FEWEST_POINTS and end > 1.25 * lowest + 0.05 and late(loss) < early(loss)
        if worse_than_chance or risen:
            course = f"the training loss ends at {late(loss):.4f}, the held-out loss at {end:.4f}"
            course += f" after {lowest:.4f} at its lowest" if risen else ""
            return Signs(
                f"{course}; ln 2 = 0.6931 is what guessing costs",
                0.9,
                ("held-out pairs of another kind than the training pairs", "noisy held-out labels"),
            )
    return _gap_in_accuracy(log) or _other_pairs_than_the_loss(log)


def _gap_in_accuracy(log: Log) -> Signs | None:
    accuracy, held_out = log.values("accuracy"), log.values("eval_accuracy")
    if not accuracy or not held_out or late(log.values("loss") or [0]) > log.bars.loss(STILL_HIGH):
        return None
    own, new = (log.bars.agreement(late(values)) for values in (accuracy, held_out))
    if own - new < GAP or new > 0.8:
        return None
    return Signs(
        f"training accuracy ends at {late(accuracy):.0%}, held-out accuracy at {late(held_out):.0%}",
        0.75,
        ("held-out pairs that are harder", "few held-out pairs"),
    )


def _other_pairs_than_the_loss(log: Log) -> Signs | None:
    """A pair ranked wrongly costs at least ln 2, so the share of such pairs is at most loss / ln 2."""
    rows = log.finite("loss", "accuracy")
    if not rows:
        return None
    loss, accuracy = rows[-1]
    most_wrong = loss / LN2
    if 1 - accuracy < most_wrong + 0.05 or accuracy < INVERTED:
        return None
    margin = log.values("margin")
    return Signs(
        f"a loss of {loss:.4f} allows at most {most_wrong:.1%} wrong pairs, since each costs at least ln 2, "
        f"but the accuracy is {accuracy:.0%}: it is that of other pairs, {1 - accuracy:.0%} of them wrong"
        + (f" for a model whose margin is {margin[-1]:.2f}" if margin else ""),
        0.7,
        ("a loss that is not Bradley-Terry", "an accuracy that counts ties as wrong"),
    )


@rule(
    "RM007",
    "margin capped by a bounded head",
    REWARD_MODEL,
    alternatives=("a learning rate that has decayed to 0", "pairs that are all alike", "a margin term in the loss"),
    tell_apart="the highest and the lowest reward stand still at the same distance from 0 only under a bounded head",
    advice="take the tanh, sigmoid or clip off the reward head",
)
def margin_capped(log: Log) -> Signs | None:
    """A margin that stops at a bound: all pairs sit there, or the highest and lowest reward never pass it."""
    return _one_margin_for_all(log) or _rewards_at_a_bound(log)


def _one_margin_for_all(log: Log) -> Signs | None:
    """By Jensen's inequality a mean loss is at least -log sigma(mean margin); equal margins give just that."""
    rows = log.finite("loss", "margin")
    if len(rows) < FEWEST_POINTS:
        return None
    losses, margins = [row[0] for row in rows], [row[1] for row in rows]
    tail = margins[-max(2, len(rows) // 4) :]
    margin, loss = late(margins), late(losses)
    if not 0.3 < margin < 6 or max(tail) - min(tail) > 0.05 * margin or early(margins) > 0.9 * margin:
        return None
    floor = math.log1p(math.exp(-margin))
    if loss > 1.15 * floor + 0.002:
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
    tell_apart="read ten pairs: are the answers in `chosen` the better ones?",
    advice="swap chosen and rejected where they are wrong, in the data or in the metric",
)
def inverted_labels(log: Log) -> Signs | None:
    """It learns, but the reverse: well under half of the pairs are ranked right."""
    loss, accuracy, held_out = (log.values(name) for name in ("loss", "accuracy", "eval_accuracy"))
    fits = bool(loss) and late(loss) < min(log.bars.loss(STILL_HIGH), early(loss))
    margin = log.values("margin")
    if fits and ((accuracy and late(accuracy) < INVERTED) or (margin and late(margin) < -0.3)):
        shown = f"accuracy {late(accuracy):.0%}" if accuracy else f"margin {late(margin):.2f}"
        evidence = f"the loss falls to {late(loss):.4f}, yet the log shows {shown}"
        causes = ("a metric computed the wrong way round", "metrics of other pairs than the loss")
        return Signs(evidence, 0.9, causes)
    if not held_out or late(held_out) >= INVERTED or not (fits or (accuracy and late(accuracy) > 0.6)):
        return None
    n = int(max(log.values("eval_n_pairs"), default=smallest_sample(held_out)))
    odds = coin_at_most(late(held_out), n)
    if odds > SIGNIFICANT:
        return None
    return Signs(
        f"held-out accuracy is {late(held_out):.0%}, far under 50 % (a coin on {n} pairs: odds {odds:.1g}), "
        "while the training pairs are fitted",
        0.94,
        ("swapped held-out labels", "a shortcut that is turned round in the held-out pairs"),
    )
