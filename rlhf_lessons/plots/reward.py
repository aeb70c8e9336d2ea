"""The doctor's report as a picture."""

import math

import pandas as pd
from matplotlib.axes import Axes
from torch import Tensor

from rlhf_lessons.diagnostics.doctor.measures import ScoredPairs
from rlhf_lessons.diagnostics.reward_report import RewardReport
from rlhf_lessons.plots.style import COLOURS, GREY, Picture, best_line, best_words, level, picture, style

BINS = 25


def report_picture(report: RewardReport, best_loss: float | None = None) -> Picture:
    """Rewards of both kinds of answers, margins, and reliability; with a log also its loss and rewards, and length.

    The report's ceiling stands beside the accuracy; best_loss: the loss that nobody can be under on new pairs.
    """
    best = None if best_loss is None else {"loss": best_loss}
    e = report.examination
    log = e.log.finite("loss", "reward_chosen", "reward_rejected") if e.log else []
    words = _alt(report) + (best_words(best, ("loss",)) if log else "")
    figure, axes = picture(words, columns=3, rows=2 if log else 1, height=3.0)
    _rewards(axes[0], e.pairs)
    _margins(axes[1], e.pairs, e.bars.ceiling)
    _reliability(axes[2], e.bins)
    if log:
        best_line(axes[3], best, "loss")
        _log(axes[3], axes[4], pd.DataFrame(log, columns=["loss", "chosen", "rejected"]))
        _lengths(axes[5], e.pairs)
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
    for index, (name, values) in enumerate({"chosen": pairs.chosen, "rejected": pairs.rejected}.items()):
        ax.hist(_finite(values), bins=edges, alpha=0.45, color=COLOURS[index], hatch=("", "//")[index], label=name)
    ax.set(xlabel="reward", ylabel="answers", title="Rewards")
    ax.legend(frameon=False)


def _margins(ax: Axes, pairs: ScoredPairs, ceiling: float | None) -> None:
    ax.hist(_finite(pairs.margins), bins=bin_edges(pairs.margins), color=COLOURS[2], alpha=0.7)
    ax.axvline(0, color=GREY, linestyle=":")
    accuracy = f"accuracy {pairs.accuracy.value:.0%}" + ("" if ceiling is None else f", best possible {ceiling:.0%}")
    ax.set(xlabel="r(pref) - r(dispref)", ylabel="pairs", title=f"Margins ({accuracy})")


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
    ax.plot([0.5, 1], [0.5, 1], color=GREY, linestyle=":", label="calibrated")
    ax.plot(bins.confidence, bins.accuracy, label="measured", **style(0, marker=True))
    for row in bins.itertuples():
        ax.annotate(
            f"{row.pairs:.0f}", (row.confidence, row.accuracy), xytext=(4, -10), textcoords="offset points", fontsize=8
        )
    ax.set(
        xlabel="confidence sigma(|margin|)",
        ylabel="accuracy (share)",
        ylim=(0, 1.05),
        title="Reliability (pairs a point)",
    )
    ax.legend(frameon=False)


def _log(loss: Axes, rewards: Axes, log: pd.DataFrame) -> None:
    few = len(log) < 15
    loss.plot(log.index + 1, log.loss, **style(0, few))
    level(loss, math.log(2), "ln 2: a coin")
    loss.set(xlabel="row of the log", ylabel="loss (nats)", title="Training loss")
    rewards.plot(log.index + 1, log.chosen, label="chosen", **style(0, few))
    rewards.plot(log.index + 1, log.rejected, label="rejected", **style(1, few))
    rewards.set(xlabel="row of the log", ylabel="mean reward", title="Training rewards")
    rewards.legend(frameon=False)


def _lengths(ax: Axes, pairs: ScoredPairs) -> None:
    words = [len(answer.split()) for answer in pairs.answers]
    ax.scatter(words[: len(pairs)], pairs.chosen, s=10, alpha=0.5, color=COLOURS[0], label="chosen")
    ax.scatter(words[len(pairs) :], pairs.rejected, s=10, alpha=0.5, color=COLOURS[1], marker="x", label="rejected")
    ax.set(xlabel="words in the answer", ylabel="reward", title="Reward against length")
    ax.legend(frameon=False)
