"""What the log of a language model's training shows (pretraining, SFT): chance level, and overfitting."""

import math

from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.policy_curves import ENOUGH_ROWS, row_noise, smooth
from rlhf_lessons.diagnostics.logs.rule import LANGUAGE, UNKNOWN, Signs, rule
from rlhf_lessons.diagnostics.logs.rules.any_run import divergence
from rlhf_lessons.diagnostics.logs.trends import FEWEST_POINTS, change, early, late, steady_trend
from rlhf_lessons.diagnostics.logs.wording import percent

SMALLEST_VOCABULARY = 27  # letters and a blank
LARGEST_VOCABULARY = 2**18  # tokens, of the models that are published
WORSE = 0.05  # nats a token: 5 % more perplexity


@rule(
    "LM001",
    "chance-level loss",
    LANGUAGE,
    alternatives=("a learning rate too small", "a trained model that had levelled off before the log begins"),
    tell_apart="look at the loss of the first batch: a trained model starts far under the logarithm of its vocabulary",
    advice="train on ten sequences until they are known by heart; if that fails, the fault is in the code",
)
def language_chance_level(log: Log) -> Signs | None:
    """A next-token loss that never leaves ln V, the cost of guessing among V tokens.

    ln 32,000 = 10.4, ln 151,936 = 11.9, ln 27 = 3.3. Where the log states no vocabulary, a flat loss under ln 27 is
    that of no guess: a trained model has such a loss. Nor is it said of a log that begins in the middle of a run.
    Example: 10.38 in all rows, of a model with 32,000 tokens.
    """
    loss, vocabulary = log.values("loss"), log.values("vocab_size")
    mean = sum(loss) / max(len(loss), 1)
    if len(loss) < FEWEST_POINTS or steady_trend(loss) or abs(change(loss)) > 0.03 * mean or mean > 20:
        return None
    steps = log.values("step")
    if divergence.check(log) or (not vocabulary and steps and steps[0] > steps[-1] - steps[0]):
        return None
    size = vocabulary[-1] if vocabulary and vocabulary[-1] > 1 else float(f"{math.exp(mean):.1g}")
    if (not vocabulary and size < SMALLEST_VOCABULARY) or abs(mean - math.log(size)) > 0.05 * mean:
        return None
    source = "this vocabulary" if vocabulary else "a vocabulary of about that size"
    return Signs(
        f"the loss starts at {loss[0]:.4f} and ends at {loss[-1]:.4f}; guessing among {size:,.0f} tokens "
        f"costs ln {size:.0f} = {math.log(size):.4f}, so of {source} nothing was learned",
        0.95 if vocabulary else 0.7,
    )


@rule(
    "LM002",
    "overfit",
    LANGUAGE | UNKNOWN,
    alternatives=("held-out text of another kind than the training text",),
    tell_apart="hold out a part of the training text itself: if its loss rises too, the model learns by heart",
    advice="stop at the best evaluation, train for fewer epochs or on more text, at a lower rate or with fewer weights",
)
def language_overfit(log: Log) -> Signs | None:
    """The held-out loss rises while the training loss falls: what is learned now is the training text itself.

    A rise of 0.05 nats a token over the lowest evaluation counts, which is e^0.05 = 5 % more perplexity. Example:
    held-out loss 1.42, 1.31, 1.38, 1.55 while training falls from 1.4 to 0.3: the second evaluation was the best.
    """
    loss, held_out = log.values("loss"), log.values("eval_loss")
    if len(held_out) < 2 or not loss or late(loss) >= early(loss):
        return None
    best = min(held_out)
    unit, places = log.positions("eval_loss")
    if held_out[-1] - best < WORSE or late(loss) > best:
        return None
    ratio = percent(math.exp(min(held_out[-1] - best, 50.0)) - 1)
    return Signs(
        f"the held-out loss is lowest, {best:.4g}, at {unit} {places[held_out.index(best)]:g} and ends at "
        f"{held_out[-1]:.4g} ({ratio} more perplexity), while the training loss falls from {early(loss):.4g} to "
        f"{late(loss):.4g}: overfit, learned by heart",
        0.9,
        step=places[held_out.index(best)],
        place=unit,
    )


@rule(
    "LM003",
    "unstable at this rate",
    LANGUAGE,
    alternatives=(
        "a loss that is summed over accumulation steps, not averaged",
        "harder data in one place",
    ),
    tell_apart="a third of the rate calms the first; a sum is a whole multiple of the loss without accumulation",
    advice="go back to the start with a third of the learning rate, a warm-up and gradients clipped to 1",
)
def language_unstable(log: Log) -> Signs | None:
    """The loss of a language model diverges: it climbs far over its start, or over what guessing costs.

    Guessing among V tokens costs ln V, and 262,144 tokens are the most that published models have: ln V = 12.5. Sick if
    a tenth of the rows is over that, or if a mean of five rows is 30 % over the first row and three standard deviations
    of single rows (seven of such a mean, whose noise is 0.45 of one). Example: 1.9, then 4.2 at its height, 2.6.
    """
    loss, means = log.values("loss"), smooth(log, "loss").tolist()
    if len(loss) < ENOUGH_ROWS:
        return None
    guess, height = math.log(LARGEST_VOCABULARY), max(means)
    over = sum(value > guess for value in loss)
    course = f"the loss starts at {loss[0]:.4g}, is {max(loss):.4g} at its height and ends at {loss[-1]:.4g}"
    if over >= len(loss) / 10:
        return Signs(f"{course}; in {over} rows it diverges over ln 262,144 = {guess:.4g}, a guess's cost", 0.9)
    if height > 1.3 * loss[0] and height - loss[0] > 3 * row_noise(loss):
        return Signs(f"{course}: it diverges, as steps that are too long make it", 0.88)
    return None
