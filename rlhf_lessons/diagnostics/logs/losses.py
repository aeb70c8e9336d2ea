"""Which loss a run on pairs was trained with: by its name, or by what its values and its margins have in common."""

import math
import re

from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.names import plain

SIGMOID = "sigmoid"
NAMED = {
    "hinge": "hinge",
    "slic": "hinge",
    "ipo": "ipo",
    "kto": "kto",
    "orpo": "orpo",
    "simpo": "simpo",
    "cpo": "cpo",
    "robust": "robust",
    "sigmoid": SIGMOID,
}
USUAL_BETAS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
FEWEST = 3


def loss_of(log: Log) -> str:
    """The loss: "sigmoid" (-log sigma of a margin), "hinge", "ipo", "kto", "orpo" or another that was named."""
    if log.kind in ("orpo", "kto"):
        return log.kind
    words = {*re.split("[_ ]", plain(log.reading.run)), *log.reading.words}
    named = [loss for word, loss in NAMED.items() if word in words]
    if named:
        return named[0]
    return next((loss for loss, fits in (("hinge", is_hinge(log)), ("ipo", is_ipo(log))) if fits), SIGMOID)


def has_ln2(log: Log) -> bool:
    """Whether a guess costs ln 2 under this run's loss."""
    return log.kind in ("reward_model", "dpo") and loss_of(log) == SIGMOID


def rows_with_margin(log: Log) -> list[tuple[float, float]]:
    """Loss and margin of the training rows, else of the held-out rows, that have both."""
    rows = log.finite("loss", "margin") or log.finite("eval_loss", "eval_margin")
    return [(loss, margin) for loss, margin in rows]


def is_hinge(log: Log) -> bool:
    """Whether the loss is 1 - margin, as it is where no margin has passed 1: 1 at the reference, where ln 2 is .693."""
    rows = [(loss, margin) for loss, margin in rows_with_margin(log) if abs(margin) < 0.5]
    near = [abs(loss - (1 - margin)) < 0.05 for loss, margin in rows]
    return len(near) >= FEWEST and sum(near) > 0.8 * len(near)


def is_ipo(log: Log) -> bool:
    """Whether the loss starts at 1 / (4 beta^2) for a usual beta, which for none of them is near ln 2.

    IPO's loss is (margin / beta - 1 / (2 beta))^2, lowest at a margin of 1/2.
    """
    rows = rows_with_margin(log)
    if not rows or abs(rows[0][1]) > 0.5:
        return False
    betas = [beta for beta in USUAL_BETAS if math.isclose(rows[0][0], ((rows[0][1] - 0.5) / beta) ** 2, rel_tol=0.03)]
    return bool(betas) and max(margin for _, margin in rows) < 1
