"""Named values as bars left and right of zero, because a canvas can move lines but not bars."""

from collections.abc import Mapping

from matplotlib.axes import Axes

from rlhf_lessons.labs.frame.canvas import POINTS_A_PIXEL, Canvas
from rlhf_lessons.plots.style import look

MOST = 4  # of the highest values, and as many of the lowest


def draw_word_bars(canvas: Canvas, panel: int, title: str, x: str, values: Mapping[str, float]) -> None:
    """The first and last of `values` (word -> value, the highest first), each with its word across the zero line."""
    items = list(values.items())
    shown = items if len(items) <= 2 * MOST else items[:MOST] + items[-MOST:]
    reach = 1.05 * max([abs(value) for _, value in shown], default=1.0)

    def paint(ax: Axes) -> None:
        ax.set_yticks([])
        pixels, dark = POINTS_A_PIXEL * canvas.screen.scale, canvas.screen.dark
        colours = [look("chosen" if value > 0 else "rejected", dark)["color"] for _, value in shown]
        ax.hlines([-n for n in range(len(shown))], 0, [value for _, value in shown], colours, linewidth=9 * pixels)
        for n, (word, value) in enumerate(shown):
            side, at = ("right", -0.02 * reach) if value > 0 else ("left", 0.02 * reach)
            ax.text(at, -n, word, ha=side, va="center", color=canvas.theme.ink, fontsize=12 * pixels)

    canvas.axis(panel, title, x, "", (-reach, reach), (0.4 - 2 * MOST, 0.6))
    canvas.backdrop(panel, tuple(shown), paint)
