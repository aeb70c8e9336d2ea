"""All methods as one picture, and what a group of answers pulls at."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from rlhf_lessons.plots.style import SMALL, Picture, legend, level, look, picture, series

Curves = Mapping[str, pd.DataFrame]  # label -> columns x, y, low, high
GAP = 0.066  # of a panel's height, between two names


def methods(distance: Curves, labels: Curves, answers: Curves, seconds: Curves, sft: float) -> Picture:
    """Four panels: the gain in gold score over sqrt(KL), and the safe share over what each of three costs has bought.

    A line is a method's mean over seeds, with its name beside it and the 95 % interval of its last point; over labels,
    where each point is a finished policy, of every point. sft: the safe share of the SFT model.
    """
    panels = {"gain over distance": distance, "safe share over pairs": labels}
    panels |= {"over sampled answers": answers, "over seconds": seconds}
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    looks = {name: series(place, len(names), marker=True) for place, name in enumerate(names)}
    said = "; ".join(f"{title}: {_ends(curves)}" for title, curves in panels.items())
    figure, axes = picture(f"All methods, and where each ends. {said}.", 2, 2, height=3.6)
    for ax, curves in zip(axes, panels.values(), strict=True):
        for name, curve in curves.items():
            ax.plot(curve.x, curve.y, **looks[name] | {"markersize": 3.5, "linewidth": 1.3})
            marked = curve if curves is labels else curve.tail(1)
            ax.vlines(marked.x, marked.low, marked.high, color=looks[name]["color"], linewidth=2, alpha=0.6)
    gain, *shares = axes
    gold, safe = look("gold")["color"], look("safe")["color"]
    gain.set_title("At equal distance", color=gold)
    gain.set_xlabel("sqrt(KL) (nats^0.5)")
    gain.set_ylabel("gain in gold score (0 to 1)", color=gold)
    titles = {"On equal labels": "pairs", "On equal answers": "sampled answers", "In equal time": "seconds of one core"}
    for ax, (title, unit) in zip(shares, titles.items(), strict=True):
        ax.set_title(title, color=safe)
        ax.set_xlabel(unit)
        ax.set_ylabel("safe share", color=safe)
        ax.yaxis.set_major_formatter(PercentFormatter(1))
    sizes = sorted({size for curve in labels.values() for size in curve.x})
    shares[0].set_xscale("log")
    shares[0].set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
    shares[0].minorticks_off()
    shares[1].xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    for ax, start in zip(axes, (0, sft, sft, sft), strict=True):
        level(ax, start, "the SFT model", "before")
    for ax, curves in zip(axes, panels.values(), strict=True):
        _name_ends(ax, curves, looks)
    legend(figure)
    return figure


def pulls(exact: Curves, measured: Curves) -> Picture:
    """How hard a group pulls towards its right answers, over how often the question is answered right.

    exact: lines (columns x, y). measured: points with intervals (x, y, low, high), under the same names. Each is
    relative to a question that is answered right half of the time.
    """
    hardest = "; ".join(f"{name} {np.interp(0.1, curve.x, curve.y):.2f}" for name, curve in exact.items())
    alt = f"Pull of a group over the share of right answers, at 10 % right: {hardest}."
    figure, (ax,) = picture(alt, height=3.4)
    for place, (name, curve) in enumerate(exact.items()):
        line = series(place, len(exact), marker=True)
        ax.plot(curve.x, curve.y, label=name, color=line["color"], linestyle=line["linestyle"])
        points = measured[name]
        ends = [points.y - points.low, points.high - points.y]
        ax.errorbar(points.x + 0.008 * place, points.y, ends, **line | {"linestyle": "none"})
    ax.set(xlabel="share of right answers to the question", ylabel="pull (1 at a half)", xlim=(0, 1), ylim=(0, None))
    legend(figure)
    return figure


def _ends(curves: Curves) -> str:
    return ", ".join(f"{name} {curve.y.iloc[-1]:.3f} at {curve.x.iloc[-1]:,.3g}" for name, curve in curves.items())


def _name_ends(ax: Axes, curves: Curves, looks: Mapping[str, Mapping[str, str]]) -> None:
    """Each line's name on the right of the panel, joined to the line's last point, no name on another."""
    ends = sorted(
        ((curve.x.iloc[-1], curve.y.iloc[-1], name) for name, curve in curves.items()), key=lambda end: end[1]
    )
    low, high = ax.get_ylim()
    heights = apart([(y - low) / (high - low) for _, y, _ in ends], GAP)
    for (x, y, name), height in zip(ends, heights, strict=True):
        colour = looks[name]["color"]
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2}
        ax.annotate(
            name, (x, y), (1.03, height), textcoords="axes fraction", va="center", color=colour, fontsize=SMALL,
            arrowprops=line,
        )  # fmt: skip


def apart(heights: Sequence[float], gap: float) -> np.ndarray:
    """Places near these rising heights, from 0 to 1 where there is room, each at least `gap` over the one before."""
    steps = gap * np.arange(len(heights))
    lowered = np.asarray(heights) - steps
    places = (np.maximum.accumulate(lowered) + np.minimum.accumulate(lowered[::-1])[::-1]) / 2 + steps
    return places - max(places[-1] - 1, min(places[0], 0))
