"""All methods beside one another, from the same SFT models and by the same judge: on equal labels, answers, distance.

The methods are those of the methods sweep; best of n, and the SFT models, are those of the over-optimisation sweep,
which has the same seeds.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from rlhf_lessons.statistics.intervals import Interval, t_interval
from rlhf_lessons.sweeps import turning, verdicts

Tables = Mapping[str, pd.DataFrame]
CHOSEN = {"best_of_4": "best of 4", "best_of_16": "best of 16"}  # of the over-optimisation sweep
BEST_OF_N = "best of n"
AT_ONCE = ("distilled",)  # those that draw all their answers before they learn
JUDGE = "full"  # the reward model that all methods share
FEWER: Mapping[str, Sequence[str]] = {  # the methods that were also run on fewer labels, by label
    "PPO": ("ppo_20", "ppo_200", "ppo_2000", "ppo"),
    "DPO": ("dpo_20", "dpo_200", "dpo_2000", "dpo"),
}


def with_choice(methods: Tables, other: Tables, view: str = "cases") -> pd.DataFrame:
    """A view of all policies of the methods sweep, and of the other one's SFT model and best of n, for equal seeds."""
    seeds, names = methods[view].seed.unique(), ["sft", *CHOSEN]
    chosen = other[view][other[view].condition.isin(names) & other[view].seed.isin(seeds)]
    return pd.concat([methods[view], chosen], ignore_index=True)


def panels(methods: Tables, other: Tables, labels: Mapping[str, str]) -> dict[str, dict[str, pd.DataFrame]]:
    """The curves of `plots.methods`: gain over distance, and safe share over labels, answers and seconds, by label."""
    found = {"distance": ("d", "gain", distances(methods, other, labels))}
    found["labels"] = ("labels", "safety", over_labels(methods, FEWER))
    found |= {cost: (cost, "safety", over_cost(methods, labels, cost)) for cost in ("answers", "seconds")}
    return {
        name: {label: curve(points, x, y) for label, points in by_label.items()}
        for name, (x, y, by_label) in found.items()
    }


