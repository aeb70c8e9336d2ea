"""Models that know their training pairs and not the others: how far the held-out rows lag behind."""

from rlhf_lessons.diagnostics.bars import GAP, LN2, STILL_HIGH
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.evidence import held_out_interval
from rlhf_lessons.diagnostics.logs.losses import has_ln2
from rlhf_lessons.diagnostics.logs.rule import PAIRS, Signs, rule
from rlhf_lessons.diagnostics.logs.trends import FEWEST_POINTS, early, late
from rlhf_lessons.diagnostics.logs.wording import percent

INVERTED = 0.35
FEWEST_HELD_OUT = 3
STILL, RISEN = 0.03, 0.1  # of a loss
KNOWN_BY_HEART, SURE = 0.99, 0.01


@rule(
    "RM006",
    "overfit and overconfident",
    PAIRS,
    alternatives=("held-out pairs of another kind than the training pairs", "noisy held-out labels"),
    tell_apart="train on half of the pairs: an overfit gets worse on held-out pairs, harder pairs stay as hard",
    advice="stop where the held-out loss is lowest, or train on more pairs, for fewer epochs, at a lower rate",
)
def overfit_and_overconfident(log: Log) -> Signs | None:
    """The model is sure of the pairs that it was trained on, and of others too, where it is often wrong.

    A pair with margin m costs log(1 + e^-m): sure and right costs nearly nothing, sure and wrong costs |m|. Once the
    training pairs are known by heart, margins only grow, and what is ranked wrongly elsewhere costs more with each
    step. Held-out loss over ln 2 = 0.693 is worse than a coin that is never sure. Example: training loss 0.09,
    held-out loss 0.55 at its lowest and 1.2 at the end; or 98 % right in training and 64 % held out. ORPO's loss is
    mostly that of the chosen text, which no margin explains: there a rise of a tenth counts.
    """
    loss, held_out = log.values("loss"), log.values("eval_loss")
    if loss and held_out:
        end, lowest = late(held_out), min(held_out)
        worse_than_chance = has_ln2(log) and end > LN2 and late(loss) < log.bars.loss(STILL_HIGH)
        risen = len(held_out) >= FEWEST_POINTS and end > 1.25 * lowest + 0.05 and late(loss) < early(loss)
        unlearned = log.kind == "orpo" and len(held_out) >= FEWEST_HELD_OUT and end > 1.1 * lowest
        risen = risen or (unlearned and late(loss) < early(loss))
        if worse_than_chance or risen:
            course = f"the training loss ends at {late(loss):.4f}, the held-out loss at {end:.4f}"
            course += f" after {lowest:.4f} at its lowest, {best(log)}" if risen else ""
            course += "; ln 2 = 0.6931 is what guessing costs" if has_ln2(log) else ""
            course += "; ORPO's loss is mostly that of the chosen text, so it is unlearned" if unlearned else ""
            return Signs(course, 0.9)
    return _gap_in_accuracy(log) or (_other_pairs_than_the_loss(log) if has_ln2(log) else None)


def _gap_in_accuracy(log: Log) -> Signs | None:
    accuracy, held_out = log.values("accuracy"), log.values("eval_accuracy")
    if not accuracy or not held_out or late(log.values("loss") or [0]) > log.bars.loss(STILL_HIGH):
        return None
    own, new = (log.bars.agreement(late(values)) for values in (accuracy, held_out))
    if own - new < GAP or new >= 0.8 or log.bars.agreement(held_out_interval(log)[1]) > own:
        return None
    return Signs(
        f"training accuracy ends at {percent(late(accuracy))}, held-out accuracy at {percent(late(held_out))}",
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
        f"but the accuracy is {percent(accuracy)}: it is that of other pairs, {percent(1 - accuracy)} of them wrong"
        + (f" for a model whose margin is {margin[-1]:.2f}" if margin else ""),
        0.7,
        ("a loss that is not Bradley-Terry", "an accuracy that counts ties as wrong"),
    )


def best(log: Log) -> str:
    """Where the held-out loss was lowest."""
    unit, places = log.positions("eval_loss")
    losses = log.values("eval_loss")
    return f"at {unit} {places[losses.index(min(losses))]:g}"


