"""What all pictures share: colours, line styles, a figure that carries its description in words.

Colours are Okabe and Ito's, which stay apart for colour-blind readers; each line also has its own dash and marker.
Every figure carries `alt`, a sentence for those who do not see it.
"""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rlhf_lessons.stages.metrics import METRICS

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#595959"
DPI = 110

# What a curve means. Each meaning has one look, the same in every lab, notebook and figure.
Meaning = Literal[
    "chosen", "rejected",  # the two answers of a pair
    "proxy", "gold",  # the learned score that is optimised, and the rubric that it stands for
    "safe",  # answers that are safe to act on
    "own", "new",  # what a model learns from, and what it has not seen
    "distance",  # from where training began
    "before",  # the start, or somebody else's log
    "chance", "best",  # what a coin reaches, and what nobody can beat
    "you",  # where the learner's settings lie on a map
]  # fmt: skip
# For each: its colour on a light and on a dark ground (at least 3:1 against it), its dash and its marker.
LOOKS: Mapping[Meaning, tuple[str, str, Any, str]] = {
    "chosen": ("#0072B2", "#5AB4F0", "-", "o"),
    "rejected": ("#D55E00", "#FF8C42", "--", "s"),
    "proxy": ("#B5287D", "#F08CC8", "-", "D"),
    "gold": ("#997700", "#F2C14E", "-.", "^"),
    "safe": ("#117733", "#4CC98A", "-", "v"),
    "own": ("#6A4C93", "#B79CED", (0, (5, 1)), "P"),
    "new": ("#00707C", "#4DD0E1", "-", "o"),
    "distance": ("#7B5B3A", "#C9A27E", "-", "s"),
    "before": ("#1A1A1A", "#F0F0F0", (0, (1, 1)), "X"),
    "chance": ("#595959", "#A8A8A8", ":", "o"),
    "best": ("#595959", "#A8A8A8", "--", "o"),
    "you": ("#D81B1B", "#FF6B6B", "-", "p"),
}


@dataclass(frozen=True)
class Theme:
    """The colours of ground, text, lesser lines and grid."""

    ground: str
    ink: str
    grey: str
    grid: str

    @property
    def ground_rgba(self) -> tuple[int, ...]:
        """The ground as four numbers from 0 to 255."""
        return (*(int(self.ground[at : at + 2], 16) for at in (1, 3, 5)), 255)


THEMES = {
    False: Theme("#FFFFFF", "#1A1A1A", "#595959", "#E3E3E3"),
    True: Theme("#111111", "#E8E8E8", "#A8A8A8", "#333333"),
}


def theme(dark: bool) -> Theme:
    """Colours for a light page or a dark one (JupyterLab's own ground)."""
    return THEMES[dark]


def look(meaning: Meaning, dark: bool = False, marker: bool = False) -> dict[str, Any]:
    """Colour, dash and (for few points) marker of what a line means, for matplotlib."""
    light_colour, dark_colour, dash, mark = LOOKS[meaning]
    line = {"color": dark_colour if dark else light_colour, "linestyle": dash}
    return line | ({"marker": mark, "markersize": 5} if marker else {})


class Picture(Figure):
    """A figure that shows itself in a notebook as a PNG with alternative text."""

    alt: str = ""

    def __init__(self, alt: str, size: tuple[float, float]):
        super().__init__(figsize=size, dpi=DPI, layout="constrained", facecolor="white")
        FigureCanvasAgg(self)
        self.alt = alt

    def png(self) -> bytes:
        """The picture as PNG, for files and widgets."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=DPI, metadata={"Description": self.alt})
        return buffer.getvalue()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"image/png": self.png(), "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


def picture(alt: str, columns: int = 1, rows: int = 1, height: float = 3.2) -> tuple[Picture, list[Axes]]:
    """An empty picture and its axes, row by row."""
    figure = Picture(alt, (4.6 * columns + 1.0, height * rows))
    axes = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    for ax in axes:
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def style(index: int, marker: bool = False) -> dict[str, Any]:
    """Colour, dash and (for few points) marker of the index-th line."""
    line = {"color": COLOURS[index % len(COLOURS)], "linestyle": DASHES[index % len(DASHES)]}
    return line | ({"marker": MARKERS[index % len(MARKERS)], "markersize": 5} if marker else {})


def label(metric: str) -> str:
    """An axis label: the metric's name and its unit."""
    unit = METRICS[metric].unit
    return metric.replace("_", " ") + (f" ({unit})" if unit else "")


def best_line(ax: Axes, best: Mapping[str, float] | None, metric: str) -> None:
    """A grey dashed line at the best possible value of the panel's metric, if `best` (metric -> value) has it."""
    if best and metric in best:
        ax.axhline(best[metric], color=GREY, linewidth=1.2, linestyle="--")
        ax.annotate(
            "best possible", (0, best[metric]), xycoords=("axes fraction", "data"), xytext=(2, 3),
            textcoords="offset points", color=GREY, fontsize=9,
        )  # fmt: skip


def best_words(best: Mapping[str, float] | None, metrics: Iterable[str]) -> str:
    """A sentence for `alt`: the best possible values of those of `metrics` that `best` has; empty if none."""
    values = [f"{metric.replace('_', ' ')} {best[metric]:.2f}" for metric in metrics if metric in best] if best else []
    return f" Best possible: {', '.join(values)}." if values else ""


def level(ax: Axes, value: float, text: str) -> None:
    """A grey horizontal line with its meaning written on it."""
    ax.axhline(value, color=GREY, linewidth=1, linestyle=":")
    ax.annotate(
        text, (1, value), xycoords=("axes fraction", "data"), xytext=(-2, 3), textcoords="offset points",
        ha="right", color=GREY, fontsize=9,
    )  # fmt: skip
