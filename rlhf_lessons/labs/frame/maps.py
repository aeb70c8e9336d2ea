"""A map for the background: one measure of a reward head, over the number of pairs (x) and the learning rate (y)."""

from collections.abc import Sequence

from matplotlib import patheffects
from matplotlib.axes import Axes
from torch import Tensor

# Colour map and its two ends for each measure. Dark is good: high accuracy, low loss. Heads on a frozen body
# reach from one end to the other.
COLOURS = {"accuracy": ("cividis_r", 0.5, 0.85), "nll": ("cividis", 0.25, 1.2)}
# The values at which a line is drawn; they lie closer together where most of a map lies.
LINES = {
    "accuracy": (0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.82, 0.9),
    "nll": (0.32, 0.4, 0.5, 0.69, 1, 2, 4, 8, 30, 100, 300),
}
HALO: list[patheffects.AbstractPathEffect] = [patheffects.withStroke(linewidth=2, foreground="white")]


def paint_map(ax: Axes, metric: str, sizes: Sequence[int], rates: Sequence[float], values: Tensor) -> None:
    """Paint `values` (rates, sizes) as colours, with lines of equal value and the value written on each line."""
    colours, low, high = COLOURS[metric]
    cells = values.numpy()
    ax.pcolormesh(sizes, rates, cells, cmap=colours, vmin=low, vmax=high, shading="gouraud", rasterized=True)
    levels = [level for level in LINES[metric] if cells.min() < level < cells.max()]
    if levels:
        lines = ax.contour(sizes, rates, cells, levels=levels, colors="black", linewidths=0.8)
        for text in ax.clabel(lines, fontsize=8, fmt=_short):
            text.set_path_effects(HALO)


def _short(value: float) -> str:
    return f"{value:.2g}" if value < 1 else f"{value:g}"
