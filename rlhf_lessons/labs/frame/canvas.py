"""The picture of a lab. It keeps its axes as a background and moves only the curves, so it can follow a slider.

Most of the time of a figure goes into drawing axes and texts. A canvas draws them once and keeps the pixels.
For a new result it draws only the curves (blitting), unless limits, texts or the set of curves have changed.
"""

import io
import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike
from PIL import Image

from rlhf_lessons.labs.frame.limits import limits, span
from rlhf_lessons.plots.style import Meaning, Picture, Theme, look, theme

POINTS_A_PIXEL = 72 / 96  # of text, on a screen of usual density
SCREEN_DPI = 96
HEADROOM = 0.4  # of the height, on the side where the values left the old limits
KEPT_BACKGROUNDS = 8  # for each panel, about 0.4 MB each; going back to one of them needs no drawing
WIDER = 1.3  # width over height of a panel, as near as columns allow
TICK_ROOM = 50  # pixels along the x axis for a tick's number and the space beside it
ROUND_STEPS = (1, 2, 5, 10)
POINTS = {"linestyle": "none", "markersize": 8}
GHOST = {"linewidth": 1.2, "alpha": 0.75, "zorder": 2}


@dataclass(frozen=True)
class Screen:
    """Where a picture is shown: its size in pixels as the page counts them, and `ratio` real pixels for each.

    dark: on a dark page. large: for a room, with ticks of 14 pixels and more in place of 11.
    """

    width: int = 660
    height: int = 470
    ratio: float = 1.0
    dark: bool = False
    large: bool = False

    @property
    def scale(self) -> float:
        """Factor on all texts."""
        return 1.3 if self.large else 1.0

    def columns(self, panels: int) -> int:
        """How many panels stand side by side, so that each is near `WIDER` times as wide as high."""

        def shape(columns: int) -> float:
            rows = -(-panels // columns)
            empty = columns * rows - panels
            return abs(math.log(self.width / columns / (self.height / rows) / WIDER)) + 0.3 * empty

        return min(range(1, panels + 1), key=shape)


class Canvas(Picture):
    """A picture of some `panels`, as many side by side as the screen has room for.

    A drawing begins with `begin()`, goes on with `axis`, `curve`, `level` and `backdrop`, and ends with `render()`.
    It names everything that is to be seen: what the last drawing showed and this one does not name disappears.
    `keep_ghost()` leaves the curves of the last drawing in grey under those of the next ones.
    """

    def __init__(self, panels: int, screen: Screen | None = None):
        screen = screen or Screen()
        super().__init__("", (1, 1))
        self.set_layout_engine("none")
        self.panels: list[Axes] = [self.add_axes((0, 0, 1, 1), label=str(number)) for number in range(panels)]
        self._limits: dict[Hashable, tuple[float, float]] = {}
        self._lines: dict[tuple[int, str], Line2D] = {}
        self._meanings: dict[tuple[int, str], Meaning] = {}
        self._ghosts: list[list[Line2D]] = [[] for _ in self.panels]
        # For each panel: what this drawing asks for, and the pixels of each background by what it shows, latest last.
        self._wanted: list[dict[Any, Any]] = [{} for _ in self.panels]
        self._backgrounds: list[dict[frozenset, np.ndarray]] = [{} for _ in self.panels]
        self._paints: dict[int, Callable[[Axes], None]] = {}
        self.place(screen)

    @property
    def theme(self) -> Theme:
        """The colours of ground and text."""
        return theme(self.screen.dark)

    def place(self, screen: Screen) -> None:
        """Fit the picture to a screen. What was drawn last is drawn there by the next `render()`."""
        self.screen = screen
        self.set_dpi(SCREEN_DPI * screen.ratio)
        self.set_size_inches(screen.width / SCREEN_DPI, screen.height / SCREEN_DPI)
        self.set_facecolor(self.theme.ground)
        self._backgrounds = [{} for _ in self.panels]
        columns = screen.columns(len(self.panels))
        rows, scale = -(-len(self.panels) // columns), screen.scale
        left, right, bottom, top = 52 * scale, 16, 41 * scale, 42 * scale  # for ticks and texts
        wide, high = screen.width / columns, screen.height / rows
        self._cells = []
        for number, ax in enumerate(self.panels):
            row, column = divmod(number, columns)
            x, y = column * wide, (rows - 1 - row) * high
            box = (x + left) / screen.width, (y + bottom) / screen.height
            size = (wide - left - right) / screen.width, (high - top - bottom) / screen.height
            ax.set_position((*box, *size))
            edges = row * high, (row + 1) * high, x, x + wide
            first, last, start, end = (round(edge * screen.ratio) for edge in edges)
            self._cells.append((slice(first, last), slice(start, end)))
            self._dress(ax)
        for key, line in self._lines.items():
            line.set(color=look(self._meanings[key], screen.dark)["color"], markeredgecolor=self.theme.ground)

    def _dress(self, ax: Axes) -> None:
        """The colours and sizes of an axis that stay."""
        pixels, ink = POINTS_A_PIXEL * self.screen.scale, self.theme.ink
        ax.set_facecolor(self.theme.ground)
        ax.grid(visible=True, color=self.theme.grid, linewidth=0.8)
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(self.theme.grey)
        ax.tick_params(which="both", labelsize=11.5 * pixels, colors=ink, color=self.theme.grey)
        ax.xaxis.label.set(fontsize=12 * pixels, color=ink)

    def begin(self) -> None:
        """Start a new drawing."""
        self._wanted = [{} for _ in self.panels]
        for line in self._lines.values():
            line.set_visible(False)

    def axis(
        self, panel: int, title: str, x: str, y: str,
        x_limits: tuple[float, float], y_limits: tuple[float, float], log_x: bool = False, log_y: bool = False,
    ) -> None:  # fmt: skip
        """Texts and limits of one panel; `y` is the unit of its values."""
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

    def level(self, panel: int, value: float, text: str, meaning: Meaning = "chance") -> None:
        """A horizontal line, named in the legend unless its text is empty."""
        self._wanted[panel]["level", text] = (value, meaning)

    def backdrop(self, panel: int, key: Hashable, paint: Callable[[Axes], None]) -> None:
        """Anything that stands behind the curves, such as a map. It is painted anew only when `key` changes."""
        self._wanted[panel]["backdrop"] = key
        self._paints[panel] = paint

    def curve(self, panel: int, name: str, x: ArrayLike, y: ArrayLike, meaning: Meaning, points: bool = False) -> None:
        """A named curve that looks as its meaning does everywhere; `points` draws markers in place of a line."""
        line = self._lines.get((panel, name))
        if line is None:
            looks = look(meaning, self.screen.dark, marker=points)
            looks |= POINTS | {"markeredgecolor": self.theme.ground} if points else {}
            (line,) = self.panels[panel].plot([], [], label=name, animated=True, zorder=4 if points else 3, **looks)
            self._lines[panel, name] = line
            self._meanings[panel, name] = meaning
        line.set_data(x, y)
        line.set_visible(True)
        self._wanted[panel]["curve", name] = meaning

    def keep_ghost(self) -> None:
        """Leave the curves as they are now in grey, in place of those kept before."""
        self.drop_ghost()
        for (panel, _), line in self._lines.items():
            if line.get_visible() and line.get_linestyle() != "None":
                ghost = Line2D(*line.get_data(), animated=True, linestyle=line.get_linestyle())
                ghost.set(**GHOST)
                self._ghosts[panel].append(cast(Line2D, self.panels[panel].add_artist(ghost)))

    def drop_ghost(self) -> None:
        """Show no curves but those of the drawing itself."""
        for ghosts in self._ghosts:
            while ghosts:
                ghosts.pop().remove()

    def render(self) -> bytes:
        """The drawing as PNG."""
        pixels = self._pixels()
        pixels[:] = self.theme.ground_rgba  # a place in the grid may have no panel
        for panel, ax in enumerate(self.panels):
            pixels[self._cells[panel]] = self._background(panel, ax)
            if not ax.get_visible():
                continue
            for ghost in self._ghosts[panel]:
                ghost.set_color(self.theme.grey)
                ax.draw_artist(ghost)
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

    def _background(self, panel: int, ax: Axes) -> np.ndarray:
        wanted, backgrounds = frozenset(self._wanted[panel].items()), self._backgrounds[panel]
        if wanted == next(reversed(backgrounds), None):
            return backgrounds[wanted]
        self._set_scales(panel, ax)
        pixels = backgrounds.pop(wanted, None)
        if pixels is None:
            self._set_axes(panel, ax)
            whole = self._pixels()
            before, part = whole.copy(), whole[self._cells[panel]]
            part[:] = self.theme.ground_rgba
            ax.draw(self._renderer)  # leaves out the curves, which are animated
            pixels = part.copy()
            whole[:] = before  # a text that is too long must not stand in another panel
        backgrounds[wanted] = pixels
        for oldest in list(backgrounds)[:-KEPT_BACKGROUNDS]:
            del backgrounds[oldest]
        return pixels

    def _set_scales(self, panel: int, ax: Axes) -> None:
        axis = self._wanted[panel].get("axis")
        ax.set_visible(axis is not None)
        if axis:
            *_, x_limits, y_limits, log_x, log_y = axis
            ax.set(xscale="log" if log_x else "linear", yscale="log" if log_y else "linear")
            ax.set(xlim=x_limits, ylim=y_limits)
            if not log_x:
                room = ax.get_window_extent().width / self.screen.ratio / self.screen.scale
                ax.xaxis.set_major_locator(MaxNLocator(max(2, min(9, int(room / TICK_ROOM))), steps=ROUND_STEPS))

    def _set_axes(self, panel: int, ax: Axes) -> None:
        curves = [line for (of, _), line in self._lines.items() if of == panel]
        for artist in [*ax.collections, *ax.lines]:
            if artist not in curves and artist not in self._ghosts[panel]:
                artist.remove()
        for artist in [*ax.texts]:  # last, for a map takes its own labels away
            artist.remove()
        if legend := ax.get_legend():
            legend.remove()
        wanted = self._wanted[panel]
        if not ax.get_visible():
            return
        title, x, unit, *_ = wanted["axis"]
        ax.set_xlabel(x)
        if "backdrop" in wanted:
            self._paints[panel](ax)
        drawn = [key for key in wanted if isinstance(key, tuple) and key[0] == "level"]
        levels = [self._draw_level(ax, key[1], *wanted[key]) for key in drawn]
        named = [
            line for line in (*curves, *levels) if line.get_visible() and not str(line.get_label()).startswith("_")
        ]
        self._write_above(ax, title, unit, named if len(named) > 1 else [])

    def _write_above(self, ax: Axes, title: str, unit: str, named: list[Line2D]) -> None:
        """Title, unit and legend, between the panel's edge and its axis, where they cover no curve."""
        pixels = POINTS_A_PIXEL * self.screen.scale
        width = ax.get_window_extent(self._renderer).width
        heading = ax.set_title(title, fontsize=13 * pixels, loc="left", color=self.theme.ink, pad=18 * pixels)
        taken = heading.get_window_extent(self._renderer).width / width
        words = ax.annotate(
            unit, (taken, 1), xycoords="axes fraction", xytext=(7 * pixels, 18 * pixels), textcoords="offset points",
            color=self.theme.grey, fontsize=12 * pixels,
        )  # fmt: skip
        words.set_visible(
            unit not in title.lower() and taken + words.get_window_extent(self._renderer).width / width < 1
        )
        margin = ax.get_window_extent(self._renderer).x0 - self._cells[self.panels.index(ax)][1].start
        for count in range(len(named), 0, -1):  # the legend begins further left, or else does without its last entry
            legend = ax.legend(
                handles=named[:count], frameon=False, fontsize=11.5 * pixels, ncols=count, loc="lower left",
                bbox_to_anchor=(-0.02, 0.985), borderpad=0, handlelength=1.3, handletextpad=0.4, columnspacing=0.8,
                borderaxespad=0.2, labelcolor=self.theme.ink,
            )  # fmt: skip
            over = max(legend.get_window_extent(self._renderer).width / width - 1, 0.0)
            legend.set_bbox_to_anchor((-0.02 - over, 0.985), ax.transAxes)
            if over * width <= margin:
                break

    def _draw_level(self, ax: Axes, text: str, value: float, meaning: Meaning) -> Line2D:
        looks = look(meaning, self.screen.dark)
        return ax.axhline(value, label=text or "_", linewidth=1.2, color=looks["color"], linestyle=looks["linestyle"])
