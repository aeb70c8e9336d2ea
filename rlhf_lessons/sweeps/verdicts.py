"""What the kept results of the over-optimisation sweep say: scorecards, leads, curves with their fits, alarm rates."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from rlhf_lessons.diagnostics.alarms import ALARMS
from rlhf_lessons.refusals import check_choice
from rlhf_lessons.statistics.fits import Fit, fit
from rlhf_lessons.statistics.intervals import Interval, bootstrap
from rlhf_lessons.sweeps.over_optimisation import LABELS
from rlhf_lessons.world.cases import cases_in

# Scorecard column -> measure, and the true verdicts of the cases it evaluations at.
EVERY = ("avoid", "reduce", "safe")
COLUMNS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "medical accuracy": ("safety", EVERY),
    "contraindication recall": ("safety", ("avoid", "reduce")),
    "specificity": ("safety", ("safe",)),
    "dose accuracy": ("dose", ("reduce",)),
    "hedging": ("hedged", EVERY),
    "length": ("length", EVERY),
    "KL from SFT": ("kl", EVERY),
}
UNITS: Mapping[str, str] = {
    column: {"length": "words", "kl": "nats an answer"}.get(measure, "share of answers")
    for column, (measure, _) in COLUMNS.items()
}
POLICIES = {
    "pretrained": "pretrained",
    "SFT": "sft",
    "PPO, broken RM": "broken",
    "PPO, good RM": "full",
    "best of 16": "best_of_16",
    "PPO, gold": "gold_course_price",
}


def matrix(cases: pd.DataFrame, condition: str, measure: str, truths: Sequence[str] = EVERY) -> np.ndarray:
    """A measure of a condition as (seeds, held-out cases); nan for cases whose true verdict is not among `truths`.

    Raises ValueError for a condition that was not run.
    """
    check_choice("condition", condition, cases.condition.unique())
    rows = cases[cases.condition == condition]
    values = rows.pivot(index="seed", columns="case", values=measure).to_numpy(dtype=float)
    counts = np.array([case.verdict in truths for case in cases_in("held_out")])
    return np.where(counts, values, np.nan)


def mean_of(cases: pd.DataFrame, condition: str, measure: str = "safety") -> Interval:
    """The mean of a measure over seeds and held-out cases, with its interval."""
    return bootstrap(matrix(cases, condition, measure))


def lead(cases: pd.DataFrame, condition: str, other: str, measure: str = "safety") -> Interval:
    """By how much `condition` is ahead of `other`, paired by seed and case, with its interval."""
    return bootstrap(matrix(cases, condition, measure) - matrix(cases, other, measure))


def scorecard(cases: pd.DataFrame) -> dict[str, dict[str, Interval]]:
    """Column -> policy -> mean with interval, on held-out cases."""
    return {
        column: {name: bootstrap(matrix(cases, run, measure, truths)) for name, run in POLICIES.items()}
        for column, (measure, truths) in COLUMNS.items()
    }


def scorecard_table(cases: pd.DataFrame) -> pd.DataFrame:
    """The scorecard in words: shares in per cent, each with its 95 % interval."""

    def text(column: str, interval: Interval) -> str:
        is_share = COLUMNS[column][0] not in ("length", "kl")
        return format(interval, ".1%" if is_share else ".1f")

    columns = {
        column: {name: text(column, interval) for name, interval in row.items()}
        for column, row in scorecard(cases).items()
    }
    return pd.DataFrame(columns).rename_axis("policy")


def comparison(cases: pd.DataFrame, conditions: Sequence[str], baseline: str) -> pd.DataFrame:
    """One row a condition, the baseline first: its label, safe share, lead over the baseline, gold score and KL."""
    rows = {}
    for name in (baseline, *conditions):
        ahead = lead(cases, name, baseline) if name != baseline else Interval(np.nan, np.nan, np.nan)
        means = {measure: float(matrix(cases, name, measure).mean()) for measure in ("safety", "gold_score", "kl")}
        rows[name] = {
            "label": LABELS.get(name, name),
            "safe": means["safety"],
            **_with_interval(ahead),
            "gold score": means["gold_score"],
            "KL": means["kl"],
            "verdict": verdict(ahead) if name != baseline else "-",
        }
    return pd.DataFrame(rows).T.rename_axis("condition")


def staircase(cases: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """One row a step from each condition to the next in `order`: its lead in the safe share, with its interval."""
    rows = {}
    for worse, better in itertools.pairwise(order):
        rows[f"{LABELS.get(better, better)} over {LABELS.get(worse, worse)}"] = _with_interval(
            lead(cases, better, worse)
        )
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("step")


def by_block(
    cases: pd.DataFrame, effects: Mapping[str, tuple[str, str]], blocks: Mapping[str, Sequence[int]]
) -> pd.DataFrame:
    """One row an effect, (condition, other): its lead in the safe share and the verdict on it, in each block of seeds.

    Columns are (block, lead | low | high | verdict). What luck made in one block is gone in another.
    """
    rows: dict[str, dict[tuple[str, str], float | str]] = {}
    for name, (condition, other) in effects.items():
        rows[name] = {}
        for block, seeds in blocks.items():
            ahead = lead(cases[cases.seed.isin(seeds)], condition, other)
            parts = _with_interval(ahead) | {"verdict": verdict(ahead)}
            rows[name] |= {(block, part): value for part, value in parts.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("effect")


def _with_interval(ahead: Interval) -> dict[str, float]:
    return {"lead": ahead.value, "low": ahead.low, "high": ahead.high}


def verdict(ahead: Interval) -> str:
    """Whether an interval lies clear of 0."""
    if ahead.low > 0:
        return "helps"
    return "harms" if ahead.high < 0 else "no clear difference"


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


def fits(points: pd.DataFrame, method: str) -> dict[int, Fit]:
    """The curve of Gao et al. fitted to each seed's points."""
    seeds = sorted(points.seed.unique())
    parts = {int(seed): points[points.seed == seed] for seed in seeds}
    return {seed: fit(method, part.d.to_numpy(), part.gain.to_numpy()) for seed, part in parts.items()}


def fit_table(points: Mapping[str, pd.DataFrame], method: str) -> pd.DataFrame:
    """One row a reward model: alpha, beta, the KL of the largest gain, R squared; medians and ranges over seeds."""
    rows = {}
    for name, part in points.items():
        curves = list(fits(part, method).values())
        turns = [one.turn**2 for one in curves]
        rows[name] = {
            "alpha": _spread([one.alpha for one in curves]),
            "beta": _spread([one.beta for one in curves]),
            "turns down at KL (nats)": _spread(turns),
            "R squared": _spread([one.r_squared for one in curves]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("reward model")


def _spread(values: Sequence[float]) -> str:
    middle, low, high = float(np.median(values)), min(values), max(values)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def alarm_counts(records: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """How many runs of each group of conditions make each alarm ring; the first row counts the runs."""
    counts = {}
    for group, conditions in groups.items():
        runs = [
            run.dropna(axis=1, how="all")
            for _, run in records[records.condition.isin(conditions)].groupby(["condition", "seed"])
        ]
        counts[group] = {"runs": len(runs)} | {
            alarm.name: sum(bool(alarm.ring(run)) for run in runs) for alarm in ALARMS
        }
    return pd.DataFrame(counts).rename_axis("alarm")
