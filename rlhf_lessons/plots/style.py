"""What all pictures share: what a colour means, names and legends, a figure that carries its description in words.

Every figure carries `alt`, a sentence for those who do not see it. Figures are as wide as a notebook's output, so that
their letters stay as large as they are set.
"""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from rlhf_lessons import tables
from rlhf_lessons.stages.metrics import METRICS
from rlhf_lessons.statistics.intervals import Interval

GREY = "#595959"
DPI = 110
WIDTH, ALONE = 9.5, 6.2  # inches: of a row of panels, and of one that stands alone
SMALL = 9  # points: the smallest letters
LINE = 80  # characters of a table in plain text
NAMES = {
    "kl": "KL", "approx_kl": "approximate KL", "kl_coef": "price of KL", "nll": "NLL", "grad_norm": "gradient norm",
    "n_pairs": "pairs", "head_init_scale": "scale of the head's start", "token_accuracy": "tokens right",
    "reward_chosen": "reward, chosen", "reward_rejected": "reward, rejected",
    "sample_accuracy": "accuracy on own answers", "response_length": "length of an answer", "ended": "answers that end",
    "logps_chosen": "log p, chosen", "logps_rejected": "log p, rejected",
    "reward_std": "spread within groups", "zero_spread": "groups without spread",
}  # fmt: skip

# What a curve means. Each meaning has one look, the same in every lab, notebook and figure.
Meaning = Literal[
    "chosen", "rejected",  # the two answers of a pair
    "proxy", "gold",  # the learned score that is optimised, and the rubric that it stands for
    "safe",  # answers that are safe to act on
    "own", "new",  # what a model learns from, and what it has not seen
    "distance",  # from where training began
    "before",  # the start, or somebody else's log
    "chance", "best",  # what a coin reaches, and what nobody can beat
    "idle",  # what teaches nothing
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
    "idle": ("#595959", "#A8A8A8", "-.", "o"),
    "you": ("#D81B1B", "#FF6B6B", "-", "p"),
}

# How a thing is, as in the labs' verdicts, for light grounds.
Face = Literal["good", "bad", "warn", "open"]
FACES: Mapping[Face, str] = {"good": "#146C2E", "bad": "#B3261E", "warn": "#8A5A00", "open": "#5F6368"}


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


# What each metric means, where one is drawn by itself. The others are the model's own where it learns, new elsewhere.
MEANT: Mapping[str, Meaning] = {
    "reward_chosen": "chosen", "logps_chosen": "chosen", "reward_rejected": "rejected", "logps_rejected": "rejected",
    "score": "proxy", "gold_score": "gold", "safety": "safe", "safe": "safe", "safe to act on": "safe",
    "kl": "distance", "KL from SFT": "distance", "sample_accuracy": "new", "zero_spread": "idle",
}  # fmt: skip
HELD_OUT = ("held_out_", "eval_")


def meaning_of(metric: str) -> Meaning:
    """What a curve of this metric means."""
    return MEANT.get(metric, "new" if metric.startswith(HELD_OUT) else "own")


def alone(metric: str, marker: bool = False) -> dict[str, Any]:
    """The look of the only curve of a panel: its colour says what it means, and no dash tears a noisy one apart."""
    return look(meaning_of(metric), marker=marker) | {"linestyle": "-"}


