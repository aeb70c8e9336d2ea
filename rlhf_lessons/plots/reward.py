"""The doctor's report as a picture."""

import math

import pandas as pd
from matplotlib.axes import Axes
from torch import Tensor

from rlhf_lessons.diagnostics.chart import MANY_POINTS
from rlhf_lessons.diagnostics.doctor.measures import ScoredPairs
from rlhf_lessons.diagnostics.reward_report import RewardReport
from rlhf_lessons.plots.style import SMALL, Picture, alone, best_line, best_words, legend, level, look, picture

BINS = 25


def report_picture(report: RewardReport, best_loss: float | None = None) -> Picture:
    """Rewards of both kinds of answers, margins, and reliability; with a log also its loss and rewards, and length.

    The report's ceiling stands beside the accuracy; best_loss: the loss that nobody can be under on new pairs.
    """
    best = None if best_loss is None else {"loss": best_loss}
    e = report.examination
    log = e.log.finite("loss", "reward_chosen", "reward_rejected") if e.log else []
    words = _alt(report) + (best_words(best, ("loss",)) if log else "")
    figure, axes = picture(words, columns=3, rows=2 if log else 1, height=2.7)
    _rewards(axes[0], e.pairs)
    _margins(axes[1], e.pairs, e.bars.ceiling)
    _reliability(axes[2], e.bins)
    if log:
        best_line(axes[3], best, "loss")
        _log(axes[3], axes[4], pd.DataFrame(log, columns=["loss", "chosen", "rejected"]))
        _lengths(axes[5], e.pairs)
    legend(figure)
    return figure


def _alt(report: RewardReport) -> str:
    pairs, reachable = report.examination.pairs, report.examination.bars.reachable
    return (
        f"Rewards of chosen answers (mean {float(pairs.chosen.mean()):.2f}) and rejected ones "
        f"(mean {float(pairs.rejected.mean()):.2f}); margins, mean {float(pairs.margins.mean()):.2f}; "
        f"accuracy {pairs.accuracy.value:.0%}{reachable}; "
        f"reliability, ECE {report.examination.ece:.2f}."
    )


def _rewards(ax: Axes, pairs: ScoredPairs) -> None:
    edges = bin_edges(pairs.rewards)
    chosen, rejected = _finite(pairs.chosen), _finite(pairs.rejected)
    ax.hist(chosen, bins=edges, alpha=0.45, color=look("chosen")["color"], label="chosen")
    ax.hist(rejected, bins=edges, alpha=0.45, color=look("rejected")["color"], hatch="//", label="rejected")
    ax.set(xlabel="reward", ylabel="answers", title="Rewards")
    ax.locator_params(axis="x", nbins=4)  # rewards far from 0 are long numbers


def _margins(ax: Axes, pairs: ScoredPairs, ceiling: float | None) -> None:
    ax.hist(_finite(pairs.margins), bins=bin_edges(pairs.margins), color=look("new")["color"], alpha=0.7)
    ax.axvline(0, **look("chance"))
    accuracy = f"accuracy {pairs.accuracy.value:.0%}" + ("" if ceiling is None else f"\nof {ceiling:.0%} possible")
    ax.set(xlabel="r(pref) - r(dispref)", ylabel="pairs", title=f"Margins, {accuracy}")


def _finite(values: Tensor) -> list[float]:
    return values[values.isfinite()].tolist()


def bin_edges(values: Tensor) -> list[float]:
    """Bin edges, never narrower than a hundredth of the rewards, so that constant rewards show as one bar."""
    finite = _finite(values) or [0.0]
    low, high = min(finite), max(finite)
    room = max(high - low, 0.01 * max(abs(low), abs(high), 1.0))
    middle = (low + high) / 2
    return [middle - room / 2 + room * number / BINS for number in range(BINS + 1)]


def _reliability(ax: Axes, bins: pd.DataFrame) -> None:
    ax.plot([0.5, 1], [0.5, 1], label="as sure as right", **look("chance"))
    ax.plot(bins.confidence, bins.accuracy, **look("new", marker=True))
    for row in bins.itertuples():
        ax.annotate(
            f"{row.pairs:.0f}", (row.confidence, 0.02), xycoords=("data", "axes fraction"), ha="center", fontsize=SMALL
        )
    ax.set(
        xlabel="confidence sigma(|margin|)",
        ylabel="accuracy (share)",
        ylim=(0, 1.05),
        title="Reliability (below: pairs)",
    )


def _log(loss: Axes, rewards: Axes, log: pd.DataFrame) -> None:
    few = len(log) < 15
    thin = {"linewidth": 0.8, "linestyle": "-"} if len(log) > MANY_POINTS else {}
    loss.plot(log.index + 1, log.loss, **alone("loss", few) | thin)
    level(loss, math.log(2), "a coin")
    loss.set(xlabel="row of the log", ylabel="loss (nats)", title="Training loss")
    rewards.plot(log.index + 1, log.chosen, **look("chosen", marker=few) | thin)
    rewards.plot(log.index + 1, log.rejected, **look("rejected", marker=few) | thin)
    rewards.set(xlabel="row of the log", ylabel="mean reward", title="Training rewards")


def _lengths(ax: Axes, pairs: ScoredPairs) -> None:
    words = [len(answer.split()) for answer in pairs.answers]
    ax.scatter(words[: len(pairs)], pairs.chosen, s=10, alpha=0.5, color=look("chosen")["color"])
    ax.scatter(words[len(pairs) :], pairs.rejected, s=10, alpha=0.5, color=look("rejected")["color"], marker="x")
    ax.set(xlabel="words in the answer", ylabel="reward", title="Reward against length")
