"""What an accuracy can and cannot be: a share between 0 and 1, and over a coin's."""

import numpy as np

from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.names import AS_PRINTED
from rlhf_lessons.diagnostics.logs.rule import PAIRS, Signs, rule
from rlhf_lessons.diagnostics.logs.trends import FEWEST_POINTS


@rule(
    "LOG005",
    "accuracy that is a sum",
    PAIRS,
    tell_apart="divide each value by its row's number, or by the pairs counted so far: shares then lie between 0 and 1",
    advice="divide the number of right pairs by the number of pairs; the losses and margins of the log still hold",
    early=True,
)
def summed_accuracy(log: Log) -> Signs | None:
    """Accuracies over 1 that are no percentages: right pairs were counted and never divided.

    A share of pairs lies between 0 and 1, or 0 and 100 in percent. Example: 0, 1, 2, 3 in four rows of one pair each
    count up by one a row.
    """
    for prefix in ("", "eval_"):
        values = log.values(f"{prefix}{AS_PRINTED}")
        whole = all(value == round(value) for value in values)
        counts_up = len(values) > 2 and bool(np.all(np.diff(values) >= 0)) and values[-1] > values[0]
        no_share = f"{prefix}accuracy" not in log
        if not values or not (no_share or max(values) > 100 or (whole and counts_up)):
            continue
        course = ", ".join(f"{value:g}" for value in values[:5])
        grows = ", and only ever goes up" if counts_up else ""
        return Signs(f"the accuracy is {course}{grows}: a sum that was never divided, not a share", 0.9)
    return None


@rule(
    "LOG007",
    "accuracy of exactly 0",
    PAIRS,
    alternatives=(
        "chosen and rejected the wrong way round, in the data or in the metric",
        "a metric that is never filled in, or counts ties as wrong",
        "a base model that prefers every rejected answer, and far too little training",
    ),
    tell_apart="swap chosen and rejected in ten pairs: the first turns to 100 %, the second stays 0",
    advice="read ten pairs and their margins by hand before anything else",
)
def accuracy_of_zero(log: Log) -> Signs | None:
    """Not one pair is ranked right in any row: a coin would do better, and does so in half of the pairs.

    With one pair a row a coin is wrong in ten rows with probability 1/1024. Example: accuracy 0.0 in ten rows with a
    margin of -0.02.
    """
    for prefix in ("", "eval_"):
        values, margins = log.values(f"{prefix}accuracy"), log.values(f"{prefix}margin")
        if len(values) < FEWEST_POINTS or any(values) or (margins and not any(margins)):
            continue
        also = f", and the margin goes from {margins[0]:.4g} to {margins[-1]:.4g}" if margins else ""
        return Signs(
            f"the accuracy is 0 % in all {len(values)} rows, worse than a coin, whose chance of that is at most "
            f"{0.5 ** len(values):.2g}{also}",
            0.92 if len(values) > 5 else 0.7,
        )
    return None