# Seeds and conditions mean nothing by themselves. They are shades of slate, which no meaning has, by their order.
SLATE = LinearSegmentedColormap.from_list("slate", ["#16222E", "#4A6580", "#7E9BB8"])
DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)), (0, (10, 2)), (0, (1, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P")


def series(place: int, count: int, marker: bool = False) -> dict[str, Any]:
    """Shade, dash and (for few points) marker of one of `count` lines whose order is all that tells them apart."""
    line = {"color": to_hex(SLATE(place / max(count - 1, 1))), "linestyle": DASHES[place % len(DASHES)]}
    return line | ({"marker": MARKERS[place % len(MARKERS)], "markersize": 5} if marker else {})


class Picture(Figure):
    """A figure that shows itself in a notebook with its words for who cannot see it, and its numbers folded beneath."""

    def __init__(self, alt: str, size: tuple[float, float]):
        super().__init__(figsize=size, dpi=DPI, layout="constrained", facecolor="white")
        FigureCanvasAgg(self)
        self.alt = alt
        self.table: pd.DataFrame | None = None

    def png(self) -> bytes:
        """The picture as PNG, for files and widgets."""
        drawn, stored = io.BytesIO(), io.BytesIO()
        self.savefig(drawn, format="png", dpi=DPI)
        words = PngInfo()
        words.add_itxt("Description", self.alt)
        # 256 colours make a notebook a third as large, and differ from all colours by less than an eye sees.
        image = Image.open(drawn).convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        image.save(stored, "png", optimize=True, pnginfo=words)
        return stored.getvalue()

    def over(self, table: pd.DataFrame) -> "Picture":
        """The same picture, over the table of its numbers."""
        self.table = table
        return self

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        # JupyterLab and nbconvert show the words of HTML alone, so the picture is there twice.
        png = self.png()
        source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        page = f'<img alt="{escape(self.alt)}" style="max-width: 100%; height: auto" src="{source}">'
        words = self.alt
        if self.table is not None:
            page += f"<details><summary>The numbers</summary>{tables.as_html(self.table)}</details>"
            words += f"\n{self.table.to_string(line_width=LINE)}"
        return {"text/html": page, "image/png": png, "text/plain": words}, {"image/png": {"alt": self.alt}}


def picture(alt: str, columns: int = 1, rows: int = 1, height: float = 3.0) -> tuple[Picture, list[Axes]]:
    """An empty picture and its axes, row by row; height: of a row, in inches."""
    figure = Picture(alt, (max(WIDTH, WIDTH / 3 * columns) if columns > 1 else ALONE, height * rows))
    axes = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    for ax in axes:
        dress(ax)
    return figure, axes


def dress(ax: Axes) -> None:
    """The grid and the frame of an axis."""
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=SMALL)
    ax.locator_params(nbins=6)


def legend(figure: Picture, title: str = "") -> None:
    """All names in rows above the picture, where no curve runs, under `title`."""
    named = {name: handle for ax in figure.axes for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    if not named and not title:
        return
    wide, room = [0.6 + 0.075 * len(name) for name in named], figure.get_figwidth()  # inches
    in_a_row = len(named) if sum(wide) < room else int(room / max(wide))
    figure.legend(
        named.values(), named.keys(), loc="outside upper left", ncols=max(in_a_row, 1), frameon=False, fontsize=SMALL,
        title=title or None, alignment="left", title_fontproperties={"weight": "bold"},
    )  # fmt: skip


def name_of(metric: str) -> str:
    """A metric, or a column of a sweep, in words."""
    return NAMES.get(metric, metric.replace("_", " "))


def label(metric: str) -> str:
    """An axis label: the metric in words and its unit."""
    unit = METRICS[metric].unit
    return name_of(metric) + (f" ({unit})" if unit else "")


def level(ax: Axes, value: float, text: str, meaning: Meaning = "chance") -> None:
    """A grey horizontal line, which `legend` names."""
    ax.axhline(value, linewidth=1.2, label=text, **look(meaning))


def best_line(ax: Axes, best: Mapping[str, float] | None, metric: str) -> None:
    """A line at the best possible value of the panel's metric, if `best` (metric -> value) has it."""
    if best and metric in best:
        level(ax, best[metric], "best possible", "best")


def best_words(best: Mapping[str, float] | None, metrics: Iterable[str]) -> str:
    """A sentence for `alt`: the best possible values of those of `metrics` that `best` has; empty if none."""
    values = [f"{name_of(metric)} {best[metric]:.2f}" for metric in metrics if metric in best] if best else []
    return f" Best possible: {', '.join(values)}." if values else ""


def whisker(ax: Axes, place: float, one: Interval, line: Mapping[str, Any], sure: bool = True, **name: Any) -> None:
    """A value with its interval on the row `place`; hollow where it is not sure."""
    colour, mark = line["color"], line.get("marker", "o")
    ax.plot([one.low, one.high], [place, place], color=colour, linewidth=2)
    fill = colour if sure else "white"
    ax.plot(one.value, place, mark, color=colour, markerfacecolor=fill, markersize=7, **name)


def rows_of(ax: Axes, names: Sequence[str]) -> None:
    """A named row for each of `names`, from the top down."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
