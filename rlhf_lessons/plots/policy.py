"""Pictures of policies: proxy against gold, what cures do, the scorecard."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from rlhf_lessons.plots.style import COLOURS, GREY, MARKERS, Picture, level, picture, style
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
    curves to draw, dotted, each the mean over seeds; an empty one is not drawn.
    """
    summary = "; ".join(f"{name}: {_peak_words(one)}" for name, one in peaks.items())
    figure, (proxy, gold) = picture(f"Proxy and gold score of {method} against distance. {summary}.", 2, height=3.8)
    for index, (name, part) in enumerate(points.items()):
        means = part.groupby(part.groupby("seed").cumcount())[["d", "gain", "proxy_gain"]].mean()
        for ax, gain in ((proxy, "proxy_gain"), (gold, "gain")):
            ax.plot(part.d, part[gain], MARKERS[index], color=COLOURS[index], markersize=2.5, alpha=0.3)
            ax.plot(means.d, means[gain], label=name, **style(index))
        _mark_peak(gold, peaks[name], index)
        if curves := fitted.get(name):
            grid = GRID * np.mean([part[part.seed == seed].d.max() for seed in curves])
            mean = np.mean([one.gain(grid) for one in curves.values()], axis=0)
            gold.plot(grid, mean, ":", color="black", linewidth=1)
    fits = ", dotted: the fits of Gao et al." if any(fitted.values()) else ""
    for ax, title in ((proxy, "What is optimised"), (gold, f"The truth, with its peaks{fits}")):
        level(ax, 0, "the SFT model")
        ax.set(xlabel="sqrt(KL) (nats^0.5)", title=title)
    proxy.set(ylabel="gain in RM score (sd of the SFT model)")
    gold.set(ylabel="gain in gold score (0 to 1)")
    proxy.legend(frameon=False, fontsize=9)
    return figure


def _peak_words(one: Peak) -> str:
    where = (
        f" of gold {one.height.value:+.2f} at KL {one.at.value:.2f}" if one.turns else f" ({one.agree:.0%} of draws)"
    )
    return one.verdict + where


def _mark_peak(ax: Axes, one: Peak, index: int) -> None:
    """A large marker where a peak is clear, with the interval of its place and of its height."""
    if not one.turns:
        return
    at, low, high = (max(kl, 0.0) ** 0.5 for kl in (one.at.value, one.at.low, one.at.high))
    height = one.height
    ax.plot([low, high], [height.value] * 2, color=COLOURS[index], linewidth=2)
    ax.plot([at, at], [height.low, height.high], color=COLOURS[index], linewidth=2)
    ax.plot(at, height.value, MARKERS[index], color=COLOURS[index], markersize=9, markeredgecolor="black")


def foretold(rates: pd.DataFrame) -> Picture:
    """One line a warning of `gate.foretold`, a panel a rate: how well it foretells that PPO harms safety."""
    names = list(rates.columns.drop("runs"))
    said = "; ".join(
        f"{warning} " + ", ".join(f"{name} {row[name].value:.0%}" for name in names)
        for warning, row in rates.iterrows()
    )
    alt = f"How well each warning foretells harm: {said}."
    figure, axes = picture(alt, len(names), height=0.32 * len(rates) + 1.2)
    for number, (ax, name) in enumerate(zip(axes, names, strict=True)):
        for place, one in enumerate(rates[name]):
            ax.plot([one.low, one.high], [place, place], color=COLOURS[number], linewidth=2)
            ax.plot(one.value, place, color=COLOURS[number], marker=MARKERS[number], markersize=7)
        ax.set(title=name, xlabel="share of runs", xlim=(-0.04, 1.04), ylim=(len(rates) - 0.5, -0.5))
        ax.set_yticks(range(len(rates)), list(rates.index) if number == 0 else [""] * len(rates))
    return figure


