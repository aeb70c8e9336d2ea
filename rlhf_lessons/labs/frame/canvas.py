"""One picture that lives as long as its lab: curves move on a kept background, so a slider stays smooth.

Drawing axes and their texts takes most of the time of a figure. They are drawn once and kept; a new result
only moves its curves over them (blitting), unless limits, texts or the set of curves change.
"""

import io
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from PIL import Image

from rlhf_lessons.labs.frame.limits import limits, span
from rlhf_lessons.plots.style import DPI, GREY, Picture, style

# All in inches. Margins are fixed: laying out anew for each result would take half of the time.
PANEL_WIDTH, PANEL_HEIGHT = 3.5, 3.1
LEFT, RIGHT, BOTTOM, TOP = 0.85, 0.15, 0.95, 0.3
HEADROOM = 0.4  # of the height, on the side where the values left the old limits
WHITE = 255
REMEMBERED = 8  # backgrounds of each panel, so that going back to what was seen before is quick; about 0.4 MB each
POINTS = {"linestyle": "none", "markersize": 8, "markeredgecolor": "white"}  # the edge parts them from maps and lines
BELOW = (0.5, -0.2)  # a legend there never covers a curve that moves


class Canvas(Picture):
    """A picture of `panels` axes side by side. A draw function names all it wants to see, each time anew.

    Between `begin()` and `render()` call `axis`, `curve`, `level` and `backdrop`; what is not named again disappears.
    """

    def __init__(self, panels: int, rows: int = 1):
        columns = -(-panels // rows)
        super().__init__("", (PANEL_WIDTH * columns, PANEL_HEIGHT * rows))
        self.set_layout_engine("none")
        self.panels: list[Axes] = [self._place(place, rows, columns) for place in range(rows * columns)]
        self._limits: dict[Hashable, tuple[float, float]] = {}
        self._lines: dict[tuple[int, str], Line2D] = {}
        self._still: list[dict[Any, Any]] = [{} for _ in self.panels]  # what each background should show
        self._drawn: list[dict[frozenset, np.ndarray]] = [{} for _ in self.panels]  # by what they show, latest last
        self._paints: dict[int, Callable[[Axes], None]] = {}

    def _place(self, place: int, rows: int, columns: int) -> Axes:
        row, column = divmod(place, columns)
        width, height = PANEL_WIDTH - LEFT - RIGHT, PANEL_HEIGHT - BOTTOM - TOP
        left, bottom = PANEL_WIDTH * column + LEFT, PANEL_HEIGHT * (rows - 1 - row) + BOTTOM
        full_width, full_height = PANEL_WIDTH * columns, PANEL_HEIGHT * rows
        ax = self.add_axes((left / full_width, bottom / full_height, width / full_width, height / full_height))
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=9)
        return ax

    @property
    def pixels(self) -> int:
        """Width of the picture."""
        return round(self.get_figwidth() * DPI)

    def begin(self) -> None:
        """Start a new drawing."""
        self._still = [{} for _ in self.panels]
        for line in self._lines.values():
            line.set_visible(False)

    def axis(
        self, panel: int, title: str, x: str, y: str,
        x_limits: tuple[float, float], y_limits: tuple[float, float], log_x: bool = False, log_y: bool = False,
    ) -> None:  # fmt: skip
        """Texts and limits of one panel."""
        self._still[panel]["axis"] = (title, x, y, x_limits, y_limits, log_x, log_y)

    def fit(self, panel: Hashable, values: Iterable[float], *must_show: float) -> tuple[float, float]:
        """Round limits of a panel (or of anything named): those it has, while the values fill a third of them or more.

        Limits that grow get headroom, so that a moving slider seldom makes the axes be drawn anew.
        """
        (low, high), now = span((*values, *must_show)), self._limits.get(panel)
        if now is not None:
            if now[0] <= low and high <= now[1] and high - low > (now[1] - now[0]) / 3:
                return now
            room = HEADROOM * (high - low)
            low, high = low - room * (low < now[0]), high + room * (high > now[1])
        self._limits[panel] = limits((low, high))
        return self._limits[panel]

    def refit(self) -> None:
        """Forget the limits: the next drawing gets its own."""
        self._limits = {}

    def level(self, panel: int, value: float, text: str) -> None:
        """A grey horizontal line with its meaning written on it."""
        self._still[panel]["level", value] = text

    def backdrop(self, panel: int, key: Hashable, paint: Callable[[Axes], None]) -> None:
        """Anything still behind the curves, such as a map. It is painted anew only when `key` changes."""
        self._still[panel]["backdrop"] = key
        self._paints[panel] = paint

    def curve(
        self, panel: int, name: str, x: Sequence[float], y: Sequence[float], look: int = 0, points: bool = False
    ) -> None:
        """A named curve in the colour and dash number `look`; `points` draws markers and no line."""
        line = self._lines.get((panel, name))
        if line is None:
            settings = style(look, marker=points) | (POINTS if points else {})
            (line,) = self.panels[panel].plot([], [], label=name, animated=True, zorder=4 if points else 3, **settings)
            self._lines[panel, name] = line
        line.set_data(x, y)
        line.set_visible(True)
        self._still[panel]["curve", name] = look

    def render(self) -> bytes:
        """The drawing as PNG."""
        pixels = self._pixels()
        for panel, ax in enumerate(self.panels):
            pixels[self._part(ax)] = self._background(panel, ax)
            for (of, _), line in self._lines.items():
                if of == panel and line.get_visible():
                    ax.draw_artist(line)
        buffer = io.BytesIO()
        Image.fromarray(pixels).convert("RGB").save(buffer, "png", compress_level=1)
        return buffer.getvalue()

    def _pixels(self) -> np.ndarray:
        return np.asarray(self.canvas.get_renderer().buffer_rgba())

    def _part(self, ax: Axes) -> tuple[slice, slice]:
        """The rows and columns of pixels that belong to a panel, margins included."""
        corner = ax.get_position()
        left, bottom = corner.x0 * self.get_figwidth() - LEFT, corner.y0 * self.get_figheight() - BOTTOM
        top = self.get_figheight() - bottom - PANEL_HEIGHT
        edges = (top, top + PANEL_HEIGHT, left, left + PANEL_WIDTH)
        first, last, start, end = (round(edge * DPI) for edge in edges)
        return slice(first, last), slice(start, end)

    def _background(self, panel: int, ax: Axes) -> np.ndarray:
        still, drawn = frozenset(self._still[panel].items()), self._drawn[panel]
        if still == next(reversed(drawn), None):
            return drawn[still]
        self._set_scales(panel, ax)
        pixels = drawn.pop(still, None)
        if pixels is None:
            self._set_axes(panel, ax)
            part = self._pixels()[self._part(ax)]
            part[:] = WHITE
            ax.draw(self.canvas.get_renderer())  # leaves out the curves, which are animated
            pixels = part.copy()
        drawn[still] = pixels
        for oldest in list(drawn)[:-REMEMBERED]:
            del drawn[oldest]
        return pixels

    def _set_scales(self, panel: int, ax: Axes) -> None:
        if axis := self._still[panel].get("axis"):
            *_, x_limits, y_limits, log_x, log_y = axis
            ax.set(xscale="log" if log_x else "linear", yscale="log" if log_y else "linear")
            ax.set(xlim=x_limits, ylim=y_limits)

    def _set_axes(self, panel: int, ax: Axes) -> None:
        kept = [line for (of, _), line in self._lines.items() if of == panel]
        for artist in [*ax.collections, *ax.lines]:
            if artist not in kept:
                artist.remove()
        for artist in [*ax.texts]:  # last, for a map takes its own labels away
            artist.remove()
        still = self._still[panel]
        ax.set_visible("axis" in still)
        if not ax.get_visible():
            return
        title, x, y, *_ = still["axis"]
        ax.set(xlabel=x, ylabel=y)
        ax.set_title(title, fontsize=11, loc="left")
        if "backdrop" in still:
            self._paints[panel](ax)
        for value, text in [(key[1], text) for key, text in still.items() if key[0] == "level"]:
            _level(ax, value, text)
        named = [line for line in kept if line.get_visible()]
        if ax.get_legend():
            ax.get_legend().remove()
        if len(named) > 1:
            ax.legend(handles=named, frameon=False, fontsize=9, ncols=2, loc="upper center", bbox_to_anchor=BELOW)

    def png(self) -> bytes:
        """The same PNG, for files."""
        return self.render()


def _level(ax: Axes, value: float, text: str) -> None:
    low, high = ax.get_ylim()
    near_top = value > high - 0.15 * (high - low)
    ax.axhline(value, color=GREY, linewidth=1, linestyle=":")
    ax.annotate(
        text, (1, value), xycoords=("axes fraction", "data"), xytext=(-2, -3 if near_top else 3),
        textcoords="offset points", ha="right", va="top" if near_top else "bottom", color=GREY, fontsize=9,
    )  # fmt: skip
