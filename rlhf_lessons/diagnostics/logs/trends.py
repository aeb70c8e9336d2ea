"""What is asked of each curve of a log: where it starts and ends, and is it a trend or chance?"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

BLOCKS = 20
FEWEST_POINTS = 4
FEW_POINTS = 6
STEADY_T = 5.0


def early(values: Sequence[float]) -> float:
    """The mean of the first one to five values, at most a tenth of them: most curves move fast at first."""
    return float(np.mean(values[: min(5, max(1, len(values) // 10))]))


def late(values: Sequence[float]) -> float:
    """The mean of the last quarter, at least of the last value."""
    return float(np.mean(values[-max(1, len(values) // 4) :]))


def change(values: Sequence[float]) -> float:
    """How far a curve goes, from `early` to `late`."""
    return late(values) - early(values)


def steady_trend(values: Sequence[float]) -> int:
    """+1 for a steady rise, -1 for a steady fall, 0 for neither.

    The curve is averaged in at most 20 blocks, so that the noise of single batches does not count. Then Spearman's
    rank correlation of the blocks with time is tested (t above 5; with fewer than six blocks, each step must go the
    same way). By rank, a straight rise and an explosion are the same.
    """
    if len(values) < FEWEST_POINTS:
        return 0
    blocks = [block.mean() for block in np.array_split(np.asarray(values), min(BLOCKS, len(values)))]
    if np.ptp(blocks) == 0:
        return 0
    n = len(blocks)
    # scipy.stats has this too, but takes longer to import than all else that the log reader needs.
    rho = float(pd.DataFrame({"time": range(n), "block": blocks}).corr("spearman").to_numpy()[0, 1])
    if n < FEW_POINTS:
        steady = abs(rho) > 0.999
    else:
        steady = abs(rho) * math.sqrt((n - 2) / max(1 - rho * rho, 1e-12)) > STEADY_T
    return int(math.copysign(1, rho)) if steady else 0
