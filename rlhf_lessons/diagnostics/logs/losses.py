"""Which loss a run on pairs was trained with: by its name, or by what its values and its margins have in common."""

import math
import re

import numpy as np

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
REFERENCE_FREE = ("simpo", "cpo", "orpo")
USUAL_BETAS = (0.01, 0.02, 0.05, 0.1, 0.2, 1.0)
SMALL, CLOSE = 0.1, 0.05
FAR_FROM_0, SAME = 0.01, 0.01  # of a reward that is printed with four decimals; of a ratio in half precision


def loss_of(log: Log) -> str:
    """The loss: "sigmoid" (-log sigma of a margin), "hinge", "ipo", "kto", "orpo" or another that was named."""
    if log.kind in ("orpo", "kto"):
        return log.kind
    words = {*re.split("[_ ]", plain(log.reading.run)), *log.reading.words}
    named = [loss for word, loss in NAMED.items() if word in words]
    if named:
        return named[0]
    if is_simpo(log):
        return "simpo"
    return next((loss for loss, fits in (("hinge", is_hinge(log)), ("ipo", is_ipo(log))) if fits), SIGMOID)


def has_ln2(log: Log) -> bool:
    """Whether a guess costs ln 2 under this run's loss."""
    return log.kind in ("reward_model", "dpo") and loss_of(log) == SIGMOID


def has_reference(log: Log) -> bool:
    """Whether its rewards are measured from a reference, so that 0 is where the policy starts."""
    return log.kind in ("dpo", "kto") and loss_of(log) not in REFERENCE_FREE


def rows_with_margin(log: Log) -> list[tuple[float, float]]:
    """Loss and margin of the training rows, else of the held-out rows, that have both."""
    rows = log.finite("loss", "margin") or log.finite("eval_loss", "eval_margin")
    return [(loss, margin) for loss, margin in rows]


def _at_margin_0(log: Log) -> float:
    """The loss of the first row if its margin is near 0; 0 where it is not, or no reference to start from."""
    for prefix in ("", "eval_") if log.kind == "dpo" else ():
        loss, margin = log.arrays(f"{prefix}loss", f"{prefix}margin")
        if len(loss):
            return float(loss[0]) if abs(margin[0]) < SMALL else 0.0
    return 0.0


def is_hinge(log: Log) -> bool:
    """Whether the loss max(0, 1 - margin) would start where this one does: at 1, where ln 2 is .693."""
    return math.isclose(_at_margin_0(log), 1, rel_tol=CLOSE)


def is_ipo(log: Log) -> bool:
    """Whether the loss starts at 1 / (4 beta^2) for a usual beta, which for none of them is near ln 2.

    IPO's loss is (margin / beta - 1 / (2 beta))^2, lowest at a margin of 1/2.
    """
    return any(math.isclose(_at_margin_0(log), 1 / (4 * beta**2), rel_tol=CLOSE) for beta in USUAL_BETAS)


def is_simpo(log: Log) -> bool:
    """Whether the rewards are the log-probabilities themselves times beta, as SimPO and CPO have them: no reference.

    Measured from a reference, a reward changes and the log-probability that it is compared with does not.
    """
    for prefix in ("", "eval_"):
        slopes = []
        for side in ("chosen", "rejected"):
            rewards, logps = log.arrays(f"{prefix}reward_{side}", f"{prefix}logps_{side}")
            if len(rewards) < 2 or np.abs(rewards).min() < FAR_FROM_0 or np.abs(logps).min() == 0:
                break
            slopes += (rewards / logps).tolist()
        else:
            middle = float(np.median(slopes))
            if middle > 0 and np.ptp(slopes) < 2 * SAME * middle:
                return True
    return False
