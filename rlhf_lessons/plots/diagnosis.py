"""Picture of diagnoses: the curves that each verdict rests on."""

from collections.abc import Mapping

from matplotlib.axes import Axes

from rlhf_lessons.diagnostics.chart import FEW_POINTS, MANY_POINTS, words
from rlhf_lessons.diagnostics.findings import Diagnosis
from rlhf_lessons.diagnostics.logs.curves import Panel
from rlhf_lessons.diagnostics.page import marks
from rlhf_lessons.plots.style import GREY, Picture, picture, style

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
        own[0].set_title(_plain(f"{name} ({run.state})".strip()), loc="left", fontsize=10)
        for ax, panel in zip(own, run.panels, strict=False):
            _draw(ax, panel, run)
        for ax in own[len(run.panels) :]:
            ax.set_axis_off()
    return figure


def _draw(ax: Axes, panel: Panel, run: Diagnosis) -> None:
    for place, curve in enumerate(panel.curves):
        line = style(place, marker=len(curve.values) <= FEW_POINTS)
        line |= {"linewidth": 0.8, "linestyle": "-"} if len(curve.values) > MANY_POINTS else {}
        ax.plot(curve.places, curve.values, label=_plain(curve.printed), **line)
    for number, step in marks(panel, run.record()["findings"]):
        ax.axvline(step, color=GREY, linestyle=":")
        ax.annotate(f"finding {number}", (step, 1), xycoords=("data", "axes fraction"), color=GREY, fontsize=9)
    ax.set_xlabel(panel.place)
    ax.legend(fontsize=9)


def _plain(text: str) -> str:
    """Text as it is: matplotlib takes what stands between two dollar signs for mathematics."""
    return text.replace("$", r"\$").lstrip("_")
