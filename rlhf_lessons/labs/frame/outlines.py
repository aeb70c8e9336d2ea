"""Histograms as outlines, because a canvas can move lines but not bars."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from rlhf_lessons.plots.style import GREY


def outline(edges: ArrayLike, heights: ArrayLike) -> tuple[list[float], list[float]]:
    """The x and y of the outline around N bars: `edges` (N + 1,) and `heights` (N,)."""
    return np.repeat(edges, 2).tolist(), [0.0, *np.repeat(heights, 2).tolist(), 0.0]


def mark_zero(ax: Axes) -> None:
    """A grey vertical line at 0."""
    ax.axvline(0, color=GREY, linewidth=1, linestyle=":")
