"""How far a policy may follow its judge before the truth turns: the observed peak of the gold score, and Gao's fits.

A fit is shown only where it describes what was measured (`fitting`).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from rlhf_lessons.statistics.fits import Fit, fit
from rlhf_lessons.statistics.peaks import Peak, peak
from rlhf_lessons.sweeps.verdicts import facts_of

GOOD_FIT, MOST = 0.9, 0.75


def ppo_points(evaluations: pd.DataFrame, condition: str) -> pd.DataFrame:
    """A condition's evaluations with d = sqrt(KL) and the gains in gold and proxy score since the first, per seed."""
    return _with_gains(evaluations[evaluations.condition == condition].sort_values(["seed", "step"]))


def best_of_n_points(best_of_n: pd.DataFrame, reward: str) -> pd.DataFrame:
    """Best-of-n by one reward model, in the same columns; the gains are those since n = 1."""
    return _with_gains(best_of_n[best_of_n.reward == reward].sort_values(["seed", "n"]))


def _with_gains(points: pd.DataFrame) -> pd.DataFrame:
    first = points.groupby("seed")[["gold_score", "score"]].transform("first")
    gains = {"gain": points.gold_score - first.gold_score, "proxy_gain": points.score - first.score}
    return points.assign(d=np.sqrt(points.kl.clip(lower=0)), **gains)


def ppo_peak(points: pd.DataFrame, looks: pd.DataFrame, condition: str) -> Peak:
    """Where the gold gain of a condition is highest, over its updates; `looks` are the kept ones, case by case."""
    return _peak(points, looks[looks.condition == condition].sort_values(["seed", "step"]))


def best_of_n_peak(points: pd.DataFrame, looks: pd.DataFrame, reward: str) -> Peak:
    """Where the gold gain of best-of-n by one reward model is highest, over n."""
    return _peak(points, looks[looks.reward == reward].sort_values(["seed", "n"]))


def _peak(points: pd.DataFrame, looks: pd.DataFrame) -> Peak:
    """The peak of the gains since the first look. points and looks have the same rows, in the same order."""
    n_seeds = points.seed.nunique()
    gold = looks.filter(regex=r"^\d+$").to_numpy().reshape(n_seeds, len(points) // n_seeds, -1)
    return peak(gold - gold[:, :1], points.kl.clip(lower=0).to_numpy().reshape(n_seeds, -1), facts_of("held_out"))


def peak_table(peaks: Mapping[str, Peak], points: Mapping[str, pd.DataFrame], look: str) -> pd.DataFrame:
    """One row a reward model: what was seen, where the gold gain is highest, how high, and what is left at the end.

    look: the column that counts the looks: `step`, or `n`.
    """
    rows = {}
    for name, one in peaks.items():
        part = points[name]
        rows[name] = {
            "seen": one.verdict,
            "draws that agree": f"{one.agree:.0%}",
            f"at {look}": np.sort(part[look].unique())[one.look],
            "at KL (nats)": f"{one.at:.2f}",
            "between looks at KL": f"{one.before:.2f} and {one.after:.2f}",
            "gain there": f"{one.height:+.3f}",
            "gain at the last look": f"{part[part[look] == part[look].max()].gain.mean():+.3f}",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("reward model")


def fitting(points: pd.DataFrame, method: str, found: Peak) -> dict[int, Fit]:
    """The curve of Gao et al. fitted to each seed's points, or nothing where it does not describe them.

    It does if a peak is clear (`Peak.turns`), at least three seeds of four have an R squared of 0.9 or more, and the
    median of their turns lies between the looks beside the interval of the observed peak.
    """
    parts = {int(seed): points[points.seed == seed] for seed in sorted(points.seed.unique())}
    curves = {seed: fit(method, part.d.to_numpy(), part.gain.to_numpy()) for seed, part in parts.items()}
    close = np.mean([curve.r_squared >= GOOD_FIT for curve in curves.values()]) >= MOST
    turn = float(np.median([curve.turn for curve in curves.values()])) ** 2
    return curves if found.turns and close and found.before <= turn <= found.after else {}


def fit_table(fitted: Mapping[str, Mapping[int, Fit]]) -> pd.DataFrame:
    """One row a reward model whose curves fit: alpha, beta, the turn, R squared; medians and ranges over seeds."""
    rows = {
        name: {
            "alpha": _spread([one.alpha for one in curves.values()]),
            "beta": _spread([one.beta for one in curves.values()]),
            "turns down at KL (nats)": _spread([one.turn**2 for one in curves.values()]),
            "R squared": _spread([one.r_squared for one in curves.values()]),
        }
        for name, curves in fitted.items()
        if curves
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("reward model")


def _spread(values: Sequence[float]) -> str:
    middle, low, high = float(np.median(values)), min(values), max(values)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"
