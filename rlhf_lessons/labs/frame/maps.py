"""A map for the background: the loss of a reward head, over the number of pairs (x) and the learning rate (y)."""

from collections.abc import Sequence

from matplotlib import patheffects
from matplotlib.axes import Axes
from torch import Tensor

# Dark is good. Heads on a frozen body reach from one end to the other.
COLOURS, LOW, HIGH = "cividis", 0.25, 1.2
# The losses at which a line is drawn; they lie closer together where most of a map lies.
LINES = (0.32, 0.4, 0.5, 0.69, 1, 2, 4, 8, 30, 100, 300)
LOWEST_WITH_TEXT = 0.9  # inches; on a lower map the texts on the lines would cover one another
HALO: list[patheffects.AbstractPathEffect] = [patheffects.withStroke(linewidth=2, foreground="white")]


def paint_map(ax: Axes, sizes: Sequence[int], rates: Sequence[float], losses: Tensor) -> None:
    """Paint `losses` (rates, sizes) as colours, with lines of equal loss, named where there is room."""
    cells = losses.numpy()
    ax.pcolormesh(sizes, rates, cells, cmap=COLOURS, vmin=LOW, vmax=HIGH, shading="gouraud", rasterized=True)
    levels = [level for level in LINES if cells.min() < level < cells.max()]
    if not levels:
        return
    lines = ax.contour(sizes, rates, cells, levels=levels, colors="black", linewidths=0.8)
    if ax.bbox.height / ax.figure.dpi > LOWEST_WITH_TEXT:
        for text in ax.clabel(lines, fontsize=ax.xaxis.label.get_fontsize(), fmt=_short):
            text.set_path_effects(HALO)


def _short(value: float) -> str:
    return f"{value:.2g}" if value < 1 else f"{value:g}"