def leads(table: pd.DataFrame, baseline: str, reference: Mapping[str, float]) -> Picture:
    """One line a condition of `verdicts.comparison`: its lead over the baseline in safe share, with its interval.

    reference: named vertical lines, in the same unit.
    """
    rows = table.drop(index=baseline)
    said = "; ".join(f"{row.label} {row['lead']:+.1%}" for _, row in rows.iterrows())
    over = table.label[baseline]
    figure, ax = _wide(f"Lead in the safe share over {over}: {said}.", 0.42 * len(rows) + 1.2)
    for place, (_, row) in enumerate(rows.iterrows()):
        low, high = float(row["low"]), float(row["high"])
        index = 2 if low > 0 else 1 if high < 0 else 6
        ax.plot([low, high], [place, place], color=COLOURS[index], linewidth=2)
        ax.plot(row["lead"], place, color=COLOURS[index], marker=MARKERS[index], markersize=7)
    for text, value in reference.items():
        ax.axvline(value, color=GREY, linestyle="--", linewidth=1)
        ax.annotate(text, (value, len(rows) - 0.4), xytext=(3, 0), textcoords="offset points", color=GREY, fontsize=9)
    ax.axvline(0, color=GREY, linestyle=":")
    ax.set(
        yticks=range(len(rows)),
        yticklabels=list(rows.label),
        xlabel=f"lead in the share of safe answers over “{over}”",
    )
    ax.set_ylim(len(rows) - 0.3, -0.7)
    return figure


def by_block(table: pd.DataFrame) -> Picture:
    """One line an effect of `verdicts.by_block`: its lead in each block of seeds, side by side, with intervals."""
    blocks = list(table.columns.unique(0))
    summary = "; ".join(
        f"{effect} " + " and ".join(f"{row[block, 'lead']:+.1%}" for block in blocks)
        for effect, row in table.iterrows()
    )
    figure, ax = _wide(f"Leads in the safe share, {' and '.join(blocks)}: {summary}.", 0.42 * len(table) + 1.4)
    for index, block in enumerate(blocks):
        part, places = table[block], np.arange(len(table)) + 0.28 * (index - (len(blocks) - 1) / 2)
        ax.hlines(places, part["low"], part["high"], color=COLOURS[index], linewidth=2)
        ax.plot(part["lead"], places, color=COLOURS[index], marker=MARKERS[index], linestyle="none", label=block)
    ax.axvline(0, color=GREY, linestyle=":")
    ax.set(yticks=range(len(table)), yticklabels=list(table.index), xlabel="lead in the share of safe answers")
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.legend(frameon=False, fontsize=9)
    return figure


def scorecard(card: Mapping[str, Mapping[str, Interval]], units: Mapping[str, str]) -> Picture:
    """One panel a column of the scorecard, one marker with its interval a policy. `units` names each column's unit."""
    policies = list(next(iter(card.values())))
    first = next(iter(card))
    summary = "; ".join(f"{name} {share.value:.0%}" for name, share in card[first].items())
    alt = f"Scorecard of {len(policies)} policies on {len(card)} measures. {first}: {summary}."
    figure, axes = picture(alt, SCORECARD_COLUMNS, -(-len(card) // SCORECARD_COLUMNS), 2.4)
    figure.set_figwidth(11)
    for number, (ax, (column, by_policy)) in enumerate(zip(axes, card.items(), strict=False)):
        _whiskers(ax, list(by_policy.values()))
        ax.set(title=column, xlabel=units[column], ylim=(len(policies) - 0.5, -0.5), yticks=range(len(policies)))
        ax.set_yticklabels(policies if number % SCORECARD_COLUMNS == 0 else [""] * len(policies))
    for ax in axes[len(card) :]:
        ax.set_visible(False)
    return figure


def _whiskers(ax: Axes, intervals: Sequence[Interval]) -> None:
    for place, one in enumerate(intervals):
        ax.plot([one.low, one.high], [place, place], color=COLOURS[place], linewidth=2)
        ax.plot(one.value, place, color=COLOURS[place], marker=MARKERS[place], markersize=7)


def ladder(means: Mapping[str, Interval], ylabel: str, reference: Mapping[str, float]) -> Picture:
    """Means with intervals side by side in order, and named horizontal lines."""
    summary = "; ".join(f"{name} {one.value:.1%}" for name, one in means.items())
    figure, ax = _wide(f"{ylabel}: {summary}.", 3.4)
    for place, one in enumerate(means.values()):
        ax.plot([place, place], [one.low, one.high], color=COLOURS[place % 7], linewidth=2)
        ax.plot(place, one.value, color=COLOURS[place % 7], marker=MARKERS[place % 7], markersize=8)
        ax.annotate(f"{one.value:.1%}", (place, one.value), xytext=(9, -3), textcoords="offset points")
    for text, value in reference.items():
        level(ax, value, text)
    ax.set(xticks=range(len(means)), xticklabels=list(means), ylabel=ylabel, ylim=(-0.02, 1.05))
    ax.set_xlim(-0.4, len(means) - 0.3)
    return figure


def _wide(alt: str, height: float) -> tuple[Picture, Axes]:
    figure = Picture(alt, (9.0, height))
    ax = figure.subplots()
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    return figure, ax
