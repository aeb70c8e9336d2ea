"""What the rules for policies ask of a curve: its means over five updates, since when it is out, is a change noise?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rlhf_lessons.diagnostics.logs.columns import Log, printed_name
from rlhf_lessons.diagnostics.logs.rule import Signs

SMOOTH = 5
ENOUGH_ROWS = 10  # to tell a change from noise: three rows on each side and a rest between them
BEYOND_NOISE = 4.0  # standard errors: a curve without a trend is so far up once in 30,000 times


def curve(log: Log, name: str) -> pd.Series:
    """The finite values of one name, indexed by epoch, step or row."""
    return pd.Series(log.values(name), index=log.positions(name)[1], dtype=float)


def smooth(log: Log, name: str) -> pd.Series:
    """Means over five rows, indexed by the last of the five; with fewer than five rows, one mean over all."""
    series = curve(log, name)
    return series.rolling(SMOOTH, min_periods=min(SMOOTH, max(len(series), 1))).mean().dropna()


def since(log: Log, name: str, place: float, evidence: str, strength: float = 0.6, grave: bool | None = None) -> Signs:
    """The signs with the place since when they hold, in the unit that `name` is indexed by; a step is an update."""
    unit = log.positions(name)[0]
    said = f"from {'update' if unit == 'step' else unit} {place:g} on, {evidence}"
    return Signs(said, strength, step=float(place), place=unit, grave=grave)


def reward_name(log: Log) -> str:
    """The name of the reward that the policy is trained on: a policy's mean reward is its score."""
    return "score" if "score" in log else "mean_reward"


def rewards(log: Log) -> list[float]:
    """The finite values of that reward."""
    return log.values(reward_name(log))


def row_noise(values: Sequence[float]) -> float:
    """The standard deviation of single rows, from neighbouring ones (von Neumann), so that no trend counts as noise."""
    return float(np.sqrt(np.mean(np.diff(values) ** 2) / 2)) if len(values) > 1 else 0.0


def change_in_errors(values: Sequence[float]) -> float:
    """How far the last half is over the first sixth, in standard errors of that difference; 0 for few rows.

    Policies move most at first, so the first rows are set against all the later ones. The noise is `row_noise`.
    """
    if len(values) < ENOUGH_ROWS:
        return 0.0
    first, last = np.asarray(values[: max(3, len(values) // 6)]), np.asarray(values[len(values) // 2 :])
    gap = float(last.mean() - first.mean())
    error = row_noise(values) * (1 / len(first) + 1 / len(last)) ** 0.5
    return gap / error if error else float(np.sign(gap)) * np.inf if gap else 0.0


def kl_is_per_token(log: Log) -> bool:
    """Whether KL is a mean over tokens, as TRL's GRPO and verl print it, or a sum over an answer, as others do.

    So does this course, which alone prints `zero_spread` under this name.
    """
    printed = log.reading.names.get("kl", ())
    own = "zero_spread" in log and printed_name(log, "zero_spread") == "zero_spread"
    per_answer = own or any(name.startswith(("objective", "env")) for name in printed)
    return not per_answer and (log.kind == "grpo" or any("loss" in name or "actor" in name for name in printed))


def answer_lengths(log: Log) -> list[float]:
    """Mean lengths in tokens; where none is logged, entropy an answer over entropy a token (TRL's PPO prints both)."""
    whole, token = log.arrays("answer_entropy", "entropy")
    return log.values("response_length") or (whole[token > 0] / token[token > 0]).tolist()


def kl_both_ways(log: Log) -> tuple[pd.Series, pd.Series]:
    """Smoothed KL in nats an answer and in nats a token; empty where the length that it takes is not known."""
    kl, lengths = smooth(log, "kl"), answer_lengths(log)
    length, nothing = float(np.median(lengths)) if lengths else 0.0, kl.iloc[:0]
    if kl_is_per_token(log):
        return (kl * length if length else nothing), kl
    return kl, (kl / length if length else nothing)
