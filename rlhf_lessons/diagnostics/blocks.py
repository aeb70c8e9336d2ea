"""The curves that a verdict rests on, as a line of blocks each: for a terminal."""

from collections.abc import Sequence

import numpy as np
from rich.table import Table
from rich.text import Text

from rlhf_lessons.diagnostics.logs.curves import Panel

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 30


def table(panels: Sequence[Panel]) -> Table:
    """One row a curve: its printed name, first value, course, last value."""
    rows = Table("", "first", "", "last", title="What the verdict rests on", title_justify="left", box=None)
    rows.columns[0].overflow = "fold"
    for end in (1, 3):
        rows.columns[end].justify, rows.columns[end].no_wrap = "right", True
    rows.columns[2].min_width = WIDTH
    for panel in panels:
        for curve in panel.curves:
            first, last = (f"{curve.values[end]:.4g}" for end in (0, -1))
            rows.add_row(Text(curve.printed), first, line(curve.values), last)
    return rows


def line(values: Sequence[float], width: int = WIDTH) -> str:
    """At most `width` blocks, the lowest for the lowest value: the mean of each stretch of the values."""
    means = [some.mean() for some in np.array_split(np.asarray(values), min(width, len(values)))]
    low, high = min(means), max(means)
    if high == low:
        return BLOCKS[0] * len(means)
    return "".join(BLOCKS[round((mean - low) / (high - low) * (len(BLOCKS) - 1))] for mean in means)
