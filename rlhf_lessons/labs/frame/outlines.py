"""Histograms as lines, which a canvas can move."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from rlhf_lessons.plots.style import GREY


def outline(edges: Sequence[float], heights: Sequence[float]) -> tuple[list[float], list[float]]:
    """Bars between `edges` as the x and y of their outline."""
    return np.repeat(edges, 2).tolist(), [0.0, *np.repeat(heights, 2).tolist(), 0.0]


def mark_zero(ax: Axes) -> None:
    """A grey vertical line at 0."""
    ax.axvline(0, color=GREY, linewidth=1, linestyle=":")
