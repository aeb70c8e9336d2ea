"""Pictures of policies: proxy against gold, what cures do, the scorecard."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from rlhf_lessons.plots.style import (
    MEANT,
    WIDTH,
    Meaning,
    Picture,
    dress,
    legend,
    level,
    look,
    meaning_of,
    picture,
    rows_of,
    series,
    whisker,
)
from rlhf_lessons.statistics.fits import Fit
from rlhf_lessons.statistics.intervals import Interval
from rlhf_lessons.statistics.peaks import Peak

GRID = np.linspace(0, 1, 60)
SCORECARD_COLUMNS = 3


def goodhart(
    points: Mapping[str, pd.DataFrame],
    peaks: Mapping[str, Peak],
    fitted: Mapping[str, Mapping[int, Fit]],
    method: str,
) -> Picture:
    """Two panels against sqrt(KL): the gain in proxy score, and in gold score with its peaks and fits.

    points: for each reward model, columns d, gain, proxy_gain and seed, with as many rows a seed. Small markers are
    measurements, lines the means over seeds at each look, large markers the peaks with their intervals. fitted: the
    curves to draw, each the mean over seeds; an empty one is not drawn.
    """
    summary = "; ".join(f"{name}: {_peak_words(one)}" for name, one in peaks.items())
    figure, (proxy, gold) = picture(f"Proxy and gold score of {method} against distance. {summary}.", 2, height=4.2)
    for index, (name, part) in enumerate(points.items()):
        line = series(index, len(points), marker=True)
        means = part.groupby(part.groupby("seed").cumcount())[["d", "gain", "proxy_gain"]].mean()
        for ax, gain in ((proxy, "proxy_gain"), (gold, "gain")):
            ax.plot(part.d, part[gain], line["marker"], color=line["color"], markersize=2, alpha=0.15)
            ax.plot(means.d, means[gain], label=name, **line | {"markersize": 4})
        _mark_peak(gold, peaks[name], line)
        if curves := fitted.get(name):
            grid = GRID * np.mean([part[part.seed == seed].d.max() for seed in curves])
            mean = np.mean([one.gain(grid) for one in curves.values()], axis=0)
            gold.plot(grid, mean, label="fit of Gao et al.", linewidth=1.5, **look("gold"))
    for ax, what, unit in ((proxy, "proxy", "sd of the SFT model"), (gold, "gold", "0 to 1")):
        level(ax, 0, "the SFT model", "before")
        colour = look(meaning_of("score" if what == "proxy" else "gold_score"))["color"]
        ax.set_title("What is optimised" if what == "proxy" else "The truth, with its peaks", color=colour)
        ax.set_xlabel("sqrt(KL) (nats^0.5)")
        ax.set_ylabel(f"gain in {what} score ({unit})", color=colour)
    legend(figure)
    return figure


def _peak_words(one: Peak) -> str:
    where = (
        f" of gold {one.height.value:+.2f} at KL {one.at.value:.2f}" if one.turns else f" ({one.agree:.0%} of draws)"
    )
    return one.verdict + where


def _mark_peak(ax: Axes, one: Peak, line: Mapping[str, Any]) -> None:
    """A large marker where a peak is clear, with the interval of its place and of its height."""
    if not one.turns:
        return
    at, low, high = (max(kl, 0.0) ** 0.5 for kl in (one.at.value, one.at.low, one.at.high))
    height, colour = one.height, line["color"]
    ax.plot([low, high], [height.value] * 2, color=colour, linewidth=2)
    ax.plot([at, at], [height.low, height.high], color=colour, linewidth=2)
    ax.plot(at, height.value, line["marker"], color=colour, markersize=9, markeredgecolor="white")


def foretold(rates: pd.DataFrame) -> Picture:
    """One line a warning of `gate.foretold`, a panel a rate: how well it foretells that PPO harms safety."""
    names = list(rates.columns.drop("runs"))
    said = "; ".join(
        f"{warning} " + ", ".join(f"{name} {row[name].value:.0%}" for name in names)
        for warning, row in rates.iterrows()
    )
    alt = f"How well each warning foretells harm: {said}."
    figure, axes = picture(alt, len(names), height=0.32 * len(rates) + 1.2)
    for ax, name in zip(axes, names, strict=True):
        rows_of(ax, list(rates.index))
        for place, one in enumerate(rates[name]):
            whisker(ax, place, one, series(0, 1))
        ax.set(title=name, xlabel="share of runs", xlim=(-0.04, 1.04))
        ax.tick_params(labelleft=name == names[0])
    return figure


def leads(table: pd.DataFrame, baseline: str, reference: Mapping[str, float]) -> Picture:
    """One line a condition of `verdicts.comparison`: its lead over the baseline in safe share, with its interval.

    reference: named vertical lines, in the same unit.
    """
    rows = table.drop(index=baseline)
    said = "; ".join(f"{row.label} {row['lead']:+.1%}" for _, row in rows.iterrows())
    over = table.label[baseline]
    figure, ax = _wide(f"Lead in the safe share over {over}: {said}.", 0.32 * len(rows) + 1.2)
    rows_of(ax, list(rows.label))
    for place, row in enumerate(rows.to_dict("records")):
        _lead(ax, place, row, "safe")
    for text, value in reference.items():
        ax.axvline(value, linewidth=1.2, label=text, **look("before"))
    _mark_zero(ax)
    ax.set_xlabel(f"lead in the share of safe answers over “{over}”")
    legend(figure)
    return figure


def by_block(table: pd.DataFrame) -> Picture:
    """One line an effect of `verdicts.by_block`: its lead in each block of seeds, side by side, with intervals.

    The first block is the seeds that were in sight while choosing, the others are those that nobody had seen.
    """
    blocks = list(table.columns.unique(0))
    summary = "; ".join(
        f"{effect} " + " and ".join(f"{row[block, 'lead']:+.1%}" for block in blocks)
        for effect, row in table.iterrows()
    )
    figure, ax = _wide(f"Leads in the safe share, {' and '.join(blocks)}: {summary}.", 0.34 * len(table) + 1.4)
    rows_of(ax, list(table.index))
    for index, block in enumerate(blocks):
        for place, row in enumerate(pd.DataFrame(table[block]).to_dict("records")):
            away = 0.28 * (index - (len(blocks) - 1) / 2)
            _lead(ax, place + away, row, "own" if index == 0 else "new", label=block if place == 0 else None)
    _mark_zero(ax)
    ax.set_xlabel("lead in the share of safe answers")
    legend(figure)
    return figure


def hypotheses(table: pd.DataFrame) -> Picture:
    """One line a condition of `hypotheses.summary`, under the one it is compared with.

    Left its lead in held-out accuracy, with its interval; right its held-out loss.
    """
    names: list[str] = []
    rows: list[dict[Any, Any] | None] = []
    for other, part in table[table.index != table.against].groupby("against", sort=False):
        names += [f"over “{other}”", *part.index]
        rows += [None, *part.to_dict("records")]
    said = "; ".join(
        f"{name} {row['lead']:+.1%}, {row['verdict']}" for name, row in zip(names, rows, strict=True) if row
    )
    alt = f"Lead of each condition in held-out accuracy: {said}."
    figure, (leads, losses) = picture(alt, 2, height=0.27 * len(rows) + 1.2)
    for ax in (leads, losses):
        rows_of(ax, names)
    for place, row in enumerate(rows):
        if row is None:
            leads.get_yticklabels()[place].set_fontweight("bold")
            continue
        ends = {"low": row["lead"] - row["plus_minus"], "high": row["lead"] + row["plus_minus"]}
        _lead(leads, place, row | ends, "new")
        losses.plot(row["held_out_loss"], place, **look("new", marker=True))
    _mark_zero(leads)
    leads.set_xlabel("lead in held-out accuracy")
    losses.axvline(math.log(2), label="a coin", **look("chance"))
    losses.set_xlabel("held-out loss (nats)")
    losses.tick_params(labelleft=False)
    legend(figure)
    return figure


def _lead(ax: Axes, place: float, row: Mapping[Any, Any], meaning: Meaning, **name: Any) -> None:
    """A lead with its interval, hollow where that reaches 0."""
    one = Interval(row["lead"], row["low"], row["high"])
    whisker(ax, place, one, look(meaning, marker=True), one.low > 0 or one.high < 0, **name)


def _mark_zero(ax: Axes) -> None:
    ax.axvline(0, linewidth=1.2, label="no difference (hollow: it may be chance)", **look("chance"))
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def scorecard(card: Mapping[str, Mapping[str, Interval]], units: Mapping[str, str]) -> Picture:
    """One panel a column of the scorecard, one marker with its interval a policy. `units` names each column's unit."""
    policies = list(next(iter(card.values())))
    first = next(iter(card))
    summary = "; ".join(f"{name} {share.value:.0%}" for name, share in card[first].items())
    alt = f"Scorecard of {len(policies)} policies on {len(card)} measures. {first}: {summary}."
    height = 0.2 * len(policies) + 0.9
    figure, axes = picture(alt, SCORECARD_COLUMNS, -(-len(card) // SCORECARD_COLUMNS), height)
    for number, (ax, (column, by_policy)) in enumerate(zip(axes, card.items(), strict=False)):
        line = look(MEANT[column], marker=True) if column in MEANT else series(0, 1)
        rows_of(ax, policies)
        for place, one in enumerate(by_policy.values()):
            whisker(ax, place, one, line)
        ax.set(title=column, xlabel=units[column])
        ax.tick_params(labelleft=number % SCORECARD_COLUMNS == 0)
    for ax in axes[len(card) :]:
        ax.set_visible(False)
    return figure


def ladder(means: Mapping[str, Interval], ylabel: str, reference: Mapping[str, float]) -> Picture:
    """Mean safe shares with intervals side by side in order, and named horizontal lines."""
    summary = "; ".join(f"{name} {one.value:.1%}" for name, one in means.items())
    figure, ax = _wide(f"{ylabel}: {summary}.", 3.2)
    for place, one in enumerate(means.values()):
        ax.errorbar(place, one.value, [[one.value - one.low], [one.high - one.value]], **look("safe", marker=True))
        ax.annotate(f"{one.value:.1%}", (place, one.high), xytext=(0, 4), textcoords="offset points", ha="center")
    for text, value in reference.items():
        level(ax, value, text, "before")
    ax.set(xticks=range(len(means)), xticklabels=list(means), ylabel=ylabel, ylim=(-0.02, 1.1))
    ax.set_xlim(-0.5, len(means) - 0.5)
    legend(figure)
    return figure


def _wide(alt: str, height: float) -> tuple[Picture, Axes]:
    figure = Picture(alt, (WIDTH, height))
    ax = figure.subplots()
    dress(ax)
    return figure, ax