@rule(
    "RM010",
    "overconfident on held-out pairs",
    PAIRS,
    alternatives=("few held-out pairs", "noisy held-out labels"),
    tell_apart="divide all rewards by 2: if the held-out loss falls, they were too large, not in the wrong order",
    advice="keep the checkpoint with the lowest held-out loss; the order of the answers is as good as before",
    grave=False,
)
def overconfident(log: Log) -> Signs | None:
    """The held-out loss rises from its lowest point, while as many held-out pairs are ranked right as before.

    Accuracy asks for the order alone, the loss also for the size of the margins: with an accuracy a that stands still,
    the loss is lowest where sigma(margin) is a on average, and rises when the margins grow on. Example: held-out loss
    0.58, 0.55, 0.59 at 70 %, 71 % and 71 %.
    """
    loss, accuracy = log.values("eval_loss"), log.values("eval_accuracy")
    if len(loss) < FEWEST_HELD_OUT or overfit_and_overconfident(log):
        return None
    if late(loss) - min(loss) < max(0.02, RISEN * min(loss)):
        return None
    also = ""
    if accuracy:
        at_lowest = accuracy[min(loss.index(min(loss)), len(accuracy) - 1)]
        also = f", while the held-out accuracy is {percent(accuracy[-1])} after {percent(at_lowest)} there"
    evidence = f"the held-out loss ends at {loss[-1]:.4f} after {min(loss):.4f}, its lowest, {best(log)}{also}"
    return Signs(evidence, 0.5)


@rule(
    "RM011",
    "mild overfitting",
    PAIRS,
    alternatives=("held-out pairs that are harder", "a held-out accuracy that is all there is among people"),
    tell_apart="train on half of the pairs: if the held-out values stay the same, more pairs would not help either",
    advice="stop earlier: the rows after the held-out values stand still cost time and bring nothing",
    grave=False,
)
def mild_overfitting(log: Log) -> Signs | None:
    """The training loss goes on falling while the held-out loss or accuracy stands still. Harmless in itself.

    What the model goes on to learn holds of its training pairs only. Example: training loss 0.51 to 0.36 in the third
    epoch, held-out loss 0.547 and 0.545.
    """
    loss, held_out, accuracy = log.values("loss"), log.values("eval_loss"), log.values("eval_accuracy")
    if len(loss) < FEWEST_HELD_OUT or overfit_and_overconfident(log) or late(loss) > 0.9 * loss[len(loss) // 2]:
        return None
    now = f"the training loss goes on falling, from {loss[len(loss) // 2]:.4f} to {late(loss):.4f}"
    if len(held_out) >= FEWEST_HELD_OUT:
        then = held_out[len(held_out) // 2]
        if abs(late(held_out) - then) > STILL * abs(then) or late(held_out) < 1.1 * late(loss):
            return None
        return Signs(f"{now}, while the held-out loss stays flat, from {then:.4f} to {late(held_out):.4f}", 0.45)
    if len(accuracy) < FEWEST_HELD_OUT or accuracy[-1] > accuracy[len(accuracy) // 2 - 1] + STILL:
        return None
    shown = ", ".join(percent(value) for value in accuracy[-FEWEST_HELD_OUT:])
    return Signs(f"{now}, while the held-out accuracy stands still: {shown} at the end", 0.45)


@rule(
    "RM012",
    "training pairs known by heart",
    PAIRS,
    alternatives=("pairs that one feature tells apart, such as length, a phrase or who wrote them", "very easy pairs"),
    tell_apart="hold out a tenth of the pairs: memorised, they are ranked like a coin's; told by a feature, as well",
    advice="hold out pairs and log their accuracy and loss: without them, memorising looks just like learning",
    grave=False,
)
def memorised(log: Log) -> Signs | None:
    """Every training pair is ranked right, from the first rows or for half of the run, and nothing was held out.

    Between people who disagree on one pair in four, no judge is right in 100 %. Example: 100 % in every row from step
    20 on, loss 0.04, margin 7, on 80 pairs. A fault where the loss is under 0.01 in the whole second half: then every
    pair is held for sure, and nothing but more of that was learned.
    """
    accuracy, loss = log.values("accuracy"), log.values("loss")
    if len(accuracy) < FEWEST_POINTS or "eval_accuracy" in log or "eval_loss" in log:
        return None
    second_half = accuracy[len(accuracy) // 2 :]
    if min(second_half) < KNOWN_BY_HEART or (loss and late(loss) > 0.25):
        return None
    since = "in every row" if min(accuracy) >= KNOWN_BY_HEART else "in the second half of the log"
    paid = f", at a loss of {late(loss):.4f}" if loss else ""
    return Signs(
        f"{percent(min(second_half))} or more of the training pairs are ranked right {since}{paid}, and no held-out "
        f"pairs are in the log: as memorised pairs look",
        0.85 if min(accuracy) >= KNOWN_BY_HEART else 0.6,
        grave=bool(loss) and len(loss) >= 2 * FEWEST_POINTS and max(loss[len(loss) // 2 :]) < SURE,
    )
