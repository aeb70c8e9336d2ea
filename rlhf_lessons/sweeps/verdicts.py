"""What the kept results of the over-optimisation sweep say of its policies: scorecards, leads, safe shares."""

import itertools
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pandas as pd

from rlhf_lessons.refusals import check_choice
from rlhf_lessons.statistics.intervals import Interval, bootstrap
from rlhf_lessons.sweeps.over_optimisation import LABELS
from rlhf_lessons.sweeps.policy_runs import VIEWS
from rlhf_lessons.world.cases import cases_in

HELPS, HARMS, UNCLEAR = "helps", "harms", "no clear difference"
# Scorecard column -> measure, and the true verdicts of the held-out cases it looks at.
EVERY = ("avoid", "reduce", "safe")
COLUMNS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "safe to act on": ("safety", EVERY),
    "all parts right": ("right", EVERY),
    "harm": ("harm", EVERY),
    "over-caution": ("over_caution", EVERY),
    "incomplete": ("incomplete", ("avoid", "reduce")),
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
    "best of 4": "best_of_4",
    "best of 16": "best_of_16",
    "PPO, gold": "gold_course_price",
}


VIEW_NAMES: Mapping[str, str] = {
    "cases": "far, sampled",
    "greedy": "far, greedy",
    "near": "near, sampled",
    "near_greedy": "near, greedy",
}


def matrix(cases: pd.DataFrame, condition: str, measure: str, truths: Sequence[str] = EVERY) -> np.ndarray:
    """A measure of a condition as (seeds, cases), from any view of the policies.

    nan for cases whose true verdict is not among `truths`; fewer than `EVERY` are asked of held-out cases only.
    Raises ValueError for a condition that was not run.
    """
    check_choice("condition", condition, cases.condition.unique())
    rows = cases[cases.condition == condition]
    values = rows.pivot(index="seed", columns="case", values=measure).to_numpy(dtype=float)
    if set(truths) == set(EVERY):
        return values
    counts = np.array([case.verdict in truths for case in cases_in("held_out")])
    return np.where(counts, values, np.nan)


@cache
def facts_of(split: str) -> tuple[int, ...]:
    """The number of each case's fact: cases of one fact, such as three kidney values in one band, go together."""
    numbers: dict[frozenset[str], int] = {}
    return tuple(numbers.setdefault(case.fact, len(numbers)) for case in cases_in(split))


def mean_of(cases: pd.DataFrame, condition: str, measure: str = "safety", split: str = "held_out") -> Interval:
    """The mean of a measure over seeds and the cases of a split, with its interval over seeds and facts."""
    return bootstrap(matrix(cases, condition, measure), facts_of(split))


def lead(cases: pd.DataFrame, condition: str, other: str, measure: str = "safety") -> Interval:
    """By how much `condition` is ahead of `other`, paired by seed and case, with its interval over seeds and facts."""
    return bootstrap(matrix(cases, condition, measure) - matrix(cases, other, measure), facts_of("held_out"))


def safe_shares(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Policy by view of it: the safe share with its interval, in per cent; "-" for best of n, which is never greedy."""

    def said(view: str, run: str) -> str:
        rows = tables[view]
        return f"{mean_of(rows, run, split=VIEWS[view][0]):.1%}" if run in set(rows.condition) else "-"

    columns = {text: {name: said(view, run) for name, run in POLICIES.items()} for view, text in VIEW_NAMES.items()}
    return pd.DataFrame(columns).rename_axis("policy")


def scorecard(cases: pd.DataFrame) -> dict[str, dict[str, Interval]]:
    """Column -> policy -> mean with interval, on held-out cases."""
    return {
        column: {
            name: bootstrap(matrix(cases, run, measure, truths), facts_of("held_out")) for name, run in POLICIES.items()
        }
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
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("condition")


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
        return HELPS
    return HARMS if ahead.high < 0 else UNCLEAR
