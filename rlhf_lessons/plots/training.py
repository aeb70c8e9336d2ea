"""Curves of a training, bars of shares, and the course in a row of boxes."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from rlhf_lessons.plots.style import (
    GREY,
    WIDTH,
    Picture,
    alone,
    best_line,
    best_words,
    label,
    legend,
    level,
    look,
    name_of,
    picture,
    series,
)
from rlhf_lessons.stages.history import History
from rlhf_lessons.statistics.shares import Share

FEW_POINTS = 30  # fewer are marked, each by a dot


def curves(
    runs: Mapping[str, History | pd.DataFrame],
    metrics: Sequence[str],
    levels: Mapping[str, Mapping[str, float]] | None = None,
    x: str = "step",
    best: Mapping[str, float] | None = None,
) -> Picture:
    """One panel a metric, one line a run: where there is but one, in the colour of what the metric means.

    `levels` draws named horizontal lines: metric -> text -> value. `best`: metric -> the value that nobody can beat on
    new pairs.
    """
    names = ", ".join(map(name_of, metrics))
    figure, axes = picture(
        f"Curves of {names} over {x} for {', '.join(runs)}.{best_words(best, metrics)}",
        min(len(metrics), 3),
        -(-len(metrics) // 3),
    )
    for ax, metric in zip(axes, metrics, strict=False):
        for index, (name, run) in enumerate(runs.items()):
            frame = run.frame() if isinstance(run, History) else run
            if metric in frame:
                part = frame[[x, metric]].dropna()
                few, one = len(part) < FEW_POINTS, len(runs) == 1
                line = alone(metric, few) if one else series(index, len(runs), few)
                ax.plot(part[x], part[metric], label=None if one else name, **line)
        for text, value in (levels or {}).get(metric, {}).items():
            level(ax, value, text)
        best_line(ax, best, metric)
        ax.set(xlabel=label(x), ylabel=label(metric))
    for ax in axes[len(metrics) :]:
        ax.set_visible(False)
    legend(figure)
    return figure


def band(
    frame: pd.DataFrame,
    x: str,
    y: str,
    labels: tuple[str, str],
    log_x: bool = False,
    levels: Mapping[str, float] | None = None,
) -> Picture:
    """Mean of `y` at each `x` with the range over repeats (seeds) as error bars. labels: of `x` and `y`."""
    grouped = frame.groupby(x)[y].agg(["mean", "min", "max"])
    ends = (
        f"{grouped['mean'].iloc[0]:.2f} at {grouped.index[0]} to {grouped['mean'].iloc[-1]:.2f} at {grouped.index[-1]}"
    )
    figure, (ax,) = picture(f"{labels[1]} against {labels[0]}: from {ends}.")
    spread = [grouped["mean"] - grouped["min"], grouped["max"] - grouped["mean"]]
    ax.errorbar(grouped.index, grouped["mean"], yerr=spread, capsize=4, **alone(y, marker=True))
    if log_x:
        ax.set_xscale("log")
        ax.set_xticks(grouped.index, [f"{value:g}" for value in grouped.index])
        ax.minorticks_off()
    for text, value in (levels or {}).items():
        level(ax, value, text)
    ax.set(xlabel=labels[0], ylabel=labels[1])
    legend(figure)
    return figure


def shares(values: Mapping[str, Share], ylabel: str, levels: Mapping[str, float] | None = None) -> Picture:
    """Bars of safe shares with their 95 % intervals."""
    summary = "; ".join(f"{name} {share.value:.1%}" for name, share in values.items())
    figure, (ax,) = picture(f"Bars of {ylabel}: {summary}.")
    for index, share in enumerate(values.values()):
        low, high = share.interval.low, share.interval.high
        error = [[max(share.value - low, 0)], [max(high - share.value, 0)]]
        ax.bar(index, share.value, yerr=error, capsize=5, color=look("safe")["color"], width=0.6)
        ax.annotate(f"{share.value:.1%}", (index, high), xytext=(0, 3), textcoords="offset points", ha="center")
    for text, value in (levels or {}).items():
        level(ax, value, text)
    ax.set(xticks=range(len(values)), xticklabels=list(values), ylabel=ylabel, ylim=(0, 1.12))
    legend(figure)
    return figure


def reward_log(log: pd.DataFrame, title: str = "", best: Mapping[str, float] | None = None) -> Picture:
    """A reward model's log, three panels: loss against ln 2, both rewards, accuracy against a coin.

    Columns epoch, loss, accuracy, reward_preferred and reward_dispreferred (or reward_chosen and reward_rejected).
    `best`: the loss and the accuracy that nobody can beat on new pairs, where labels are noisy.
    """
    log = log.rename(columns={"reward_preferred": "reward_chosen", "reward_dispreferred": "reward_rejected"})
    first, last = log.iloc[0], log.iloc[-1]
    alt = (
        f"{title} Loss from {first.loss:.4f} to {last.loss:.4f}; reward of the chosen answers from "
        f"{first.reward_chosen:.2f} to {last.reward_chosen:.2f}, of the rejected from {first.reward_rejected:.2f} to "
        f"{last.reward_rejected:.2f}; accuracy from {first.accuracy:.0%} to {last.accuracy:.0%}."
        f"{best_words(best, ('loss', 'accuracy'))}"
    )
    figure, (loss, rewards, accuracy) = picture(alt.strip(), columns=3)
    few = len(log) < FEW_POINTS
    loss.plot(log.epoch, log.loss, **alone("loss", few))
    level(loss, math.log(2), "a coin")
    best_line(loss, best, "loss")
    loss.set(xlabel="epoch", ylabel="loss (nats)")
    rewards.plot(log.epoch, log.reward_chosen, label="chosen", linewidth=3, **look("chosen", marker=few))
    rewards.plot(log.epoch, log.reward_rejected, label="rejected", **look("rejected", marker=few))
    rewards.set(xlabel="epoch", ylabel="mean reward")
    accuracy.plot(log.epoch, log.accuracy, **alone("accuracy", few))
    level(accuracy, 0.5, "a coin")
    best_line(accuracy, best, "accuracy")
    accuracy.set(xlabel="epoch", ylabel="accuracy (share)", ylim=(0, 1.05))
    legend(figure, title)
    return figure


def pipeline_map(measured: Mapping[str, str], branches: Mapping[str, tuple[str, str]]) -> Picture:
    """The course as a row of boxes: stage -> what it reached, in words. Below, what may stand in a stage's place.

    branches: name -> the stage that it starts from, and what it reached.
    """
    said = {**measured, **{name: f"from {start}, {text}" for name, (start, text) in branches.items()}}
    summary = "; ".join(f"{stage}: {text}" for stage, text in said.items())
    figure = Picture(f"The stages of the course as a map. {summary}.".replace("\n", " "), (WIDTH, 2.6))
    ax = figure.subplots()
    ax.axis("off")
    places = {stage: (float(index), 0.0) for index, stage in enumerate(measured)}
    arrows = [((index - 0.64, 0.0), (index - 0.36, 0.0)) for index in range(1, len(measured))]
    for name, (start, _) in branches.items():
        column = places[start][0]
        places[name] = (column + 1, -1.0)
        arrows.append(((column + 0.2, -0.38), (column + 0.62, -0.85)))
    texts = {**measured, **{name: text for name, (_, text) in branches.items()}}
    box = {"boxstyle": "round,pad=0.6", "facecolor": "white", "edgecolor": series(0, 1)["color"], "linewidth": 2}
    for stage, (x, y) in places.items():
        ax.text(x, y, f"{stage}\n\n{texts[stage]}", ha="center", va="center", fontsize=10, color="black", bbox=box)
    for tail, head in arrows:
        ax.annotate("", head, tail, arrowprops={"arrowstyle": "->", "color": GREY})
    ax.set(xlim=(-0.6, len(measured) - 0.4), ylim=(-1.45, 0.45))
    return figure
