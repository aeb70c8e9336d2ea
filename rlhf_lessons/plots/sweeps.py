"""Pictures of sweeps: phase diagrams, learning curves with bands, curves over the document's theory points."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from rlhf_lessons.plots.style import (
    SMALL,
    Picture,
    best_line,
    best_words,
    legend,
    level,
    look,
    name_of,
    picture,
    series,
)

# What a number means decides its colours: low NLL and high accuracy are both dark. Both maps are readable in grey.
MAPS = {"accuracy": ("cividis_r", "held-out accuracy", 0.5, 1.0), "nll": ("cividis", "held-out NLL (nats)", 0.0, 1.4)}
NUMBERED = 12  # columns of a map at most, for numbers to be read in its cells
THEORY = {"loss": "training loss (nats)", "margin": "training margin", "held_out_accuracy": "held-out accuracy"}


def phase_diagrams(
    frame: pd.DataFrame, across: str, point: Mapping[str, float] | None = None,
    best: Mapping[str, float] | None = None,
) -> Picture:  # fmt: skip
    """Accuracy and NLL over learning rate (up) and the knob `across` (right), each the mean over seeds.

    `point` marks the learner's own setting: a value of `learning_rate` and one of `across`. `best` (accuracy, nll),
    what nobody can beat on new pairs, is marked on the colour bars.
    """
    means = frame.groupby(["learning_rate", across], as_index=False).accuracy.mean()
    top, name = means.loc[means.accuracy.idxmax()], name_of(across)
    alt = (
        f"Phase diagrams of held-out accuracy and NLL over learning rate and {name}. Best accuracy {top.accuracy:.0%} "
        f"at learning rate {top.learning_rate:g} and {name} {top[across]:g}; worst {means.accuracy.min():.0%}."
        f"{best_words(best, MAPS)}"
    )
    figure, axes = picture(alt, columns=2, height=3.8)
    for ax, metric in zip(axes, MAPS, strict=True):
        colours, title, low, high = MAPS[metric]
        cells = frame.pivot_table(index="learning_rate", columns=across, values=metric)
        ax.grid(visible=False)
        image = ax.imshow(cells, origin="lower", aspect="auto", cmap=colours, vmin=low, vmax=high)
        bar = figure.colorbar(image, ax=ax, extend="max" if metric == "nll" else "neither")
        _mark_best(bar.ax, best, metric)
        _write_numbers(ax, cells.to_numpy(), dark_is_high=metric == "accuracy", middle=(low + high) / 2)
        ax.set_xticks(range(cells.shape[1]), [f"{v:g}" for v in cells.columns])
        ax.set_yticks(range(cells.shape[0]), [f"{v:.1g}" for v in cells.index])
        ax.set(xlabel=name, ylabel="learning rate", title=title)
        if point:
            place = [np.interp(np.log(point[k]), np.log(v), range(len(v)))
                     for k, v in ((across, cells.columns), ("learning_rate", cells.index))]  # fmt: skip
            for colour, width in (("white", 5), ("black", 2)):  # to be seen on any colour
                ax.plot(*place, "o", markersize=22, markerfacecolor="none", color=colour, markeredgewidth=width)
    return figure


def heat_map(frame: pd.DataFrame, across: str, up: str, metric: str) -> Picture:
    """A metric over two settings, a cell for each pair of their values; one that was not measured stays empty."""
    cells = frame.pivot_table(index=up, columns=across, values=metric)
    values, (right, top) = cells.to_numpy(float), (name_of(across), name_of(up))
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    numbers = frame[metric].astype(float)
    ends = {"lowest": int(numbers.argmin()), "highest": int(numbers.argmax())}
    told = "; ".join(
        f"{word} {numbers.iloc[row]:.3g} at {right} {frame[across].iloc[row]} and {top} {frame[up].iloc[row]}"
        for word, row in ends.items()
    )
    figure, (ax,) = picture(f"{name_of(metric)} over {right} and {top}: {told}.", height=max(3.0, 0.35 * len(cells)))
    ax.grid(visible=False)
    image = ax.imshow(cells, origin="lower", aspect="auto", cmap="cividis_r", vmin=low, vmax=high)
    figure.colorbar(image, ax=ax)
    if cells.shape[1] <= NUMBERED:
        _write_numbers(ax, values, dark_is_high=True, middle=(low + high) / 2)
    for axis, names in ((ax.xaxis, cells.columns), (ax.yaxis, cells.index)):
        axis.set_ticks(range(len(names)), list(map(str, names)))
    ax.set(xlabel=right, ylabel=top, title=name_of(metric))
    return figure


def _mark_best(bar: Axes, best: Mapping[str, float] | None, metric: str) -> None:
    if best and metric in best:
        bar.axhline(best[metric], color="black", linewidth=2.5)
        bar.axhline(best[metric], color="white", linewidth=2.5, linestyle="--")
        bar.set_title("- - best\npossible", fontsize=SMALL)


def _write_numbers(ax: Axes, cells: np.ndarray, dark_is_high: bool, middle: float) -> None:
    for (row, column), value in np.ndenumerate(cells):
        on_dark = (value > middle) == dark_is_high
        text = "" if np.isnan(value) else f"{value:.2f}" if value < 9.95 else f"{value:.0f}"
        ax.text(column, row, text, ha="center", va="center", fontsize=SMALL, color="white" if on_dark else "black")


def learning_curve(
    tables: Mapping[str, pd.DataFrame], metrics: Mapping[str, str], x: str = "n_pairs",
    levels: Mapping[str, Mapping[str, float]] | None = None, best: Mapping[str, float] | None = None,
) -> Picture:  # fmt: skip
    """One panel a metric (column -> axis label), one line a table: mean over seeds, with the range as a band."""
    parts = []
    for name, table in tables.items():
        means = table.groupby(x)[list(metrics)].mean()
        parts += [
            f"{name}, {text} from {means[m].iloc[0]:.2f} to {means[m].iloc[-1]:.2f}" for m, text in metrics.items()
        ]
    figure, axes = picture(
        f"Curves over {name_of(x)}: {'; '.join(parts)}.{best_words(best, metrics)}", columns=len(metrics)
    )
    for ax, (metric, text) in zip(axes, metrics.items(), strict=True):
        for index, (name, table) in enumerate(tables.items()):
            spread = table.groupby(x)[metric].agg(["mean", "min", "max"])
            line = series(index, len(tables), marker=True) if len(tables) > 1 else look("new", marker=True)
            ax.plot(spread.index, spread["mean"], label=name, **line)
            ax.fill_between(spread.index, spread["min"], spread["max"], alpha=0.2, color=line["color"], linewidth=0)
        for words, value in (levels or {}).get(metric, {}).items():
            level(ax, value, words)
        best_line(ax, best, metric)
        ax.set_xscale("log")
        ticks = sorted({value for table in tables.values() for value in table[x]})
        ax.set_xticks(ticks, [f"{value:,}" for value in ticks])
        ax.minorticks_off()
        ax.set(xlabel=name_of(x), ylabel=text)
    legend(figure)
    return figure


def over_theory(
    runs: Mapping[str, Sequence[pd.DataFrame]], theory: pd.DataFrame, best: Mapping[str, float] | None = None
) -> Picture:
    """Training loss, training margin and held-out accuracy over steps, means of the runs, over the theory's points.

    runs: name -> the records of several seeds. theory: columns epoch, loss, margin, accuracy. best: loss and
    held_out_accuracy that nobody can beat on new pairs.
    """
    points = theory.rename(columns={"accuracy": "held_out_accuracy"})
    means = {name: pd.concat(frames).groupby("step").mean(numeric_only=True) for name, frames in runs.items()}
    ends = "; ".join(
        f"{name} ends at loss {mean.loss.iloc[-1]:.3f}, margin {mean.margin.iloc[-1]:.1f}, "
        f"held-out accuracy {mean.held_out_accuracy.dropna().iloc[-1]:.0%}"
        for name, mean in means.items()
    )
    figure, axes = picture(f"Training curves over the theory's points: {ends}.{best_words(best, THEORY)}", columns=3)
    for ax, (metric, text) in zip(axes, THEORY.items(), strict=True):
        for index, (name, mean) in enumerate(means.items()):
            line = mean[metric].dropna()
            ax.plot(line.index, line, label=name, **series(index, len(means)))
        ax.plot(points.epoch, points[metric], "*", color="black", markersize=12, label="theory", clip_on=False)
        best_line(ax, best, metric)
        ax.set_xscale("symlog", linthresh=10)
        ax.set_xticks([0, 10, 100, 500], ["0", "10", "100", "500"])
        ax.minorticks_off()
        ax.set(xlabel="step (an epoch of the document)", ylabel=text)
    axes[0].set_yscale("log")
    axes[2].set_ylim(0.4, 1.02)
    legend(figure)
    return figure


def reliability(bins: Mapping[str, pd.DataFrame], best: float | None = None) -> Picture:
    """How sure against how right: one line a model (columns confidence and accuracy), the diagonal is calibrated.

    best: the best possible accuracy on these pairs. A perfect scorer lies on the diagonal and is so sure on average.
    """
    surest = {name: table.iloc[-1] for name, table in bins.items()}
    summary = "; ".join(f"{name}: sure {row.confidence:.0%}, right {row.accuracy:.0%}" for name, row in surest.items())
    summary += f"; best possible: {best:.0%} sure on average, and as right" if best is not None else ""
    figure, (ax,) = picture(f"Reliability diagram; in the surest bin: {summary}.", height=4.0)
    ax.plot([0.5, 1], [0.5, 1], linewidth=1.2, label="as sure as right", **look("chance"))
    if best is not None:
        ax.axvline(best, linewidth=1.2, label="best possible, on average", **look("best"))
    for index, (name, table) in enumerate(bins.items()):
        ax.plot(table.confidence, table.accuracy, label=name, **series(index, len(bins), marker=True))
    ax.set(xlabel="confidence: sigma(|margin|)", ylabel="accuracy on held-out pairs", xlim=(0.48, 1.02))
    legend(figure)
    return figure
