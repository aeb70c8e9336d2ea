"""The losses of preference methods, as TRL computes them, with what each pulls at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tools.simulated_logs.pairs import preference_loss, sigmoid
from tools.simulated_logs.tokens import Pass

if TYPE_CHECKING:
    from tools.simulated_logs.preference import PreferenceRun


@dataclass(frozen=True)
class Loss:
    """A loss; the rewards it implies (2B,), chosen first; its derivative by each of the T log-probabilities (2B,)."""

    value: float
    rewards: np.ndarray
    pull: np.ndarray
    more: Mapping[str, float] = field(default_factory=dict)


def loss(run: "PreferenceRun", now: Pass, ratios: np.ndarray, kl: float) -> Loss:
    """The loss of a batch of B chosen answers and, after them, their B rejected ones; ratios: log pi / pi_ref (2B,)."""
    if run.method == "orpo":
        return _orpo(run, now)
    if run.method == "kto":
        return _kto(run, now, ratios, kl)
    return _dpo(run, now, ratios)


def _dpo(run: "PreferenceRun", now: Pass, ratios: np.ndarray) -> Loss:
    """Rafailov et al. (arXiv:2305.18290, eq. 7), the hinge of SLiC, and IPO (arXiv:2310.12036, eq. 17) per token."""
    size, weight = len(ratios) // 2, now.answers.repeats
    if run.method == "ipo":
        weight = np.full(len(ratios), 1 / now.logps.shape[1])
        ratios_used = ratios / now.answers.lengths()
    else:
        ratios_used = ratios
    gap = ratios_used[:size] - ratios_used[size:]
    if run.method == "ipo":
        values, slope = (gap - 1 / (2 * run.beta)) ** 2, 2 * (gap - 1 / (2 * run.beta))
    elif run.method == "hinge":
        values, slope = np.maximum(0, 1 - run.beta * gap), -run.beta * (run.beta * gap < 1).astype(float)
    else:
        values = preference_loss(run.beta * gap, run.smoothing)
        slope = run.beta * (sigmoid(run.beta * gap) - (1 - run.smoothing))
    pull = np.concatenate([slope, -slope]) / size * weight
    return Loss(float(values.mean()), run.beta * ratios, pull)


def _kto(run: "PreferenceRun", now: Pass, ratios: np.ndarray, kl: float) -> Loss:
    """Ethayarajh et al. (arXiv:2402.01306, eq. 7), with both weights 1."""
    size = len(ratios) // 2
    side = np.where(np.arange(2 * size) < size, 1.0, -1.0)
    liked = sigmoid(side * run.beta * (ratios - kl))
    pull = -side * run.beta * liked * (1 - liked) / (2 * size) * now.answers.repeats
    return Loss(float((1 - liked).mean()), run.beta * ratios, pull)


def _orpo(run: "PreferenceRun", now: Pass) -> Loss:
    """Hong et al. (arXiv:2403.07691, eq. 6): the chosen answer's own loss, and the log odds ratio per token."""
    means = now.means()
    size, places = len(means) // 2, now.logps.shape[1]
    odds = means - np.log1p(-np.exp(np.minimum(means, -1e-4)))
    gap = odds[:size] - odds[size:]
    ratio = -preference_loss(gap)
    nll = -means[:size]
    slope = run.beta * (sigmoid(gap) - 1) / size
    pull = np.concatenate([slope, -slope]) / (1 - np.exp(np.minimum(means, -1e-4))) / places
    pull[:size] -= 1 / size / places
    more = {
        "nll_loss": float(nll.mean()),
        "log_odds_ratio": float(ratio.mean()),
        "log_odds_chosen": float(gap.mean()),
    }
    return Loss(float((nll - run.beta * ratio).mean()), run.beta * means, pull, more)
