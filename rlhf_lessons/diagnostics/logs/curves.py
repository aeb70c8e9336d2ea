"""The curves that a verdict rests on, ready to be drawn: at most four panels, thinned, without NaN and infinity."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rlhf_lessons.diagnostics.logs.columns import Log, _at, _finite, printed_name
from rlhf_lessons.diagnostics.logs.names import PART, WHERE

MOST_PANELS, MOST_POINTS, MOST_LINES = 4, 500, 4
PAIRS = ("loss", "accuracy", "reward_chosen", "logps_chosen", "margin", "grad_norm", "learning_rate")
POLICY = (
    *("score", "kl", "response_length", "entropy", "std_reward", "zero_spread", "cut_off", "grad_norm", "loss"),
    *("policy_loss", "value_loss", "explained_variance", "clip_fraction", "approx_kl", "ratio", "learning_rate"),
)
LANGUAGE = ("loss", "token_accuracy", "perplexity", "grad_norm", "learning_rate")
# What is drawn of each kind of run, what says most first; of the other kinds, PAIRS.
DRAWN = {"grpo": POLICY, "ppo": POLICY, "sft": LANGUAGE, "unknown": tuple(dict.fromkeys((*PAIRS, *POLICY)))}
TOGETHER = {"reward_chosen": "reward_rejected", "logps_chosen": "logps_rejected"}  # in one panel


class Curve(NamedTuple):
    """One metric: its canonical name, its name as printed, and at most 500 places and values of it."""

    name: str
    printed: str
    places: list[float]
    values: list[float]


class Panel(NamedTuple):
    """Curves on one scale, and what their places count: epoch, step or row."""

    place: str
    curves: tuple[Curve, ...]


def panels(log: Log, asked: Sequence[Sequence[str]] = (), places: Sequence[str] = ()) -> tuple[Panel, ...]:
    """What is drawn of a log: first what the first finding asked for, last what only says much of this kind of run.

    asked: canonical names, a list a finding; places: what the findings count places in, so that they can be marked.
    """

    def rank(name: str) -> int:
        alike = {name, f"eval_{name}", TOGETHER.get(name)}
        return next((place for place, names in enumerate(asked) if alike & {*names}), len(asked))

    found = [name for name in DRAWN.get(log.kind, PAIRS) if _several(log, name) or _several(log, f"eval_{name}")]
    return tuple(_panel(log, name, places) for name in sorted(found, key=rank)[:MOST_PANELS])


def _several(log: Log, name: str) -> bool:
    return len(log.values(name)) > 1


def _panel(log: Log, metric: str, places: Sequence[str]) -> Panel:
    parts = [name for name in log.columns if metric == "score" and name.startswith(PART)]
    bases = [metric, *([TOGETHER[metric]] if metric in TOGETHER else []), *parts]
    names = [name for base in bases for name in (base, f"eval_{base}") if log.values(name)][:MOST_LINES]
    columns = [_finite(log.columns[name]) for name in names]
    where = next((unit for unit in (*places, *WHERE) if all(_counts(log, unit, each.rows) for each in columns)), "row")
    curves = []
    for name, column in zip(names, columns, strict=True):
        kept = _thinned(column.values)
        at = _at(log.columns[where], column.rows) if where != "row" else column.rows
        curves.append(Curve(name, printed_name(log, name), at[kept].tolist(), column.values[kept].tolist()))
    return Panel(where, tuple(curves))


def _counts(log: Log, unit: str, rows: np.ndarray) -> bool:
    """Whether every one of these rows has its place in this unit, a finite one, each after the one before."""
    if unit not in log or not np.isin(rows, log.columns[unit].rows).all():
        return False
    places = _at(log.columns[unit], rows)
    return bool(np.isfinite(places).all() and (np.diff(places) > 0).all())


def _thinned(values: np.ndarray) -> np.ndarray:
    """The numbers of the points to draw: of each stretch the lowest and the highest, so that no spike is lost."""
    if len(values) <= MOST_POINTS:
        return np.arange(len(values))
    stretches = np.array_split(np.arange(len(values)), MOST_POINTS // 2 - 1)  # the ends are two points more
    extremes = [(some[values[some].argmin()], some[values[some].argmax()]) for some in stretches]
    return np.unique(np.concatenate([*extremes, (0, len(values) - 1)]))