def distances(methods: Tables, other: Tables, labels: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """Label -> evaluations with seed, kl, d = sqrt(KL) and the gain in gold score; of best of n, a row for each n.

    labels: of each condition to look at.
    """
    points = {label: turning.ppo_points(methods["evaluations"], name) for name, label in labels.items()}
    best = turning.best_of_n_points(other["best_of_n"], JUDGE)
    return points | {BEST_OF_N: best[best.seed.isin(methods["evaluations"].seed.unique())]}


def over_cost(methods: Tables, labels: Mapping[str, str], cost: str) -> dict[str, pd.DataFrame]:
    """Label -> evaluations with what was spent up to each, as a column named by the `cost`: answers, or seconds.

    Of a method that spends nothing of it, or all before it learns, the last evaluation alone.
    """
    spent = methods["evaluations"].merge(methods["costs"][["condition", "seed", cost]], on=["condition", "seed"])
    last = spent.groupby(["condition", "seed"]).step.transform("max")
    on_the_way = (spent[cost] > 0) & ~spent.condition.isin(AT_ONCE)
    spent = spent[on_the_way | (spent.step == last)].sort_values(["seed", "step"])
    spent[cost] = spent[cost] * spent.step / last
    return {label: spent[spent.condition == name] for name, label in labels.items()}


def over_labels(methods: Tables, runs: Mapping[str, Sequence[str]]) -> dict[str, pd.DataFrame]:
    """Label -> safe share of the finished policies over the pairs they learned from: columns labels, safety, seed.

    runs: for each label, conditions that differ in the number of pairs.
    """
    safe = methods["cases"].groupby(["condition", "seed"], as_index=False).safety.mean()
    joined = safe.merge(methods["costs"][["condition", "seed", "labels"]], on=["condition", "seed"])
    return {
        label: joined[joined.condition.isin(names)].sort_values(["seed", "labels"]) for label, names in runs.items()
    }


def curve(points: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """One row a look: the means over seeds of `x` and `y`, as x and y, and the ends low and high of y's interval."""
    rows = []
    for _, part in points.groupby(points.groupby("seed").cumcount()):
        one = t_interval(part[y])
        rows.append({"x": part[x].mean(), "y": one.value, "low": one.low, "high": one.high})
    return pd.DataFrame(rows)


def gains_at(points: pd.DataFrame, kl: float) -> pd.Series:
    """Seed -> the gain in gold score where a run is `kl` nats from the SFT model, between the two looks around.

    nan for a run that does not come so far.
    """

    def at(run: pd.DataFrame) -> float:
        run = run.sort_values("d")
        return float(np.interp(np.sqrt(kl), run.d, run.gain, right=np.nan))

    return points.groupby("seed")[["d", "gain"]].apply(at)


def common_kl(points: Mapping[str, pd.DataFrame]) -> float:
    """The distance that every method passes in at least half of its seeds, in nats."""
    return float(min(part.groupby("seed").kl.max().median() for part in points.values()))


def at_equal_distance(points: Mapping[str, pd.DataFrame], kl: float, baseline: str) -> pd.DataFrame:
    """One row a method: seeds that come `kl` nats far, their mean gain in gold score, and its lead over `baseline`.

    Both with intervals over seeds, as text; the lead is paired by seed. Up to the first look after the start a gain is
    read off a straight line, which lies under a curve that bends: where that look lies beyond `kl`, of a method or of
    the baseline, the gain is told as a lower bound and there is no lead.
    """
    gains = {name: gains_at(part, kl) for name, part in points.items()}
    first = {name: part.groupby("seed").kl.nth(1).to_numpy().mean() for name, part in points.items()}
    rows = {}
    for name, found in gains.items():
        known, ahead = found.dropna(), (found - gains[baseline]).dropna()
        is_known, is_compared = len(known) > 1, len(ahead) > 1 and name != baseline
        lead = told(t_interval(ahead), "+.3f") if is_compared else "-"
        rows[name] = {
            "first look at KL": f"{first[name]:.2f}",
            "seeds": len(known),
            "gold gain": f"{'over ' if first[name] > kl else ''}{t_interval(known):+.3f}" if is_known else "-",
            "lead": "no look so near" if is_compared and max(first[name], first[baseline]) > kl else lead,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")


def costs_of(methods: Tables, labels: Mapping[str, str]) -> pd.DataFrame:
    """One row a method: pairs, sampled answers and seconds of one core, means over seeds, as text."""
    means = methods["costs"].groupby("condition")[["labels", "answers", "seconds"]].mean().loc[list(labels)]
    return means.map("{:,.0f}".format).set_axis(list(labels.values())).rename_axis("method")


def leads(
    cases: pd.DataFrame, labels: Mapping[str, str], baseline: str, blocks: Mapping[str, Sequence[int]]
) -> pd.DataFrame:
    """One row a policy, by label: safe share with interval, and in each block of seeds its lead over the baseline."""
    rows = {}
    for name, label in labels.items():
        rows[label] = {
            "safe": f"{verdicts.mean_of(cases, name):.1%}",
            "KL": f"{verdicts.mean_of(cases, name, 'kl'):.2f}",
        }
        for block, seeds in blocks.items():
            part = cases[cases.seed.isin(seeds)]
            rows[label][block] = "-" if name == baseline else told(verdicts.lead(part, name, baseline))
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")


def told(ahead: Interval, spec: str = "+.1%", words: tuple[str, str] = ("ahead", "behind")) -> str:
    """A difference with its interval, and what it shows: one of `words` for over and under 0, or nothing."""
    over, under = words
    word = {verdicts.HELPS: over, verdicts.HARMS: under, verdicts.UNCLEAR: "not shown"}[verdicts.verdict(ahead)]
    return f"{ahead:{spec}}, {word}"
