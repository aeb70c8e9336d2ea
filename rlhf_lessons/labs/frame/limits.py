"""Round limits of an axis."""

import math
from collections.abc import Iterable

from matplotlib.ticker import MaxNLocator

EDGE = 0.03  # share of the height left free above and below, so that no curve hides on the frame
FLAT = 1e-3  # values that differ by less are drawn as a flat line, not as hills on an axis of 1e-7


def limits(values: Iterable[float]) -> tuple[float, float]:
    """Round limits around all finite values, with `EDGE` left free on both sides."""
    edges = MaxNLocator(nbins=4).tick_values(*span(values))
    free = EDGE * (edges[-1] - edges[0])
    return float(edges[0] - free), float(edges[-1] + free)


def span(values: Iterable[float]) -> tuple[float, float]:
    """The smallest and the largest of the finite values, and 0.05 more on both sides if they hardly differ."""
    known = [float(value) for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    return (low - 0.05, high + 0.05) if high - low < FLAT else (low, high)
