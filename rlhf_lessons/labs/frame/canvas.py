"""The picture of a lab. It keeps its axes as a background and moves only the curves, so it can follow a slider.

Most of the time of a figure goes into drawing axes and texts. A canvas draws them once and keeps the pixels.
For a new result it draws only the curves (blitting), unless limits, texts or the set of curves have changed.
"""

import io
from collections.abc import Callable, Hashable, Iterable
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike
from PIL import Image

from rlhf_lessons.labs.frame.limits import limits, span
from rlhf_lessons.plots.style import DPI, GREY, Picture, style

# All in inches. Margins are fixed: laying out anew for each result would take half of the time.
PANEL_WIDTH, PANEL_HEIGHT = 3.5, 3.1
LEFT, RIGHT, BOTTOM, TOP = 0.85, 0.15, 0.95, 0.3
HEADROOM = 0.4  # of the height, on the side where the values left the old limits
WHITE = 255
KEPT_BACKGROUNDS = 8  # for each panel, about 0.4 MB each; going back to one of them needs no drawing
POINTS = {"linestyle": "none", "markersize": 8, "markeredgecolor": "white"}  # the edge parts them from maps and lines
BELOW = (0.5, -0.2)  # a legend there never covers a curve that moves


class Canvas(Picture):
    """A picture of `panels` axes side by side, in `rows` rows.

    A drawing begins with `begin()`, goes on with `axis`, `curve`, `level` and `backdrop`, and ends with `render()`.
    It names everything that is to be seen: what the last drawing showed and this one does not name disappears.
    """

    def __init__(self, panels: int, rows: int = 1):
        columns = -(-panels // rows)
        super().__init__("", (PANEL_WIDTH * columns, PANEL_HEIGHT * rows))
        self.set_layout_engine("none")
        self.panels: list[Axes] = [self._add_panel(number, rows, columns) for number in range(rows * columns)]
        self._limits: dict[Hashable, tuple[float, float]] = {}
        self._lines: dict[tuple[int, str], Line2D] = {}
        # For each panel: what this drawing asks for, and the pixels of each background by what it shows, latest last.
        self._wanted: list[dict[Any, Any]] = [{} for _ in self.panels]
        self._backgrounds: list[dict[frozenset, np.ndarray]] = [{} for _ in self.panels]
        self._paints: dict[int, Callable[[Axes], None]] = {}

    def _add_panel(self, number: int, rows: int, columns: int) -> Axes:
        row, column = divmod(number, columns)
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
        self._wanted = [{} for _ in self.panels]
        for line in self._lines.values():
            line.set_visible(False)

    def axis(
        self, panel: int, title: str, x: str, y: str,
        x_limits: tuple[float, float], y_limits: tuple[float, float], log_x: bool = False, log_y: bool = False,
    ) -> None:  # fmt: skip
        """Texts and limits of one panel."""
        self._wanted[panel]["axis"] = (title, x, y, x_limits, y_limits, log_x, log_y)

    def fit(self, name: Hashable, values: Iterable[float], *must_show: float) -> tuple[float, float]:
        """Round limits for values. `name` is a panel, or anything else that has limits of its own.

        The limits given out last under this name stay while they hold all values and the values fill a third of
        them. Limits that grow get headroom, so that a moving slider seldom makes the axes be drawn anew.
        """
        (low, high), last = span((*values, *must_show)), self._limits.get(name)
        if last is not None:
            if last[0] <= low and high <= last[1] and high - low > (last[1] - last[0]) / 3:
                return last
            room = HEADROOM * (high - low)
            low, high = low - room * (low < last[0]), high + room * (high > last[1])
        self._limits[name] = limits((low, high))
        return self._limits[name]

    def forget_limits(self) -> None:
        """Let the next drawing choose its limits without regard to the last ones."""
        self._limits = {}

    def level(self, panel: int, value: float, text: str) -> None:
        """A grey horizontal line with its meaning written on it."""
        self._wanted[panel]["level", value] = text

    def backdrop(self, panel: int, key: Hashable, paint: Callable[[Axes], None]) -> None:
        """Anything that stands behind the curves, such as a map. It is painted anew only when `key` changes."""
        self._wanted[panel]["backdrop"] = key
        self._paints[panel] = paint

    def curve(
        self, panel: int, name: str, x: ArrayLike, y: ArrayLike, line_style: int = 0, points: bool = False
    ) -> None:
        """A named curve. `line_style` numbers its colour and dash; `points` draws markers in place of a line."""
        line = self._lines.get((panel, name))
        if line is None:
            settings = style(line_style, marker=points) | (POINTS if points else {})
            (line,) = self.panels[panel].plot([], [], label=name, animated=True, zorder=4 if points else 3, **settings)
            self._lines[panel, name] = line
        line.set_data(x, y)
        line.set_visible(True)
        self._wanted[panel]["curve", name] = line_style

    def render(self) -> bytes:
        """The drawing as PNG."""
        pixels = self._pixels()
        for panel, ax in enumerate(self.panels):
            pixels[self._slices(ax)] = self._background(panel, ax)
            for (of, _), line in self._lines.items():
                if of == panel and line.get_visible():
                    ax.draw_artist(line)
        buffer = io.BytesIO()
        Image.fromarray(pixels).convert("RGB").save(buffer, "png", compress_level=1)
        return buffer.getvalue()

    def png(self) -> bytes:
        """The same PNG, for files."""
        return self.render()

    @property
    def _renderer(self) -> RendererAgg:
        return cast(FigureCanvasAgg, self.canvas).get_renderer()  # `Picture` gives every figure such a canvas

    def _pixels(self) -> np.ndarray:
        return np.asarray(self._renderer.buffer_rgba())

    def _slices(self, ax: Axes) -> tuple[slice, slice]:
        """The rows and columns of pixels that belong to a panel, margins included."""
        corner = ax.get_position()
        left, bottom = corner.x0 * self.get_figwidth() - LEFT, corner.y0 * self.get_figheight() - BOTTOM
        top = self.get_figheight() - bottom - PANEL_HEIGHT
        edges = (top, top + PANEL_HEIGHT, left, left + PANEL_WIDTH)
        first, last, start, end = (round(edge * DPI) for edge in edges)
        return slice(first, last), slice(start, end)

    def _background(self, panel: int, ax: Axes) -> np.ndarray:
        wanted, backgrounds = frozenset(self._wanted[panel].items()), self._backgrounds[panel]
        if wanted == next(reversed(backgrounds), None):
            return backgrounds[wanted]
        self._set_scales(panel, ax)
        pixels = backgrounds.pop(wanted, None)
        if pixels is None:
            self._set_axes(panel, ax)
            part = self._pixels()[self._slices(ax)]
            part[:] = WHITE
            ax.draw(self._renderer)  # leaves out the curves, which are animated
            pixels = part.copy()
        backgrounds[wanted] = pixels
        for oldest in list(backgrounds)[:-KEPT_BACKGROUNDS]:
            del backgrounds[oldest]
        return pixels

    def _set_scales(self, panel: int, ax: Axes) -> None:
        if axis := self._wanted[panel].get("axis"):
            *_, x_limits, y_limits, log_x, log_y = axis
            ax.set(xscale="log" if log_x else "linear", yscale="log" if log_y else "linear")
            ax.set(xlim=x_limits, ylim=y_limits)

    def _set_axes(self, panel: int, ax: Axes) -> None:
        curves = [line for (of, _), line in self._lines.items() if of == panel]
        for artist in [*ax.collections, *ax.lines]:
            if artist not in curves:
                artist.remove()
        for artist in [*ax.texts]:  # last, for a map takes its own labels away
            artist.remove()
        if legend := ax.get_legend():
            legend.remove()
        wanted = self._wanted[panel]
        ax.set_visible("axis" in wanted)
        if not ax.get_visible():
            return
        title, x, y, *_ = wanted["axis"]
        ax.set(xlabel=x, ylabel=y)
        ax.set_title(title, fontsize=11, loc="left")
        if "backdrop" in wanted:
            self._paints[panel](ax)
        for value, text in [(key[1], text) for key, text in wanted.items() if key[0] == "level"]:
            _draw_level(ax, value, text)
        named = [line for line in curves if line.get_visible()]
        if len(named) > 1:
            ax.legend(handles=named, frameon=False, fontsize=9, ncols=2, loc="upper center", bbox_to_anchor=BELOW)


def _draw_level(ax: Axes, value: float, text: str) -> None:
    low, high = ax.get_ylim()
    near_top = value > high - 0.15 * (high - low)
    ax.axhline(value, color=GREY, linewidth=1, linestyle=":")
    ax.annotate(
        text, (1, value), xycoords=("axes fraction", "data"), xytext=(-2, -3 if near_top else 3),
        textcoords="offset points", ha="right", va="top" if near_top else "bottom", color=GREY, fontsize=9,
    )  # fmt: skip
