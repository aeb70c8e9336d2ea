"""The tokens of one answer as coloured strips: what PPO gives each of them, and what an update did to it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from rlhf_lessons.plots.style import GREY, SMALL, WIDTH, Picture

A_LINE = 9  # tokens side by side
LEFT, CELL = 0.95, 0.93  # inches: the names of the strips, and one token
ROW = 0.3  # inches
# From less to more, with white between: apart in lightness of red and in hue for every eye, and each cell has its sign.
CHANGE = LinearSegmentedColormap.from_list("change", ["#A8123E", "#FFFFFF", "#4A6580"])


def token_strip(table: pd.DataFrame, strips: Sequence[str], clip_range: float | None = None) -> Picture:
    """The answer's tokens in lines, and under each a cell of every strip, coloured by how far it is from nothing.

    table: of `token_table`, one row a token. strips: columns of it; nothing is 1 for the ratio and 0 for the others.
    clip_range: with it, a ratio whose advantage earns nothing more (`counts` under `plain`) is framed and named.
    """
    lines = -(-len(table) // A_LINE)
    clipped = _clipped(table) if clip_range is not None else np.zeros(len(table), dtype=bool)
    figure = Picture(_alt(table, strips, clip_range, clipped), (WIDTH, ROW * lines * (len(strips) + 1.6) + 0.35))
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, WIDTH), ylim=(figure.get_figheight() / ROW, 0))
    ax.set_axis_off()
    ends = {name: max(abs(_away(table[name], name)).max(), 1e-9) for name in strips}
    for number, (_, token) in enumerate(table.iterrows()):
        line, place = divmod(number, A_LINE)
        x, top = LEFT + place * CELL, 0.3 + line * (len(strips) + 1.6)
        ax.text(x + CELL / 2, top + 0.5, token.token, ha="center", va="center", fontsize=SMALL + 1, fontweight="bold")
        for row, name in enumerate(strips, start=1):
            if place == 0:
                ax.text(0.08, top + row + 0.5, name, va="center", fontsize=SMALL)
            _cell(ax, x, top + row, token[name], name, ends[name], bool(clipped[number]) and name == "ratio")
    words = "slate: more, red: less"
    if clip_range is not None:
        low, high = 1 - clip_range, 1 + clip_range
        words += f"; framed: clipped, out of {low:g} to {high:g} on the side of its advantage, and no gradient pulls on"
    ax.text(LEFT, ax.get_ylim()[0] - 0.6, words, va="center", fontsize=SMALL, color=GREY)
    return figure.over(table.round(3))


def _cell(ax: Axes, x: float, y: float, value: float, name: str, end: float, framed: bool) -> None:
    away = float(_away(value, name)) / end
    red, green, blue, _ = CHANGE(0.5 + away / 2)
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.6
    cell = Rectangle((x + 0.03, y + 0.04), CELL - 0.06, 0.92, facecolor=(red, green, blue), edgecolor="white")
    if framed:
        cell.set(edgecolor="black", linewidth=2.5, zorder=3)
    ax.add_patch(cell)
    sign = "" if abs(away) < 0.005 else "▲ " if away > 0 else "▼ "
    text = f"{value:.2f}" if name == "ratio" else f"{value:+z.2f}"
    ax.text(
        x + CELL / 2, y + 0.5, f"{sign}{text}", ha="center", va="center", fontsize=SMALL, zorder=4,
        color="white" if dark else "black",
    )  # fmt: skip


def _away(values: pd.Series | float, name: str) -> np.ndarray:
    """How far values are from nothing: the logarithm of a ratio, others as they are."""
    return np.log(np.asarray(values, dtype=float)) if name == "ratio" else np.asarray(values, dtype=float)


def _clipped(table: pd.DataFrame) -> np.ndarray:
    return (table["counts"] < table["plain"]).to_numpy()


def _alt(table: pd.DataFrame, strips: Sequence[str], clip_range: float | None, clipped: np.ndarray) -> str:
    said = "; ".join(
        f"{token.token}: " + ", ".join(f"{name} {token[name]:z.2f}" for name in strips) for _, token in table.iterrows()
    )
    tail = f" Clipped at {clip_range:g}: {int(clipped.sum())} of {len(table)}." if clip_range is not None else ""
    return f"An answer token by token. {said}.{tail}"
