"""Picture of diagnoses: the curves that each verdict rests on."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from rlhf_lessons.diagnostics.chart import FEW_POINTS, MANY_POINTS, words
from rlhf_lessons.diagnostics.findings import Diagnosis
from rlhf_lessons.diagnostics.logs.curves import Panel
from rlhf_lessons.diagnostics.logs.names import PART
from rlhf_lessons.diagnostics.page import marks
from rlhf_lessons.plots.style import GREY, MEANT, SMALL, Picture, look, meaning_of, picture, series

MOST_RUNS = 8


def diagnosis_picture(runs: Mapping[str, Diagnosis]) -> Picture:
    """A row of panels for each of the first eight runs that have curves; dotted lines where findings begin.

    runs: by the name that stands over the row. Raises ValueError where no run has a curve of two points.
    """
    drawn = {name: run for name, run in runs.items() if run.panels}
    if not drawn:
        raise ValueError("picture: there is nothing to draw; a log must have two values of one metric")
    shown = dict(list(drawn.items())[:MOST_RUNS])
    alt = [f"{name or 'The log'}, {run.state}: {'. '.join(map(words, run.panels))}." for name, run in shown.items()]
    left_out = f" Not drawn: {len(drawn) - len(shown)} more runs." if len(drawn) > len(shown) else ""
    columns = max(len(run.panels) for run in shown.values())
    figure, axes = picture(" ".join(alt) + left_out, columns, len(shown))
    for row, (name, run) in enumerate(shown.items()):
        own = axes[row * columns : (row + 1) * columns]
        titles = [_plain(f"{name} ({run.state})".strip()), *[""] * columns]
        for ax, panel, title in zip(own, run.panels, titles, strict=False):
            _draw(ax, panel, run, title)
        for ax in own[len(run.panels) :]:
            ax.set_axis_off()
    return figure


def _draw(ax: Axes, panel: Panel, run: Diagnosis, title: str) -> None:
    parts = [curve.name for curve in panel.curves if curve.name.startswith(PART)]
    for curve in panel.curves:
        few, many = len(curve.values) <= FEW_POINTS, len(curve.values) > MANY_POINTS
        line = series(parts.index(curve.name), len(parts), few) if curve.name in parts else _look(curve.name, few)
        line |= {"linestyle": "-"} if many or len(panel.curves) == 1 else {}
        ax.plot(curve.places, curve.values, label=_plain(curve.printed), linewidth=0.8 if many else 1.5, **line)
    for number, step in marks(panel, run.record()["findings"]):
        ax.axvline(step, color=GREY, linestyle=":")
        ax.annotate(
            f"finding {number}", (step, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
            textcoords="offset points", color=GREY, fontsize=SMALL, ha="center",
        )  # fmt: skip
    ax.set_xlabel(panel.place)
    ax.legend(
        fontsize=SMALL, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.06), borderaxespad=0, title=title,
        alignment="left", title_fontproperties={"weight": "bold"},
    )  # fmt: skip


def _look(name: str, marker: bool) -> dict[str, Any]:
    """What a curve means; where training and held-out pairs share a meaning (chosen), the held-out one is dotted."""
    base = name.removeprefix("eval_")
    line = look(meaning_of(base if base in MEANT else name), marker=marker)
    return line | {"linestyle": ":"} if base != name and base in MEANT else line


def _plain(text: str) -> str:
    """Text as it is: matplotlib takes what stands between two dollar signs for mathematics."""
    return text.replace("$", r"\$").lstrip("_")
