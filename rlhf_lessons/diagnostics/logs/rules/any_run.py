"""Faults that any run can have, whatever it trains: no numbers, explosions, a step that never reaches the weights."""

import math

import numpy as np

from rlhf_lessons.diagnostics.bars import LN2
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.losses import has_ln2
from rlhf_lessons.diagnostics.logs.names import WHERE
from rlhf_lessons.diagnostics.logs.rule import ANY, LANGUAGE, NO_POLICY, PAIRS, UNKNOWN, Signs, rule
from rlhf_lessons.diagnostics.logs.rules.arithmetic import summed_loss
from rlhf_lessons.diagnostics.logs.rules.reward_model import wrong_way_update
from rlhf_lessons.diagnostics.logs.trends import FEWEST_POINTS, early, late

DIVERGENCE = "divergence"
BESIDE_THE_LOSS = ("grad_norm", "margin", "reward_chosen", "logps_chosen")
WORSE = 1.15
AS_GOOD_AS_0 = 0.01
FEWEST_NORMS = 3
RATES_AFTER_THE_END = 3  # rows: one or two may be the last steps of a schedule that ends at 0
BLOCKS, SURELY = 10, 5  # of the loss; standard errors: the lowest of ten blocks is low by chance too


@rule(
    "RUN001",
    DIVERGENCE,
    NO_POLICY,
    alternatives=("a learning rate too high", "gradients that are not clipped", "a step in the wrong direction"),
    tell_apart="a tenth of the rate cures the first; clipping the gradient's norm to 1 cures the second",
    advice="go back to the last checkpoint before this row, with a third of the learning rate and clipped gradients",
    early=True,
)
def divergence(log: Log) -> Signs | None:
    """A loss that is no longer a number, or that explodes.

    Nothing computed from NaN is a number, so the first one spoils all weights at once, and no later row recovers.
    A loss counts as exploded at twice ln 2 and twice its start. Example: 0.69, 0.55, 0.50, 3.0, 40, 12, 90.
    """
    rows = [value for (value,) in log.series("loss")]
    broken = next((number for number, value in enumerate(rows) if not math.isfinite(value)), None)
    if broken is not None:
        before = f"after {rows[broken - 1]:.4f}" if broken else "from the start"
        evidence = f"the loss is {rows[broken]} in row {broken + 1} of {len(rows)}, {before}"
        return Signs(evidence, 0.98, ("a division or logarithm of 0 in the data",), broken + 1)
    if spoiled := _spoiled(log):
        name, first, count = spoiled
        evidence = f"{name} is NaN from row {first + 1} of {count} on, whatever the loss says"
        return Signs(evidence, 0.97, ("a loss that overflowed in half precision",), first + 1)
    if len(rows) < FEWEST_POINTS or wrong_way_update(log):
        return None
    start = max(LN2, early(rows))
    if min(rows[-max(1, len(rows) // 4) :]) < start or late(rows) < 2 * start:
        return None
    return Signs(
        f"the loss leaps from {early(rows):.4f} to {late(rows):.4f}, with {max(rows):.4g} at its highest",
        0.9,
    )


def _spoiled(log: Log) -> tuple[str, int, int] | None:
    """The metric that ends in two rows of NaN, or in one beside another metric; the first row with it, and how many.

    Trainers print 0 for a loss that is NaN. One NaN alone may be a batch that half precision skipped.
    """
    ends = {}
    for name in BESIDE_THE_LOSS:
        values = [value for (value,) in log.series(name)]
        rows = next((number for number, value in enumerate(reversed(values)) if not math.isnan(value)), len(values))
        if rows:
            ends[name] = (rows, len(values))
    lasting = [name for name, (rows, _) in ends.items() if rows > 1 or len(ends) > 1]
    if not lasting:
        return None
    rows, count = ends[lasting[0]]
    return lasting[0], count - rows, count


@rule(
    "RUN002",
    "nothing is trained",
    NO_POLICY,
    alternatives=("a trainer that does not report the norm, and prints 0 instead",),
    tell_apart="compare the weights before and after ten steps: if one differs, the weights are trained",
    advice="see which parameters have requires_grad, and whether the loss depends on them (no detach, no no_grad)",
    early=True,
)
def gradient_of_zero(log: Log) -> Signs | None:
    """The norm of the gradient is exactly 0 in every row, so no step changes anything.

    A step is the learning rate times the gradient (Adam rescales it, but 0 stays 0). A loss that varies all the same
    varies with the batch. Example: grad_norm 0.0 in 60 rows, loss 0.51, 0.88, 0.51. In one or two rows it is a remark:
    half precision skips the first steps.
    """
    norms = log.values("grad_norm")
    if not norms or any(norms):
        return None
    if len(norms) < FEWEST_NORMS:
        so_far = f"grad_norm is exactly 0 in {'both rows' if len(norms) > 1 else 'the only row'} so far"
        return Signs(f"{so_far}: check now which parameters have requires_grad", 0.5, grave=False)
    loss = log.values("loss")
    moves = f"; the loss goes from {loss[0]:.4f} to {loss[-1]:.4f}, as the batches differ" if loss else ""
    return Signs(f"the gradient is 0: grad_norm is 0.0 in all {len(norms)} rows{moves}", 0.97)


@rule(
    "RUN003",
    "unstable at this rate",
    PAIRS,
    alternatives=("batches of one or two pairs", "wrong labels that the model is sure about"),
    tell_apart="a third of the rate calms the first; four times the batch size the second, and the third stays",
    advice="lower the learning rate to a third, clip gradients to 1, and take larger batches",
)
def unstable(log: Log) -> Signs | None:
    """A loss that leaps between nearly 0 and far over ln 2, and on average is no better than a guess.

    Saying nothing costs ln 2 a pair. A mean over that means that the model is sure and wrong more than it is sure and
    right: its rewards are thrown about faster than they are learned. Example: loss 0.02, 3.9, 0.6, 1.8, margins 4,
    -3.5, 1.5, -0.6. Or a loss that was well under ln 2 and has come back to it.
    """
    loss = log.values("loss")
    if len(loss) < 2 * FEWEST_POINTS or not has_ln2(log):
        return None
    if wrong_way_update(log) or summed_loss(log) or divergence(log):
        return None
    half = np.asarray(loss[len(loss) // 2 :])
    error = float(half.std(ddof=1)) / math.sqrt(len(half))
    margins = log.values("margin")
    if half.mean() - 2 * error > WORSE * LN2 or (half.mean() > LN2 and half.std(ddof=1) > LN2):
        swings = f", and the margin between {min(margins):.3g} and {max(margins):.3g}" if margins else ""
        evidence = f"the loss leaps between {half.min():.4f} and {half.max():.4f}{swings}; its mean over the last "
        evidence += f"{len(half)} rows is {half.mean():.4f}, over ln 2 = 0.6931, what saying nothing costs"
    elif came_back := _came_back(loss):
        evidence = came_back
    else:
        return None
    rates = log.values("learning_rate")
    evidence += f"; the learning rate is up to {max(rates):.3g}" if rates else ""
    return Signs(evidence, 0.92)


def _came_back(loss: list[float]) -> str:
    """A loss whose tenths had surely come down, and whose last tenth is at ln 2 again."""
    blocks = [block for block in np.array_split(np.asarray(loss), BLOCKS) if len(block) >= FEWEST_POINTS]
    if not blocks:
        return ""
    lowest = min(blocks, key=np.mean)
    apart = float(blocks[-1].mean() - lowest.mean())
    error = math.hypot(*(float(block.std(ddof=1)) / math.sqrt(len(block)) for block in (lowest, blocks[-1])))
    if lowest.mean() > 0.8 * LN2 or blocks[-1].mean() < 0.95 * LN2 or apart < SURELY * error:
        return ""
    return f"the loss had come down to {lowest.mean():.4f} and swings back to {blocks[-1].mean():.4f}, a guess's ln 2"


@rule(
    "RUN004",
    "a value that is no number",
    NO_POLICY,
    alternatives=("a step that half precision skipped", "a held-out batch without a single token to predict"),
    tell_apart="the next row: a skipped step leaves numbers behind it, a NaN in the weights does not",
    advice="look at the next row before anything else; if it is NaN too, go back to the last checkpoint",
    grave=False,
    early=True,
)
def ends_without_a_number(log: Log) -> Signs | None:
    """The last value of one metric is NaN or infinite, while the loss is a number: see RUN001 for more than that.

    Example: loss 0.0 beside grad_norm nan in the first row of a run, or a held-out loss of nan.
    """
    if divergence.check(log) or nan_as_zero.check(log):
        return None
    for name in ("eval_loss", *BESIDE_THE_LOSS):
        values = [value for (value,) in log.series(name)]
        if values and not math.isfinite(values[-1]):
            where = "the only row" if len(values) == 1 else f"the last of {len(values)} rows"
            printed = "; a loss of 0 beside it is how trainers print NaN" if log.values("loss")[-1:] == [0] else ""
            return Signs(f"{name} is {values[-1]} in {where}{printed}: check now whether the next row has numbers", 0.6)
    return None


@rule(
    "RUN005",
    "learning rate of 0",
    ANY,
    alternatives=("a rate that is printed with too few decimals", "a schedule that was told too few steps"),
    tell_apart="print the rate in full, and compare the steps of the schedule with those of the run",
    advice="set the rate, and give the schedule as many steps as the run has",
    grave=False,
    early=True,
)
def rate_of_zero(log: Log) -> Signs | None:
    """The learning rate is exactly 0, so that no step changes a weight.

    It may be so in the first step of a warm-up and at the end of a schedule. Example: 0.0 in all of the first five
    rows; or 1e-6 down to 0.0 at half of the run, and 0.0 ever after.
    """
    rates, steps = log.values("learning_rate"), log.values("step")
    still = next((count for count, rate in enumerate(reversed(rates)) if rate), len(rates))
    never = still == len(rates) and (still > 1 or max(steps, default=0) > 1)
    if not still or not (never or RATES_AFTER_THE_END <= still < len(rates)):
        return None
    where = f"{'the only row' if still == 1 else f'all {still} rows'}" if never else f"the last {still} rows"
    return Signs(
        f"the learning rate is exactly 0 in {where}, so these steps change nothing: check now its schedule", 0.6
    )


@rule(
    "RUN006",
    "NaN that is printed as 0",
    NO_POLICY,
    alternatives=("labels that are masked at every token, in training too", "a loss that is printed with few decimals"),
    tell_apart="print the loss of one batch before the step, in full, and count its labels that are not -100",
    advice="train in bfloat16 or float32, and look for a batch without a single label",
    early=True,
)
def nan_as_zero(log: Log) -> Signs | None:
    """A training loss of 0 that cannot be one: beside a held-out loss of NaN, or in every row of a language model.

    Some trainers print 0 for a loss that is NaN; no model predicts every token for sure. A mean under 0.01 over a whole
    run, as a trainer's closing summary has it, counts as 0 beside NaN. A remark where nothing says what was trained.
    Example: loss 0.0 in all rows, held-out loss nan.
    """
    loss, held_out = log.values("loss"), [value for (value,) in log.series("eval_loss")]
    ends = bool(held_out) and math.isnan(held_out[-1])
    if ends and loss and loss[-1] < AS_GOOD_AS_0:
        return Signs(f"the loss ends at {loss[-1]:.4g}, and the held-out loss is NaN", 0.95)
    if log.kind not in LANGUAGE | UNKNOWN or len(loss) < 2 or any(loss):
        return None
    return Signs(f"the loss is exactly 0 in all {len(loss)} rows", 0.9, grave=log.kind in LANGUAGE)


@rule(
    "RUN007",
    "where the numbers end",
    NO_POLICY,
    advice="load a checkpoint from before this place; a later one holds weights that are no numbers",
    grave=False,
    early=True,
)
def numbers_end(log: Log) -> Signs | None:
    """The step, or epoch, from which on a metric is NaN or infinite, to the end of the log (see RUN001).

    Example: loss 2.91 at step 740 and nan from step 750 on.
    """
    for name in ("loss", *BESIDE_THE_LOSS) if divergence.check(log) else ():
        for unit in reversed(WHERE):
            rows = log.series(unit, name)
            after = next((count for count, row in enumerate(reversed(rows)) if math.isfinite(row[1])), len(rows))
            if 0 < after < len(rows) == len(log.series(name)):
                (where, last), lost = rows[-after - 1], rows[-after][0]
                return Signs(
                    f"{name} is {last:.4g} at {unit} {where:.10g}, and no number from {unit} {lost:.10g} on", 0.5
                )
    return None
